"""Whatever fails ends in one line, an exit code, and no file."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command import PICTURES, TINY, Command
from PIL import Image

from jnst import cli
from jnst.cli import paint, pictures
from jnst.cli.options.request import Request
from jnst.images import Picture, read_image, write_image


def _truncated(path: Path) -> None:
    image = Image.effect_noise((64, 64), 50).convert("RGB")
    image.save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


MAKERS: dict[str, Callable[[Path], object]] = {
    "text.jpg": lambda path: path.write_text("I am no picture."),
    "cut.jpg": _truncated,
    "folder": Path.mkdir,
    "dot.png": lambda path: Image.new("RGB", (1, 1)).save(path),
    "empty.png": Path.touch,
}


@pytest.mark.parametrize("role", ["--content", "--style", "--init-image"])
@pytest.mark.parametrize("name", [*MAKERS, "missing.jpg"])
def test_pictures_that_are_none(role: str, name: str, run: Command) -> None:
    """Whatever is wrong with a picture: one line with its name, and nothing is written."""
    if name in MAKERS:
        MAKERS[name](run.folder / name)
    before = run.files()
    words = dict(zip(PICTURES[::2], PICTURES[1::2], strict=True)) | {role: name}
    code, out, err = run(*(word for pair in words.items() for word in pair), *TINY)
    assert (code, out, len(err)) == (1, [], 1)
    assert err[0].startswith("jnst: error: ")
    assert name in err[0]
    assert run.files() == before


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--content-layers", "relu9_1"], 2, "vgg16 has no layer 'relu9_1'"),
        (["--style-weight", "-1"], 2, "--style-weight is -1.0: it must be"),
        (["--output", "cat.png"], 2, "--output would overwrite --content, cat.png"),
        (["--output", "./night.png"], 2, "--output would overwrite --style"),
        (["--log", "cat.png"], 2, "--log would overwrite --content"),
        (["--output", "a.png", "--log", "a.png"], 2, "--log would overwrite --output"),
        (["--output", "no/such/out.png"], 1, "no/such"),
        (["--output", "cat.png/out.png"], 1, "cat.png"),
        (["--log", "no/such/log"], 1, "no/such"),
        (["--save-every", "1", "--snapshots", "no/such/steps"], 1, "no/such"),
        (["--save-every", "1", "--snapshots", "cat.png"], 1, "cat.png is a file, not a folder"),
        (["--save-every", "1", "--snapshots", "."], 2, "lies in the folder of the snapshots"),
        (["--output", "out.xyz"], 2, "--output: 'out.xyz' has no known ending: use .png"),
        (["--output", "o.jpg", "--bits", "16"], 2, "--output: 'o.jpg': JPEG cannot hold 16 bits"),
        (["--weights", "missing.h5"], 1, "missing.h5"),
        (["--learning-rate", "1e30", "--tv-weight", "1e38", "--no-clamp"], 1, "finite"),
    ],
)
def test_failures(words: list[str], code: int, message: str, run: Command) -> None:
    """One line on standard error, the exit code, and nothing written."""
    found, out, err = run(*PICTURES, *TINY, *words, "--quiet")
    assert (found, out, len(err)) == (code, [], 1)
    assert err[0].startswith("jnst: error: ")
    assert message in err[0]
    assert run.files() == set()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind here")
def test_a_folder_without_permission(run: Command) -> None:
    (run.folder / "closed").mkdir(0o500)
    code, _, err = run(*PICTURES, *TINY, "--output", "closed/out.png")
    assert (code, len(err)) == (1, 1)


def test_nothing_is_computed_before_the_output_is_proven(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("weights were loaded")

    monkeypatch.setattr(paint, "load_weights", never)
    code, _, err = run(*PICTURES, "--output", "no/out.png")
    assert code == 1
    assert "no/out.png" in err[0] or "no" in err[0].split()


def test_a_picture_of_someone_else_has_no_command(run: Command) -> None:
    code, out, err = run("--rerun", "cat.png")
    assert (code, out) == (1, [])
    assert len(err) == 1
    assert err[0].startswith("jnst: error: 'cat.png' carries no parameters")
    write_image("api.png", np.zeros((2, 2, 3)), parameters={"seed": "1"})
    code, _, err = run("--rerun", "api.png")
    assert code == 1
    assert err == ["jnst: error: api.png does not say by which command it was made"]


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("jnst --content a.png; touch x; $(id)", "unknown option"),
        ("rm -rf / # jnst", "it is none of jnst"),
        ("jnst --content a.png\ntouch x", "it has control characters"),
        ("jnst --content a.png --style \x1b[2Jb.png", "it has control characters"),
        ("jnst --content 'a.png", "No closing quotation"),
        ("python", "it is none of jnst"),
    ],
)
def test_what_is_no_command_of_jnst_is_not_shown(run: Command, command: str, text: str) -> None:
    write_image("api.png", np.zeros((2, 2, 3)), parameters={"command": command})
    code, out, err = run("--print-command", "api.png")
    assert (code, out, len(err)) == (1, [], 1)
    assert err[0].startswith("jnst: error: the command in api.png is not shown: ")
    assert text in err[0] or "jnst" in err[0]


def test_a_strangers_command_is_quoted_anew(run: Command) -> None:
    command = "jnst --content '$(id).png' --style 'b; touch x.png'"
    write_image("api.png", np.zeros((2, 2, 3)), parameters={"command": command})
    code, out, err = run("--rerun", "api.png")
    assert (code, err) == (0, [])
    assert out == ["jnst --content '$(id).png' --style 'b; touch x.png'"]


@pytest.mark.parametrize(
    "option",
    [
        "content",
        "style",
        "output",
        "init-image",
        "log",
        "snapshots",
        "content-mask",
        "style-mask",
        "keep-mask",
        "checkpoint",
        "resume",
        "weights",
        "print-command",
        "config",
        "save-config",
    ],
)
def test_an_empty_name_is_refused(run: Command, option: str) -> None:
    """The unset variable of a script, once the current folder."""
    code, out, err = run(*PICTURES, f"--{option}", "")
    assert (code, out) == (2, [])
    assert err == [f"jnst: error: --{option} is empty: give the name of a file or folder"]


def test_a_new_folder_is_made_for_one_painting_as_for_many(run: Command) -> None:
    code, out, _ = run(*PICTURES, *TINY, "--output", "new/er/")
    assert (code, out[0]) == (0, "new/er/cat_night.png")
    assert (run.folder / "new" / "er" / "cat_night.png").exists()


def test_an_unexpected_error_is_one_line_too(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("a\nb")

    monkeypatch.setattr(paint, "stylize", broken)
    code, _, err = run(*PICTURES, *TINY, "--quiet")
    assert (code, err) == (
        1,
        ["jnst: error: unexpected KeyError: 'a\\nb' (JNST_DEBUG=1 shows where)"],
    )
    monkeypatch.setenv("JNST_DEBUG", "1")
    with pytest.raises(KeyError):
        cli.main([*PICTURES, *TINY])


def test_a_warning_is_a_line(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def warned(path: str, request: Request) -> Picture:
        warnings.warn(f"{path} has a strange profile", UserWarning, stacklevel=2)
        return read_image(path)

    monkeypatch.setattr(pictures, "read_picture", warned)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert run(*PICTURES, *TINY)[2][0] == "jnst: note: cat.png has a strange profile"
        assert run(*PICTURES, *TINY, "--quiet")[2] == []
