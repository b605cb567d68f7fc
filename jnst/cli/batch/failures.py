"""The failures of a cluster's workers, where the worker is to blame and not the painting.

A worker with a full disk, or with another version, fails at once and is free again: without this it
would be given, and spoil, most of a batch.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Collection

_IN_A_ROW = 2  # so many make a worker rest
REST_SECONDS = 15.0


class Failures:
    """What workers failed at, for want of room, files, or the driver's network and version."""

    def __init__(self) -> None:
        self._failed_at: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self._in_a_row: Counter[str] = Counter()
        self._resting_until: dict[str, float] = {}

    def add(self, worker: str, output: str) -> None:
        """Notes that a worker has failed at a painting."""
        now = time.monotonic()
        self._failed_at[output][worker] = now
        self._in_a_row[worker] += 1
        if self._in_a_row[worker] >= _IN_A_ROW:
            self._resting_until[worker] = now + REST_SECONDS

    def end(self, worker: str) -> None:
        """Notes that a worker has made a painting."""
        self._in_a_row.pop(worker, None)
        self._resting_until.pop(worker, None)

    def has(self, output: str) -> bool:
        """Whether a worker has failed at a painting."""
        return output in self._failed_at

    def rests(self, worker: str, workers: Collection[str]) -> bool:
        """Whether a worker is given nothing now; never all of them."""
        now = time.monotonic()
        resting = {name for name in workers if self._resting_until.get(name, now) > now}
        return worker in resting and len(resting) < len(workers)

    def excludes(self, worker: str, output: str, workers: Collection[str]) -> bool:
        """Whether a painting is not for this worker, which has failed at it.

        If all have, each can try again after a while, in which others may come.
        """
        failed = self._failed_at.get(output, {})
        if worker not in failed:
            return False
        return bool(set(workers) - failed.keys()) or (
            time.monotonic() - failed[worker] < REST_SECONDS
        )
