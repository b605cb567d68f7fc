"""`jnst video`, with a painter that paints nothing: files in and out, going on, what is refused."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import facts, make_clip, paint_nothing, pictures

from jnst import cli
from jnst.cli.film import paint as film_paint
from jnst.cli.options.film import parse_film
from jnst.images import read_image, read_parameters, write_image
from jnst.video.film import read_film_parameters

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in a folder with a clip of six frames and a style."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(film_paint, "paint_frames", paint_nothing)
    make_clip(Path("clip.mp4"), pictures(6), sound="aac")
    write_image("style.png", np.random.default_rng(0).random((40, 50, 3)))

    def call(*words: str) -> tuple[int, str, str]:
        code = cli.main(["video", *words])
        out, err = capfd.readouterr()
        return code, out, err

    return call


START = ("--content", "clip.mp4", "--style", "style.png", "--size", "48", "--steps", "2")


def frames_in(folder: str) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(Path(folder).glob("pass*.png"))}


def stop_after(monkeypatch: pytest.MonkeyPatch, frames: int, error: type[BaseException]) -> None:
    """Makes the painter raise an error once it has painted so many frames."""

    def stopping(*args: Any, **options: Any) -> Iterator[np.ndarray]:
        painted = paint_nothing(*args, **options)
        for _ in range(frames):
            yield next(painted)
        raise error("stopped")

    monkeypatch.setattr(film_paint, "paint_frames", stopping)


def test_a_film_is_painted_with_its_sound_and_its_command(run: Run) -> None:
    code, out, err = run(*START, "--output", "painted.mp4")
    assert (code, out) == (0, "painted.mp4\n"), err
    before, after = facts(Path("clip.mp4")), facts(Path("painted.mp4"))
    assert after["size"] == (36, 48)
    for name in ("sound", "times", "rate", "colors"):
        assert after[name] == before[name], name
    assert len(frames_in("painted_frames")) == 6
    assert "6 frames of 48x36 pixels, 25 a second; about" in err
    assert "of memory and up to" in err
    assert "frame 6/6" in err
    told = read_film_parameters("painted.mp4")["command"]
    assert told == f"jnst video {' '.join(START)} --output painted.mp4"
    assert cli.main(["--print-command", "painted.mp4"]) == 0


def test_the_command_of_a_film_makes_it_again(run: Run) -> None:
    words = [*START, "--output", "a.mp4", "--start", "0.04", "--end", "1:0", "--fps", "12.5"]
    words += ["--passes", "2", "--shots", "1,3", "--no-sound", "--long-term", "1,4", "--temporal"]
    request = parse_film([*words, "2"])
    assert parse_film(request.words()[1:]) == request
    assert type(request).from_json(json.loads(json.dumps(request.to_json()))) == request


@pytest.mark.parametrize("frames", [1, 4])
def test_a_film_goes_on_to_the_same_bytes(
    run: Run, monkeypatch: pytest.MonkeyPatch, frames: int
) -> None:
    assert run(*START, "--output", "whole.mp4")[0] == 0
    stop_after(monkeypatch, frames, OSError)
    code, out, err = run(*START, "--output", "part.mp4")
    assert (code, out) == (1, "")
    hint = f"{frames} frames are in part_frames; jnst video --resume part_frames goes on"
    assert err.splitlines()[-2:] == [f"jnst: {hint}", "jnst: error: stopped"]
    monkeypatch.setattr(film_paint, "paint_frames", paint_nothing)
    code, out, err = run("--resume", "part_frames")
    assert (code, out) == (0, "part.mp4\n")
    assert f"going on from part_frames, frame {frames} of 6" in err
    assert frames_in("part_frames") == frames_in("whole_frames")
    ours, theirs = facts(Path("part.mp4")), facts(Path("whole.mp4"))
    assert ours["sound"] == theirs["sound"]
    assert np.array_equal(ours["pixels"], theirs["pixels"])


def test_a_film_of_the_frames_so_far(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_after(monkeypatch, 3, OSError)
    run(*START, "--output", "part.mp4")
    code, out, err = run("--resume", "part_frames", "--so-far", "--output", "so_far.mkv")
    assert (code, out) == (0, "so_far.mkv\n")
    assert "made at frame 3 of 6; so_far.mkv is the film so far" in err
    assert len(facts(Path("so_far.mkv"))["times"]) == 3
    assert read_film_parameters("so_far.mkv")["frames"] == "3 of 6"
    code, out, err = run(*START, "--output", "none.mp4", "--so-far")
    assert (code, err) == (
        2,
        "jnst: error: --so-far needs --resume FOLDER, the frames of which it makes a film\n",
    )


def test_ctrl_c_makes_a_film_of_the_frames_so_far(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: Any, **options: Any) -> Iterator[np.ndarray]:
        for number, frame in enumerate(paint_nothing(*args, **options)):
            yield frame
            if number == 1:
                os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(film_paint, "paint_frames", interrupted)
    code, out, err = run(*START, "--output", "part.mp4")
    count = len(frames_in("part_frames"))
    assert (code, out) == (130, "part.mp4\n")
    assert f"stopped at frame {count} of 6; part.mp4 is the film so far" in err
    assert 2 <= count < 6
    assert len(facts(Path("part.mp4"))["times"]) == count


def test_frames_in_and_frames_out(run: Run, tmp_path: Path) -> None:
    for number, frame in enumerate(pictures(3), start=1):
        write_image(f"in_{number:03}.png", frame / 255)
    code, out, err = run(*START, "--content", "in_%03d.png", "--output", "out/", "--bits", "16")
    assert (code, out) == (0, "out/frame_%06d.png\n"), err
    files = sorted(Path("out").iterdir())
    assert [file.name for file in files] == [f"frame_{n:06}.png" for n in (1, 2, 3)]
    for file, kept in zip(files, sorted(Path("out_frames").glob("*.png")), strict=True):
        assert np.array_equal(read_image(file).pixels, read_image(kept).pixels)
    assert "--bits 16" in read_parameters(files[0])["command"]
    code, out, err = run(*START, "--content", "in_%03d.png", "--output", "film.mp4", "--fps", "10")
    assert code == 0
    assert facts(Path("film.mp4"))["rate"] == 10


def test_nothing_is_written_among_the_frames_of_the_clip(run: Run) -> None:
    write_image("in_001.png", np.zeros((40, 50, 3)))
    for words in (("--output", "in_%03d.png"), ("--output", "a.mp4", "--frames", ".")):
        code, _, err = run(*START, "--content", "in_%03d.png", *words)
        assert (code, err.count("\n")) == (2, 1)
        assert "would be among those of the clip, in .: choose another folder" in err


def test_what_contradicts_the_run_is_refused(run: Run) -> None:
    assert run(*START, "--output", "a.mp4", "--end", "0.1")[0] == 0
    code, _, err = run("--resume", "a_frames", "--size", "64", "--every", "2", "--end", "9")
    assert code == 2
    for text in ("--size was 48 and is 64", "--every was 1 and is 2", "--end was 1/10 and is 9"):
        assert text in err
    code, _, err = run(*START, "--output", "a.mp4")
    assert code == 2
    assert "painted frames in a_frames already: go on with jnst video --resume a_frames" in err
    write_image("style.png", np.zeros((40, 50, 3)))
    code, _, err = run("--resume", "a_frames")
    assert (code, err.splitlines()[-1]) == (
        1,
        "jnst: error: a_frames holds frames of another clip, style or mask: a file was changed "
        "since; begin anew, in another folder",
    )
    code, _, err = run("--resume", "style.png")
    assert "is no folder of painted frames" in err


def test_masks_reach_the_painter(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def painter(*args: Any, **options: Any) -> Iterator[np.ndarray]:
        seen.update(options)
        return paint_nothing(*args, **options)

    monkeypatch.setattr(film_paint, "paint_frames", painter)
    left = np.zeros((36, 48))
    left[:, :24] = 1
    write_image("left.png", np.repeat(left[..., None], 3, axis=-1))
    words = ("--keep-mask", "left.png", "--content-mask", "left.png", "--output", "a.mp4")
    code, _, err = run(*START, *words, "--style-mask", "none")
    assert code == 0, err
    np.testing.assert_array_equal(seen["keep_mask"], left)
    np.testing.assert_array_equal(seen["content_masks"], [left])
    assert list(seen["style_masks"]) == [None]
    command = read_film_parameters("a.mp4")["command"]
    assert "--keep-mask left.png" in command
    write_image("left.png", np.full((36, 48, 3), 0.5))
    code, _, err = run("--resume", "a_frames")
    assert code == 1
    assert "a_frames holds frames of another clip, style or mask" in err
    code, _, err = run(*START, "--output", "b.mp4", "--content-mask", "style.png")
    assert (code, err.splitlines()[-1]) == (
        1,
        "jnst: error: style.png is in colour: a mask is gray, white inside and black outside",
    )


def test_short_of_memory_it_goes_on_by_windows_and_notes_them(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiles = []

    def hungry(*args: Any, tile: int | None, **options: Any) -> Iterator[np.ndarray]:
        tiles.append(tile)
        frames = paint_nothing(*args, **options)
        if tile is None or tile > 128:
            yield next(frames)
            raise MemoryError
        yield from frames

    monkeypatch.setattr(film_paint, "paint_frames", hungry)
    words = ("--output", "a.mp4", "--size", "300", "--end", "0.12")
    code, _, err = run(*START, *words)
    assert code == 0, err
    assert tiles == [None, 128]
    assert "warning: out of memory; on by windows of 128 pixels, which takes longer" in err
    assert json.loads(Path("a_frames/run.json").read_text())["settled"]["tile"] == 128
    assert run("--resume", "a_frames")[0] == 0
    assert tiles == [None, 128, 128]


def test_two_do_not_paint_into_one_folder(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def second(*args: Any, **options: Any) -> Iterator[np.ndarray]:
        code = subprocess.run(
            [sys.executable, "-m", "jnst", "video", "--resume", "a_frames"],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[2])},
        )
        assert (code.returncode, code.stderr) == (
            1,
            "jnst: error: another jnst paints into 'a_frames': wait for it, or name another "
            "folder\n",
        )
        yield from paint_nothing(*args, **options)

    monkeypatch.setattr(film_paint, "paint_frames", second)
    assert run(*START, "--output", "a.mp4")[0] == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--sweep", "size=1,2"), "--sweep is not for films"),
        (("--output", "a.avi"), "--output: 'a.avi' has no known ending: use .mp4"),
        (("--start", "x"), "--start: 'x' is not a time: give seconds, such as 83.5, or 1:23.5"),
        (("--start", "3", "--end", "2"), "--end is 2 s, at or before the start"),
        (("--fps", "0"), "--fps: '0' is not a number of frames a second"),
        (("--every", "0"), "--every: '0' is not a number above 0"),
        (("--temporal", "-1"), "--temporal is -1: give 0 or more"),
        (("--temporal", "0", "--passes", "2"), "--passes has no effect with --temporal 0"),
        (("--film-quality", "best"), "--film-quality is best: choose draft, normal, fine"),
        (("--bits", "16"), "--bits is for pictures: .mp4 has bits of its own"),
        (("--content", "-"), "- is a picture: a film is read from a file"),
        (("--content", "s3://b/a.mp4"), "s3://b/a.mp4 is an address: films are read from"),
        (("--output", "s3://b/a.mp4"), "s3://b/a.mp4 is an address: films are read from"),
        (("--output", "clip.mp4"), "--output would overwrite clip.mp4"),
        (("--shots", "9"), "--shots names frame 9, and there are 6"),
    ],
)
def test_wrong_words_are_one_line(run: Run, words: tuple[str, ...], text: str) -> None:
    code, out, err = run(*START, "--output", "a.mp4", *words)
    assert (code, out, len(err.splitlines())) == (2, "", 1), err
    assert err.startswith(f"jnst: error: {text}")


def test_a_clip_of_a_pixel_is_too_small(run: Run) -> None:
    make_clip(Path("dot.mkv"), [np.zeros((1, 1, 3), np.uint8)], codec="ffv1", layout="yuv444p")
    code, _, err = run(*START, "--content", "dot.mkv", "--output", "a.mp4")
    assert (code, err.count("\n")) == (1, 1)
    assert not Path("a_frames").exists()
    assert "dot.mkv is 1x1 pixels, but these layers look at squares of" in err


def test_without_the_extra_one_line_names_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jnst.video.child.find_spec", lambda name: None)
    code, out, err = run(*START, "--output", "a.mp4")
    assert (code, out) == (1, "")
    assert err == "jnst: error: films need other packages: pip install 'jnst[video]'\n"


def test_the_help(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    _, page, _ = run("--help")
    assert len(page.splitlines()) <= 40
    assert max(map(len, page.splitlines())) <= 80
    _, every, _ = run("--help", "all")
    assert all(line in every for line in ("film:", "steadiness:", "painted frames:"))
    assert "--sweep" not in every
    _, group, _ = run("--help", "film")
    assert "--fps N" in group
    assert "jnst video --help all shows all options" in group


def test_times_and_rates_as_typed() -> None:
    request = parse_film([*START, "--start", "1:02:03.5", "--fps", "30000/1001"])
    assert (request.start, request.fps) == (Fraction(7447, 2), Fraction(30000, 1001))
