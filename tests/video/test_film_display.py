"""The progress of a film: frames, the time that is left, and the end by a signal."""

from pathlib import Path

import numpy as np
import pytest

from jnst.cli.film import display as display_module
from jnst.cli.film.display import FilmDisplay
from jnst.cli.interrupt import Interrupt
from jnst.video import FrameProgress
from jnst.video.folder import FrameFolder


def progress(frame: int, *, done: bool, new_shot: bool = False, passes: int = 1) -> FrameProgress:
    image = np.zeros((8, 8, 3), np.float32)
    return FrameProgress(frame, 10, 0, passes, 3, 9, done, new_shot, lambda: image)


def test_the_time_left_is_that_of_frames_that_continue_a_shot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(display_module.time, "monotonic", lambda: clock[0])
    interrupt = Interrupt()
    with FilmDisplay(10, FrameFolder(tmp_path), interrupt, quiet=False) as display:

        def after(seconds: float, reported: FrameProgress) -> bool:
            clock[0] += seconds
            return display.update(reported)

        assert not after(1, progress(0, done=False, new_shot=True))
        assert not after(99, progress(0, done=True, new_shot=True))
        assert not after(10, progress(1, done=True))
        assert not after(20, progress(2, done=True))
        assert not after(40, progress(3, done=False, passes=2))
        interrupt.signal = 2
        assert after(1, progress(3, done=False))
    assert capfd.readouterr().err.splitlines() == [
        "jnst: frame 0/10, step 3/9",
        "jnst: frame 1/10, painted",
        "jnst: frame 3/10, 15 s/frame, 1 min 45 s left",
        "jnst: frame 3/10, pass 1, step 3/9, 15 s/frame, 1 min 45 s left",
    ]


def test_quiet_is_quiet(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with FilmDisplay(1, FrameFolder(tmp_path), Interrupt(), quiet=True) as display:
        display.update(progress(0, done=True))
    assert capfd.readouterr().err == ""
