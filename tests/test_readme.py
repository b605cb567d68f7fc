"""What the README shows runs as it stands, from the folder that it is in."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from jnst.cli.options.parsing import parse
from jnst.cli.options.request import Request

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    shutil.copytree(ROOT / "examples" / "images", tmp_path / "examples" / "images")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        # A handful of steps at one scale shows as much as a full run.
        exec(block.replace("size=128)", "size=128, scales=(1.0,), steps=(2,))"), names)
    assert capsys.readouterr().out.startswith("(85, 128, 3) ")
    assert (tmp_path / "coffee_harvest.png").stat().st_size > 10_000
    assert names["gradient"].shape == names["content"].shape
    assert set(names["maps"]) == {"relu1_1", "relu4_2"}


def test_the_files_that_the_readme_names_exist():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    links += re.findall(r"`((?:examples|jnst|weights|benchmarks)/[\w./]+)`", README)
    assert len(links) > 8
    for link in links:
        assert (ROOT / link).exists(), link


def test_the_demo_is_a_whole_command_and_needs_no_connection():
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    (command,) = re.findall(r"cli\.py (--content .*)", text)
    request = parse(shlex.split(command))
    assert isinstance(request, Request)
    assert (request.network, request.weights) == ("vgg16", None)
    for picture in (request.content, *request.styles):
        assert (ROOT / picture).exists(), picture
