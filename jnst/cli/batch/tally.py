"""The tally of a batch: what is painted, finished, failed and left, and who makes what.

Several batches may work in one folder: a painting is made by the process that has its lock, and the
others leave it for later. It is then finished, or its process is gone and another takes its place.
"""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import filelock

from ...network import Params
from ...storage import is_remote
from ..console import show, tell
from ..options.request import Request
from . import ledger
from .due import why

_SHOWN = 3
_WAIT_SECONDS = 1.0


class Task(NamedTuple):
    """A painting of a batch, with its number among those of the process."""

    number: int
    job: Request


class Tally:
    """The paintings of one process by outcome; threads may share it.

    Args:
        jobs: the paintings.
        params: their network.
        overwrite: make also what is finished.
        say: tells what a quiet batch does not.
        explain: turns an error into one line.

    Attributes:
        painted, finished, failed, left: their files.
    """

    def __init__(
        self,
        jobs: Sequence[Request],
        params: Params,
        overwrite: bool,
        say: Callable[[str], None],
        explain: Callable[[Exception], str],
    ) -> None:
        self._jobs, self._params, self._overwrite = jobs, params, overwrite
        self._say, self._explain = say, explain
        self._locks: dict[str, filelock.SoftFileLease] = {}
        self._elsewhere: list[Task] = []
        self._told = False
        # A dictionary, of which any can be taken away in no time.
        self.left = dict.fromkeys(job.output for job in jobs)
        self.painted: list[str] = []
        self.finished: list[str] = []
        self.failed: list[str] = []

    def take(self, task: Task) -> bool:
        """Whether this process makes a painting now: it is due, and no other process makes it."""
        job = task.job
        waited = job.output in self._locks
        anew = self._overwrite and not waited
        try:
            if not anew and why(job, self._params) is None:
                return self._found(job)
            if not is_remote(job.output) and not self._locked(job):
                self._elsewhere.append(task)
                return False
            reason = "" if anew else why(job, self._params)
            if reason is None:  # another process has made it in the meantime
                return self._found(job)
            self._say(f"painting {task.number} of {len(self._jobs)}: {job.output}{reason}")
        except Exception as error:
            self.fail(job, error)
            return False
        return True

    def _locked(self, job: Request) -> bool:
        lock = self._locks.setdefault(job.output, ledger.lock_of(job.output))
        try:
            lock.acquire()
        except filelock.Timeout:
            return False
        return True

    def end(self, job: Request, code: int) -> None:
        """Puts a painting where its exit code says; after a signal it is left."""
        if code <= 128:
            self._put(job, self.failed if code else self.painted)
        if code == 1:
            ledger.note_failure(job.output, "it could not be written: see what the run has told")
        self._release(job)

    def fail(self, job: Request, error: Exception) -> None:
        """Tells why a painting failed, and writes it down."""
        if os.environ.get("JNST_DEBUG"):
            raise error
        reason = self._explain(error)
        tell(f"error: {job.output}: {reason}")
        self._put(job, self.failed)
        ledger.note_failure(job.output, reason)
        self._release(job)

    def leave(self, job: Request) -> None:
        """Leaves a painting that was begun for another time."""
        self._release(job)

    def waiting(self) -> list[Task]:
        """The paintings that other processes were making, a moment later."""
        tasks, self._elsewhere = self._elsewhere, []
        if tasks and not self._told:
            self._told = True
            self._say(
                f"waiting for another run, which makes {_listed(t.job.output for t in tasks)}"
            )
        if tasks:
            time.sleep(_WAIT_SECONDS)
        return tasks

    def words(self) -> str:
        """The outcome in words: "1 painted, 1 failed (b.png)"."""
        parts = [f"{len(self.painted)} painted"]
        if self.finished:
            parts.append(f"{len(self.finished)} finished before")
        for outputs, word in ((self.failed, "failed"), (self.left, "left")):
            if outputs:
                parts.append(f"{len(outputs)} {word} ({_listed(outputs)})")
        return ", ".join(parts)

    def _found(self, job: Request) -> bool:
        show(job.output)
        self._put(job, self.finished)
        self._release(job)
        return False

    def _put(self, job: Request, outcome: list[str]) -> None:
        del self.left[job.output]
        outcome.append(job.output)
        if outcome is not self.failed:
            ledger.forget_failure(job.output)

    def _release(self, job: Request) -> None:
        lock = self._locks.pop(job.output, None)
        if lock is not None:
            lock.release(force=True)


def _listed(outputs: Iterable[str]) -> str:
    """
    >>> _listed(["a.png", "b.png", "c.png", "d.png"])
    'a.png, b.png, c.png and 1 more'
    """
    paths = list(outputs)
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return f"{', '.join(paths[:_SHOWN])}{more}"
