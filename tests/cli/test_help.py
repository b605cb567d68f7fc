"""The front page of the help, its groups, and `python -m jnst`."""

import re
import subprocess
import sys

import pytest

from jnst import cli
from jnst.cli.help import GROUPS, front_page, shown_at_once
from jnst.cli.options.parser import build_parser
from jnst.cli.options.parsing import parse

PROGRAM = """
import sys
from jnst.__main__ import run
code = run()
print(code, *{"jax", "numpy", "flax"} & sys.modules.keys())
"""


def helped(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.main(words) == 0
    return capfd.readouterr().out


def test_the_front_page_is_one_screen_of_what_most_need(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = helped(capfd, "--help").splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    named = re.findall(r"^  (--[a-z-]+)", "\n".join(lines), re.MULTILINE)
    assert 12 <= len(named) <= 18
    text = " ".join(lines)
    assert set(re.findall(r"--[a-z-]+", text)) <= build_parser()._option_string_actions.keys()
    for example in re.findall(r"^  jnst (.*)", "\n".join(lines), re.MULTILINE):
        parse([word.strip('"') for word in example.split()])
    assert "jnst --help all shows all options" in text
    assert f"{', '.join(GROUPS)}" in text


def test_defaults_are_those_of_the_preset() -> None:
    assert re.search(r"--color NAME .*\(default: style\)", front_page("default"))
    assert (
        "--style-scale X       above 1 larger strokes, below 1 smaller (default: 1)"
        in front_page("crowsonkb")
    )


def test_all_or_one_group_or_one_option(capfd: pytest.CaptureFixture[str]) -> None:
    titles = re.findall(r"^([a-z ]+):$", helped(capfd, "--help", "all"), re.MULTILINE)
    assert tuple(titles[: len(GROUPS)]) == GROUPS
    regions = helped(capfd, "--help", "regions")
    assert re.findall(r"^  (--[a-z-]+)", regions, re.MULTILINE) == [
        "--content-mask",
        "--style-mask",
        "--keep-mask",
    ]
    assert regions.splitlines()[-1] == "jnst --help all shows all options"
    assert helped(capfd, "--help", "many") == helped(capfd, "--help", "many", "paintings")
    shown = helped(capfd, "--preset", "gatys-pytorch", "--help", "style-scale")
    assert re.findall(r"^  (--[a-z-]+)", shown, re.MULTILINE) == ["--style-scale"]


@pytest.mark.parametrize(
    ("topic", "hint"), [("regoins", "did you mean regions?"), ("xyz", "choose one of all, files")]
)
def test_no_such_group(topic: str, hint: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help", topic]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"jnst: error: unknown group {topic!r}; {hint}")


@pytest.mark.parametrize("words", [["--help"], ["--preset", "gatys2016", "-h"], ["--version"]])
def test_help_and_version_wait_for_no_library(words: list[str]) -> None:
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=True
    )
    *text, last = found.stdout.splitlines()
    assert text[0].startswith("usage: jnst " if words != ["--version"] else "jnst 0.")
    assert last == "0"


@pytest.mark.parametrize(
    "words",
    [
        ["filters", "--help"],
        ["--help", "all"],
        ["--preset", "gatis", "--help"],
        ["--preset", "--help"],
        ["--size", "9"],
        [],
    ],
)
def test_what_is_not_shown_at_once(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert not shown_at_once(words)
    assert capfd.readouterr().out == ""


def test_python_m_jnst() -> None:
    command = [sys.executable, "-m", "jnst", "--content", "a.png"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == "jnst: error: --style is missing: give a picture (see --help)\n"
