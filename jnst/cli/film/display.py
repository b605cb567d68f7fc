"""The progress of a film: a bar of frames on a terminal, elsewhere a line now and then."""

import contextlib
import sys
import time
from collections import deque
from typing import Any, Self

from ...video import FrameProgress
from ...video.folder import FrameFolder
from ...wording import duration_words
from ..console import progress_bar, tell
from ..interrupt import Interrupt

_LINE_SECONDS = 30.0


class FilmDisplay:
    """Shows the frames that are finished and the time that is left.

    Args:
        frames: to be painted in all passes.
        folder: where they are; those that are there already count as finished.
        interrupt: whose signal ends the painting.
        quiet: show nothing.
    """

    def __init__(self, frames: int, folder: FrameFolder, interrupt: Interrupt, quiet: bool) -> None:
        self._frames, self._interrupt, self._quiet = frames, interrupt, quiet
        self._done = len(folder)
        self._begun, self._told = time.monotonic(), -_LINE_SECONDS
        # Seconds of frames that continue a shot: one that begins it takes longer, and compiles.
        self._seconds: deque[float] = deque(maxlen=16)
        show_bar = not quiet and sys.stderr.isatty()
        self._bar: Any = progress_bar(frames, self._done) if show_bar else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            with contextlib.suppress(OSError):
                self._bar.close()

    def update(self, progress: FrameProgress) -> bool:
        """Shows a step or a finished frame; true after a signal."""
        now = time.monotonic()
        if progress.done:
            self._done += 1
            if not progress.new_shot:
                self._seconds.append(now - self._begun)
            self._begun = now
        status = self._status(progress)
        if self._bar is not None:
            with contextlib.suppress(OSError):  # the terminal was closed
                self._bar.set_description_str(status, refresh=False)
                self._bar.update(self._done - self._bar.n)
        elif not self._quiet:
            last = progress.done and self._done == self._frames
            if last or now - self._told >= _LINE_SECONDS:
                self._told = now
                tell(f"frame {self._done}/{self._frames}, {status}")
        return bool(self._interrupt.signal)

    def _status(self, progress: FrameProgress) -> str:
        parts = []
        if progress.passes > 1:
            parts.append(f"pass {progress.pass_ + 1}")
        if not progress.done:
            parts.append(f"step {progress.step}/{progress.steps}")
        if self._seconds:
            seconds = sum(self._seconds) / len(self._seconds)
            parts.append(f"{seconds:.2g} s/frame")
            left = seconds * (self._frames - self._done)
            if left > 0:
                parts.append(f"{duration_words(left)} left")
        return ", ".join(parts) or "painted"
