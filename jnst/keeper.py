"""When a run's checkpoints are written, and what happens where they cannot be."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from .console import tell
from .parser import UsageError
from .request import Request
from .transfer import Progress, save_checkpoint
from .transfer.checkpoint import is_whole, previous_path


def check_unused(request: Request) -> None:
    """Raises UsageError if the checkpoint of another run would be overwritten."""
    path, resume = request.checkpoint, request.resume
    if path is None or (resume and Path(path).resolve() == Path(resume).resolve()):
        return
    for taken in (Path(path), previous_path(path)):
        if taken.exists():
            raise UsageError(
                f"there is a checkpoint at {taken} already: go on from it with --resume {path}, "
                "remove it, or choose another name"
            )


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
