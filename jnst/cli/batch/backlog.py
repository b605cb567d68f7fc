"""The backlog of a batch on a cluster: what is to be painted, by the program that paints it."""

import functools
from collections import deque
from collections.abc import Collection, Hashable, Iterable

from ...images.reader import read_size
from ...storage import is_remote
from ...transfer.sizes import target_sizes
from ..options.request import Request
from .tally import Task


class Backlog:
    """Paintings that wait for a worker, by program."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, deque[Task]] = {}

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def put(self, task: Task, program: Hashable) -> None:
        """Adds a painting, or puts it back."""
        self._tasks.setdefault(program, deque()).append(task)

    def next(
        self, own: Collection[Hashable], others: Iterable[Collection[Hashable]]
    ) -> tuple[Task, Hashable]:
        """Takes a painting, of which there is one at least, for a worker; and its program.

        Args:
            own: the programs that the worker has: one of them is chosen, if it is wanted,
            others: those that all workers have: else one that none has, else any;
                of several the one with the most paintings.
        """
        wanted = self._tasks.keys()
        new = wanted - set().union(*others)
        choice = (wanted & set(own)) or new or wanted
        program = max(choice, key=lambda program: len(self._tasks[program]))
        task = self._tasks[program].popleft()
        if not self._tasks[program]:
            del self._tasks[program]
        return task, program


_size_of_style = functools.lru_cache(maxsize=4096)(read_size)


def program_of(job: Request) -> Hashable:
    """What decides which compiled program a painting needs.

    None if its pictures cannot be read, or would have to be downloaded for it.
    """
    config = job.config
    if any(map(is_remote, (job.content, *job.styles))):
        return None
    try:
        size = target_sizes(*read_size(job.content), config)[-1]
        styles = tuple(map(_size_of_style, job.styles))
    except (OSError, ValueError):
        return None
    padded = tuple(-(-side // job.bucket) for side in size)
    kind = (config.size, config.all_scales, config.layers, config.optimizer, config.style_loss)
    return (padded, styles, *map(str, kind))
