"""The callback of the command: records, shows, keeps checkpoints, and stops at a signal."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..arrays import Pixels
from ..transfer import Checkpoint, Progress, save_checkpoint
from ..transfer.checkpoint import is_whole
from ..transfer.sizes import cut_back
from .console import Display, Interrupt, tell
from .options.request import Request
from .recorder import Recorder


class Keeper:
    """Writes a checkpoint when it is due; what it notes may be changed on the way.

    Args:
        request: names the file and how often; without a file nothing is written.
        notes: for the checkpoints.
        step: of the checkpoint that the run goes on from, or 0.
    """

    def __init__(self, request: Request, notes: Mapping[str, str], step: int = 0) -> None:
        self._path, self._every = request.checkpoint, request.checkpoint_every
        self.notes = notes
        # A damaged file must not push out the one before it.
        self._whole = bool(self._path) and is_whole(str(self._path))
        self._saved = step
        self._time = time.monotonic()

    def update(self, progress: Progress, *, last: bool) -> None:
        """Writes one if it is due, or if nothing will come after it."""
        if self._path is None or not (last or self._is_due(progress.step)):
            return
        checkpoint = replace(progress.checkpoint(), notes=self.notes)
        try:
            save_checkpoint(self._path, checkpoint, keep_previous=self._whole)
            self._whole = True
        except OSError as error:
            tell(f"warning: no checkpoint at step {progress.step}: {error}")
        self._saved = progress.step
        # From the end of the writing: on a slow disk the run still gets its time.
        self._time = time.monotonic()

    def _is_due(self, step: int) -> bool:
        if self._every.steps:
            return step // self._every.steps > self._saved // self._every.steps
        return time.monotonic() - self._time >= self._every.seconds


class Watch:
    """Passes progress on to whoever records, shows and keeps it; true once a signal has come.

    Attributes:
        done: steps so far.
        ends: the steps after which another scale begins.
        kept: the run after the last scale that is done, to go on from if the next does not fit.
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
        """The picture so far without the margins that `--bucket` gave it."""
        tall, wide = image.shape[:2]
        size = min(self._sizes, key=lambda size: abs(size[0] - tall) + abs(size[1] - wide))
        return cut_back(image, *size)

    def unfinished(self) -> dict[str, str]:
        """What a painting that is not done says of itself."""
        return {"step": str(self.done)}

    def __call__(self, progress: Progress) -> bool:
        self.done = progress.step
        self._recorder.update(progress._replace(image=lambda: self.cut(progress.image())))
        self._display.update(progress)
        # Asked once: a signal that comes later still finds a run that will save.
        stop = bool(self._interrupt.signal)
        self._keeper.update(progress, last=stop or progress.step == progress.steps)
        if progress.step in self.ends:
            self.kept = progress.checkpoint()
        return stop
