"""Pictures through standard input and output, and the limits, by the command."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from command import PICTURES, TINY, Command
from PIL import Image

import jnst
from jnst import cli
from jnst.cli import pictures
from jnst.images import read_image

ROOT = Path(__file__).parents[2]
SHORT = [*TINY, "--style-layers", "relu1_1", "--content-layers", "relu1_2", "--steps", "2"]


class _Stdin:
    def __init__(self, data: bytes, terminal: bool = False) -> None:
        self.buffer, self.isatty = io.BytesIO(data), lambda: terminal


@pytest.mark.slow
def test_a_pipe_through(run: Command) -> None:
    """As a shell does it: the picture alone on standard output, everything else on the other."""
    assert run(*PICTURES, *SHORT, "--output", "file.png")[0] == 0
    words = ["--content", "-", "--style", "night.png", *SHORT, "--output", "-"]
    found = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *words],
        input=Path("cat.png").read_bytes(),
        capture_output=True,
        check=True,
    )
    assert Image.open(io.BytesIO(found.stdout)).format == "PNG"
    Path("piped.png").write_bytes(found.stdout)
    np.testing.assert_array_equal(read_image("piped.png").pixels, read_image("file.png").pixels)
    told = found.stderr.decode().splitlines()
    assert told[-1].startswith("jnst: total ")
    assert all(line.startswith("jnst: ") for line in told)
    assert run.files() == {"file.png", "piped.png"}


@pytest.mark.slow
def test_a_script_gets_the_name_of_the_painting(run: Command) -> None:
    """Also one whose bytes are no text."""
    Path("cat.png").rename(os.fsdecode(b"c\xe4t.png"))
    words = ["--content", b"c\xe4t.png", "--style", "night.png", *SHORT]
    script = 'out=$("$@") && test -s "$out" && printf "<%s>" "$out"'
    found = subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-m", "jnst", *words],
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert found.stdout == b"<c\xe4t_night.png>"


@pytest.mark.slow
def test_a_reader_that_has_gone_leaves_the_painting_elsewhere(run: Command) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    (run.folder / "tmp").mkdir()
    found = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *PICTURES, *SHORT, "--output", "-", "--quiet"],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=dict(os.environ) | {"TMPDIR": str(run.folder / "tmp")},
        text=True,
        check=False,
    )
    os.close(writing)
    assert found.returncode == 1
    (painting,) = (run.folder / "tmp").glob("jnst-*/painting.png")
    assert f"Broken pipe; the painting is {painting}" in found.stderr.splitlines()[0]
    assert "Traceback" not in found.stderr
    assert "Exception" not in found.stderr
    assert read_image(painting).pixels.shape == (21, 32, 3)


def test_what_lies_beside_a_painting_without_a_name(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    monkeypatch.setattr("jnst.cli.output.write_output_stream", written.append)
    monkeypatch.setattr("jnst.cli.paths.check_output_stream", lambda: None)
    code, out, _ = run(*PICTURES, *SHORT, "--output", "-", "--save-every", "1")
    assert (code, out, len(written)) == (0, [], 1)
    steps = {f"painting_steps/it000{step}.png" for step in (1, 2)}
    assert run.files() == {"painting_steps", "painting_sheet.png", *steps}
    monkeypatch.setattr(sys, "stdin", _Stdin(Path("night.png").read_bytes()))
    code, out, _ = run("--content", "cat.png", "--style", "-", *SHORT)
    assert (code, out[0]) == (0, "cat_stdin.png")


def test_a_run_from_standard_input_goes_on(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    cat = Path("cat.png").read_bytes()
    words = ["--content", "-", "--style", "night.png", *SHORT, "--checkpoint", "run.ckpt"]
    monkeypatch.setattr(sys, "stdin", _Stdin(cat))
    assert run(*words, "--output", "a.png")[0] == 0
    for data, code in ((cat, 0), (Path("night.png").read_bytes(), 1), (b"", 1)):
        monkeypatch.setattr(sys, "stdin", _Stdin(data))
        found, _, err = run("--resume", "run.ckpt", "--output", "b.png")
        assert found == code
    assert "standard input is not a picture" in err[-1]
    np.testing.assert_array_equal(read_image("a.png").pixels, read_image("b.png").pixels)


def test_a_damaged_picture_ends_in_one_line(run: Command) -> None:
    """Also where libtiff and tifffile have much to say; and nothing else is lost."""
    pixels = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
    Image.fromarray(pixels).save("a.tif", compression="tiff_lzw")
    data = bytearray(Path("a.tif").read_bytes())
    data[8:40] = bytes(32)
    Path("a.tif").write_bytes(data)
    tifffile.imwrite("b.tif", pixels.astype(np.float32), photometric="minisblack")
    data = bytearray(Path("b.tif").read_bytes())
    data[30:60] = b"\xff" * 30
    Path("b.tif").write_bytes(data)
    for name in ("a.tif", "b.tif"):
        code, _, err = run("--content", name, "--style", "night.png", *SHORT)
        assert (code, len(err)) == (1, 1)
        assert err[0].startswith(f"jnst: error: '{name}' ")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--style", "-", "--init-image", "-"], 2, "standard input holds one picture: give - once"),
        (
            ["--init-image", "-"],
            2,
            "- reads a picture from standard input: pipe one into it, or name",
        ),
        (["--max-pixels", "1000"], 1, "cat.png' cannot be read: it is too large, 48x32 pixels are"),
        (["--max-pixels", "1.55k"], 1, "night.png' cannot be read: it is too large, 40x40 pixels"),
        (["--max-file-size", "1K"], 1, "cat.png' cannot be read: the file is larger than 1,000 by"),
        (["--max-pixels", "0"], 2, "--max-pixels: '0' is not a number above 0, such as 400M or 50"),
        (["--max-file-size", "2T"], 2, "--max-file-size: '2T' is not a number above 0"),
    ],
)
def test_refusals(
    run: Command, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, message: str
) -> None:
    monkeypatch.setattr(sys, "stdin", _Stdin(b"", terminal=True))
    found, out, err = run(*PICTURES, *SHORT, *words)
    assert (found, out, len(err)) == (code, [], 1)
    assert message in err[0]
    assert run.files() == set()


def test_no_picture_is_poured_into_a_terminal(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures.sys, "stdout", _Stdin(b"", terminal=True))
    assert cli.main([*PICTURES, *SHORT, "--output", "-"]) == 2
    monkeypatch.undo()


def test_filters_have_the_limits_too(run: Command) -> None:
    words = ["filters", "--image", "cat.png", "--output", "f.png"]
    code, _, err = run(*words, "--max-pixels", "100")
    assert (code, len(err)) == (1, 1)
    assert "48x32 pixels are over 100" in err[0]


@pytest.mark.filterwarnings("default")
def test_notes_on_pictures_are_lines(run: Command) -> None:
    frames = [Image.new("RGB", (48, 32), colour) for colour in ("red", "blue")]
    frames[0].save("cat.gif", save_all=True, append_images=frames[1:])
    words = ["--content", "cat.gif", "--style", "night.png", *SHORT]
    assert (
        run(*words)[2][0] == "jnst: note: 'cat.gif' holds more than one picture; the first is read"
    )
    words = ["filters", "--image", "cat.gif", "--output", "f.png"]
    assert run(*words)[2] == [
        "jnst: note: 'cat.gif' holds more than one picture; the first is read"
    ]
    assert jnst.read_image("f.png").pixels.ndim == 3
