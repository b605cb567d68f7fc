"""The README and the guides: their commands and Python run, and what they name exists."""

import re
import shlex
import shutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from clips import make_clip
from clips import pictures as moving
from command import TINY
from PIL import Image

import jnst
from jnst import cli
from jnst.cli.options.film import FilmRequest, parse_film
from jnst.cli.options.film_groups import FILM_GROUPS
from jnst.cli.options.groups import GROUPS
from jnst.cli.options.parser import build_parser, typed_options
from jnst.cli.options.parsing import parse
from jnst.cli.options.request import Batch, Request
from jnst.storage import is_remote
from jnst.studio.command import make_parser

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLE = ["--content", "photo.jpg", "--style", "painting.jpg", "--output", "result.png"]
PICTURES = ("photo.jpg", "painting.jpg", "a.jpg", "b.jpg", "astronaut.jpg", "nocturne.jpg")
PICTURES += ("harvest.jpg", "photos/1.jpg", "photos/2.jpg", "styles/1.jpg", "monet/1.jpg")
MASKS = ("face.png", "left.png", "right.png")


def by_name(pages):
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.name)


def commands(page: Path) -> list[list[str]]:
    """The words after `jnst` or `python cli.py` of each command in a block of a page."""
    found = []
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    for block in [block for language, block in blocks if language in ("", "sh")]:
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["jnst"]:
                found.append(words[1:])
            elif words[:2] == ["python", "cli.py"]:
                found.append(words[2:])
    return found


def options(page: Path) -> list[list[str]]:
    """The words of each option with a value, or alone, in a table or the text of a page."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return [shlex.split(words) for words in re.findall(r"`(--[^`]+)`", text)]


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A folder with all pictures that the commands name, at 40 pixels."""
    rng = np.random.default_rng(1)
    for name in PICTURES + MASKS:
        pixels = rng.integers(0, 256, (40, 40, 3), np.uint8)
        pixels = np.repeat(pixels[..., :1], 3, 2) if name in MASKS else pixels
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / name)
    make_clip(tmp_path / "clip.mp4", moving(2), sound="aac")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@by_name([page for page in PAGES if commands(page)])
def test_the_commands_of_a_page_run_one_after_the_other(page, pictures, capfd):
    for words in commands(page):
        paints = "--content" in words[:2]
        if "--coordinator" in words:  # tests/cli/test_cli_devices.py runs two processes
            assert isinstance(parse(words), Request)
            continue
        if "--cluster" in words:  # tests/cli/test_cluster.py has workers
            assert isinstance(parse(words), Batch)
            continue
        if any(is_remote(word) for word in words):  # tests/cli/test_storage.py has a server
            typed_options(words, build_parser())
            continue
        if words[0] == "studio":  # it serves until it is stopped; tests/studio opens it
            make_parser().parse_args(words[1:])
            continue
        code = cli.main([*words, *(TINY if paints else ())])
        assert code == 0, f"{shlex.join(words)}: {capfd.readouterr().err}"
        if paints and "--output" in words and "{" not in words[words.index("--output") + 1]:
            assert (pictures / words[words.index("--output") + 1]).exists()


@by_name([page for page in PAGES if options(page)])
def test_the_options_of_a_page_are_understood(page, pictures):
    film = page.name == "films.md"
    groups = FILM_GROUPS if film else GROUPS
    known = {*build_parser("default", "", groups)._option_string_actions}
    for words in options(page):
        names = {word for word in words if word.startswith("--")}
        assert names <= known, words
        if film and "--style" not in names and len(words) > 1:
            start = EXAMPLE[2:4] if "--content" in names else EXAMPLE[:4]
            assert isinstance(parse_film([*start, *words]), FilmRequest), words
        if (
            film
            or len(words) == 1
            or names & {"--resume", "--print-command", "--weights"}
            or "-" in words
        ):
            continue
        given = [*EXAMPLE]
        for name in names & {"--content", "--style", "--output"}:
            del given[given.index(name) : given.index(name) + 2]
        assert isinstance(parse([*given, *words]), Request | Batch), words


@pytest.mark.slow
@by_name([page for page in PAGES if "```python" in page.read_text()])
def test_the_python_of_a_page_runs(page, tmp_path, monkeypatch, capsys):
    shutil.copytree(ROOT / "examples" / "images", tmp_path / "examples" / "images")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        # A handful of steps at one scale shows as much as a full run.
        exec(block.replace("size=128)", "size=128, scales=(1.0,), steps=(2,))"), names)
    if page.name == "README.md":
        assert capsys.readouterr().out.startswith("(85, 128, 3) ")
        assert (tmp_path / "coffee_harvest.png").stat().st_size > 10_000
    elif page.name == "films.md":
        paintings = sorted(tmp_path.glob("painted_*.png"))
        assert [path.name for path in paintings] == [f"painted_{n:04}.png" for n in range(3)]
    else:
        assert names["gradient"].shape == names["content"].shape
        assert set(names["maps"]) == {"relu1_1", "relu4_2"}


@by_name(PAGES)
def test_the_files_that_a_page_names_exist(page):
    text = page.read_text()
    links = [page.parent / link for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)]
    named = re.findall(r"`((?:examples|jnst|weights|benchmarks)/[\w./]+)`", text)
    for path in [*links, *(ROOT / name for name in named)]:
        assert path.exists(), path


def test_each_public_name_is_in_the_reference():
    api = ROOT / "docs" / "api"
    index = re.findall(r"`(?:jnst\.)?(\w+)`", (api / "index.md").read_text())
    assert set(jnst.__all__) <= set(index)
    for path in (ROOT / "jnst").glob("*/__init__.py"):
        listed = re.findall(r"^ {8}- (\w+)$", (api / f"{path.parent.name}.md").read_text(), re.M)
        room = import_module(f"jnst.{path.parent.name}")
        # A face without `__all__` gives what it imports under its own name.
        given = re.findall(r"^from \S+ import (\w+) as \1$", path.read_text(), re.M)
        assert sorted(getattr(room, "__all__", given)) == sorted(listed), room.__name__


def test_the_demo_is_a_whole_command_and_needs_no_connection():
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    (command,) = re.findall(r"cli\.py (--content .*)", text)
    request = parse(shlex.split(command))
    assert isinstance(request, Request)
    assert (request.architecture, request.weights) == ("vgg16", None)
    for picture in (request.content, *request.styles):
        assert (ROOT / picture).exists(), picture
