"""Damaged and odd films: a film or one line, in time, and the painting goes on living."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from clips import make_clip, mutated, pictures, wide_sizes

from jnst.video import child, clip
from jnst.video.clip import open_clip
from jnst.video.film import Plan, check_film, write_film

LONGEST = 10.0  # seconds until there is an answer


def outcome(path: Path, output: Path) -> str:
    """What becomes of a film that is read and written with its sound: "film of N", or one line."""
    begun = time.monotonic()
    try:
        found = open_clip(path)
        frames = list(found)
        assert len(frames) == len(found)
        assert all(frame.shape == (found.height, found.width, 3) for frame in frames)
        plan = Plan(str(output), found, found.height, found.width)
        check_film(plan)
        write_film(plan, frames, len(frames))
        told = f"film of {len(open_clip(output))}"
    except (ValueError, OSError) as error:
        told = str(error)
        assert "\n" not in told
        assert path.name in told or output.name in told
    assert time.monotonic() - begun < 4 * LONGEST
    return told


def cut_short(path: Path) -> Path:
    """A film of which the second half is missing; its index is at the beginning."""
    whole = make_clip(path.with_name("whole.mkv"), pictures(40), sound="aac").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def without_index(path: Path) -> Path:
    whole = make_clip(path.with_name("whole.mp4"), pictures(40)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def sound_alone(path: Path) -> Path:
    make_clip(path.with_name("both.mp4"), pictures(10), sound="aac")
    import av

    with av.open(str(path.with_name("both.mp4"))) as both, av.open(str(path), "w") as film:
        track = film.add_stream_from_template(both.streams.audio[0])
        for packet in both.demux(both.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = track
                film.mux(packet)
    return path


def text(path: Path) -> Path:
    path.write_text("no film\n" * 100)
    return path


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


CASES: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "cut short": (cut_short, "a.mkv", "film of "),
    "cut short, without its index": (without_index, "a.mp4", "is not a film that can be read"),
    "no picture track": (sound_alone, "a.m4a", "it has no picture track"),
    "text": (text, "a.mp4", "is not a film that can be read"),
    "empty": (empty, "a.mp4", "is not a film that can be read"),
    "changing size": (wide_sizes, "a.h264", "film of 6"),
    "one frame": (lambda path: make_clip(path, pictures(1)), "a.mp4", "film of 1"),
    "one pixel": (
        lambda path: make_clip(
            path, [np.zeros((1, 1, 3), np.uint8)], codec="ffv1", layout="yuv444p"
        ),
        "a.mkv",
        "would be of 1x1 pixels: too small",
    ),
    "rotation": (lambda path: make_clip(path, pictures(3), rotation=90), "a.mp4", "film of 3"),
    "ten bits": (
        lambda path: make_clip(path, pictures(3), codec="ffv1", layout="yuv420p10le"),
        "a.mkv",
        "film of 3",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_odd_films(tmp_path: Path, case: str) -> None:
    make, name, expected = CASES[case]
    assert expected in outcome(make(tmp_path / name), tmp_path / "out.mp4")


def test_a_film_that_is_cut_short_is_told(tmp_path: Path) -> None:
    found = open_clip(cut_short(tmp_path / "a.mkv"))
    assert 5 < len(found) < 40
    (note,) = open_clip(wide_sizes(tmp_path / "b.h264")).notes
    assert note == f"{tmp_path / 'b.h264'} changes its size: 3 frames are resized to 64x48"


@pytest.mark.slow
def test_mutated_films_are_films_or_one_line(tmp_path: Path) -> None:
    for kind, codec, sound in (("mp4", "libx264", "aac"), ("webm", "libvpx-vp9", "libopus")):
        whole = make_clip(tmp_path / f"whole.{kind}", pictures(8), codec=codec, sound=sound)
        for seed in range(6):
            path = tmp_path / f"broken{seed}.{kind}"
            path.write_bytes(mutated(whole.read_bytes(), seed))
            outcome(path, tmp_path / "out.mkv")


def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    """Puts another program in the decoder's place."""
    (tmp_path / "decoder.py").write_text(text)
    monkeypatch.setattr(child, "__file__", str(tmp_path / "child.py"))


def test_a_crash_of_the_decoder_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_clip(tmp_path / "a.mp4", pictures(2))
    program(monkeypatch, tmp_path, f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})")
    with pytest.raises(
        ValueError, match=r"a\.mp4' is not a film .* \(FFmpeg crashed, by signal 11"
    ):
        clip.open_clip(path)


def test_a_decoder_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_clip(tmp_path / "a.mp4", pictures(2))
    program(monkeypatch, tmp_path, "import time; time.sleep(60)")
    monkeypatch.setattr(child, "SILENCE", 0.5)
    begun = time.monotonic()
    with pytest.raises(ValueError, match=r"FFmpeg did not answer for 0\.5 seconds"):
        clip.open_clip(path)
    assert time.monotonic() - begun < LONGEST
