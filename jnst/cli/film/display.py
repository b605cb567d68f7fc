"""The progress of a film: a bar of frames on a terminal, elsewhere a line now and then."""

import time
from collections import deque

from ...video import FrameProgress
from ...video.folder import FrameFolder
from ...wording import duration_words
from ..console import ProgressLine
from ..interrupt import Interrupt


class FilmDisplay(ProgressLine):
    """Shows the frames that are finished and the time that is left.

    Args:
        frames: to be painted in all passes.
        folder: where they are; those that are there already count as finished.
        interrupt: whose signal ends the painting.
        quiet: show nothing.
    """

    def __init__(self, frames: int, folder: FrameFolder, interrupt: Interrupt, quiet: bool) -> None:
        self._frames, self._interrupt, self._done = frames, interrupt, len(folder)
        super().__init__("frame", frames, quiet, self._done)
        self._begun = time.monotonic()
        # Seconds of frames that continue a shot: one that begins it takes longer, and compiles.
        self._seconds: deque[float] = deque(maxlen=16)

    def update(self, progress: FrameProgress) -> bool:
        """Shows a step or a finished frame; true after a signal."""
        now = time.monotonic()
        if progress.done:
            self._done += 1
            if not progress.new_shot:
                self._seconds.append(now - self._begun)
            self._begun = now
        last = progress.done and self._done == self._frames
        self.show(self._done, self._status(progress), last=last)
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
