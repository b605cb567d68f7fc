"""The callback of the command: records, displays, saves checkpoints, stops at a signal."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..arrays import Pixels
from ..transfer import Checkpoint, Progress, save_checkpoint
from ..transfer.checkpoint import is_whole
from ..transfer.sizes import cut_back
from .console import Display, tell
from .interrupt import Interrupt
from .options.request import Request
from .options.values import Interval
from .recorder import Recorder


class Keeper:
    """Writes checkpoints when they are due; their `notes` may change during the run.

    Args:
        request: gives the file and the interval; without a file nothing is written.
        notes: stored in the checkpoints.
        step: step of the checkpoint that the run resumes from, or 0.
    """

    def __init__(self, request: Request, notes: Mapping[str, str], step: int = 0) -> None:
        self._path = request.checkpoint
        self._every = request.checkpoint_every or Interval(seconds=60.0)
        self.notes = notes
        # A damaged checkpoint must not replace the previous one.
        self._whole = bool(self._path) and is_whole(str(self._path))
        self._saved = step
        self._time = time.monotonic()

    def update(self, progress: Progress, *, last: bool) -> None:
        """Writes a checkpoint if it is due, or if this is the last call."""
        if self._path is None or not (last or self._is_due(progress.step)):
            return
        checkpoint = replace(progress.checkpoint(), notes=self.notes)
        try:
            save_checkpoint(self._path, checkpoint, keep_previous=self._whole)
            self._whole = True
        except OSError as error:
            tell(f"warning: no checkpoint at step {progress.step}: {error}")
        self._saved = progress.step
        # Count from the end of the write, so that a slow disk leaves time for the run.
        self._time = time.monotonic()

    def _is_due(self, step: int) -> bool:
        if self._every.steps:
            return step // self._every.steps > self._saved // self._every.steps
        return time.monotonic() - self._time >= self._every.seconds


class Watch:
    """Passes progress to the recorder, display and keeper; returns True after a signal.

    Attributes:
        done: steps so far.
        ends: the steps after which another scale begins.
        kept: checkpoint after the last finished scale, used if the next runs out of memory.
    """

    def __init__(
        self,
        recorder: Recorder,
        display: Display,
        keeper: Keeper,
        interrupt: Interrupt,
        sizes: Sequence[tuple[int, int]],
        done: int,
    ) -> None:
        self._recorder, self._display, self._keeper = recorder, display, keeper
        self._interrupt, self._sizes = interrupt, sizes
        self.done = done
        self.ends: set[int] = set()
        self.kept: Checkpoint | None = None

    def cut(self, image: Pixels) -> Pixels:
        """The picture so far, without the margins that `--bucket` added."""
        return cut_back(image, *self.size_without_bucket(*image.shape[:2]))

    def size_without_bucket(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of a painted picture without the margins that `--bucket` added."""
        return min(self._sizes, key=lambda size: abs(size[0] - height) + abs(size[1] - width))

    def unfinished(self) -> dict[str, str]:
        """The parameters that mark a painting as unfinished."""
        return {"step": str(self.done)}

    def __call__(self, progress: Progress) -> bool:
        self.done = progress.step
        self._recorder.update(progress._replace(image=lambda: self.cut(progress.image())))
        self._display.update(progress)
        # Read once, so that a later signal cannot stop the run before a checkpoint is saved.
        stop = bool(self._interrupt.signal)
        self._keeper.update(progress, last=stop or progress.step == progress.steps)
        if progress.step in self.ends:
            self.kept = progress.checkpoint()
        return stop
