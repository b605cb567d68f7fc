"""The state of a running studio: its limits, its folder, its jobs and its processes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from .answers import Problem
from .events import Hub
from .reader import Reader
from .runner import Runner
from .store import Store

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "images"
_MEASURE_SECONDS = 15.0


@dataclass(frozen=True)
class Limits:
    """What the studio takes at most.

    Attributes:
        upload_bytes, pixels: of a picture.
        all_bytes: of the whole folder.
        waiting: jobs in the queue.
        at_once: jobs that paint at the same time.
    """

    upload_bytes: int = 200_000_000
    pixels: int = 64_000_000
    all_bytes: int = 20_000_000_000
    waiting: int = 100
    at_once: int = 1

    @property
    def reader_memory(self) -> int:
        """Bytes of address space for decoding a picture of so many pixels."""
        return 1_500_000_000 + 48 * self.pixels


class Studio:
    """What the answers to requests are made from.

    Attributes:
        limits: of the options.
        store, hub, runner: the folder, the news, the jobs.
        reader, planner: the processes that decode pictures, and estimate times.

    Args:
        folder: of the pictures and jobs.
        limits: of the options.
        examples: a folder of pictures that are on the shelf from the start.
    """

    def __init__(self, folder: Path, limits: Limits, examples: Path) -> None:
        self.limits, self._examples = limits, examples
        self.reader = Reader(limits.reader_memory, limits.pixels)
        self.planner = Reader(0, limits.pixels)
        self.store = Store(folder, limits.all_bytes, self.reader)
        self.hub = Hub()
        self.runner = Runner(self.store, self.hub, limits.at_once, limits.waiting)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Looks after the jobs; when it is left, what paints is stopped."""
        await self.store.measure()
        works = (self.runner.run, self._add_examples, self._measure)
        tasks = [asyncio.create_task(work()) for work in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            self.runner.leave()
            await self.reader.close()
            await self.planner.close()

    async def _measure(self) -> None:
        while True:
            await asyncio.sleep(_MEASURE_SECONDS)
            await self.store.measure()

    async def _add_examples(self) -> None:
        if not self._examples.is_dir():
            return
        for path in sorted(self._examples.glob("*.jpg")):
            with contextlib.suppress(Problem, OSError):
                await self.store.add_picture(_chunks(path), path.name, "picture", example=True)
                self.hub.touch()


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    yield path.read_bytes()
