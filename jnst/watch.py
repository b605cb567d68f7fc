"""What follows each step of the command: record, show, keep, and stop once a signal has come."""

from collections.abc import Sequence

from .arrays import Pixels
from .console import Display, Interrupt
from .keeper import Keeper
from .recorder import Recorder
from .transfer import Checkpoint, Progress
from .transfer.sizes import cut_back


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
