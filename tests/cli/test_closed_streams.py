"""The command without standard input, output or error, as after `2>&-` and under pythonw."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from command import PICTURES, TINY, Command

import jnst
from jnst import cli
from jnst.images import read_image

PROGRAM = [sys.executable, str(Path(__file__).parents[2] / "cli.py")]


def closed(streams: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """The command, begun by a shell with streams closed; what is open is captured."""
    command = ["sh", "-c", f'"$@" {streams}', "sh", *PROGRAM, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.slow
@pytest.mark.parametrize("streams", ["2>&-", ">&-", "<&-", "<&- >&- 2>&-"])
def test_it_paints(run: Command, streams: str) -> None:
    """And nothing that is meant for a stream gets into a file that has its number."""
    found = closed(streams, *PICTURES, *TINY, "--log", "log", "--checkpoint", "run.ckpt")
    assert found.returncode == 0
    assert found.stdout == ("" if " >&-" in f" {streams}" else "cat_night.png\n")
    assert ("step 3/3" in found.stderr) == ("2>&-" not in streams)
    assert read_image("cat_night.png").pixels.shape == (21, 32, 3)
    assert [json.loads(line).get("step") for line in Path("log").read_text().splitlines()] == [
        *(None, 1, 2, 3, 3)
    ]
    assert jnst.load_checkpoint("run.ckpt").step == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("streams", "words", "code", "told"),
    [
        ("2>&-", ["--help"], 0, ""),
        (">&-", ["--version"], 0, ""),
        (">&-", ["weights", "list"], 0, ""),
        ("2>&-", ["filters", "--image", "cat.png", "--output", "f.png"], 0, ""),
        ("2>&- >&-", ["--stpes", "9"], 2, ""),
        ("2>&-", ["--content", "none.png", "--style", "night.png"], 1, ""),
        (">&-", [*PICTURES, *TINY, "--output", "-"], 2, "--output - writes a PNG to standard"),
        (
            "<&-",
            ["--content", "-", *PICTURES[2:], *TINY],
            2,
            "- reads a picture from standard input",
        ),
    ],
)
def test_every_command_ends_as_it_would(
    run: Command, streams: str, words: list[str], code: int, told: str
) -> None:
    found = closed(streams, *words)
    assert found.returncode == code
    assert told in found.stderr
    assert "Traceback" not in found.stderr + found.stdout


def test_a_program_without_a_console(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert cli.main([*PICTURES, *TINY]) == 0
    assert Path("cat_night.png").exists()
    sys.stderr.close()
