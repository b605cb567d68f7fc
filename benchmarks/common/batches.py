"""Batches of small paintings, each in a folder of its own, and the processes of a Dask cluster."""

import contextlib
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from common.processes import worker_environment

SHAPES = ((48, 64), (64, 48), (40, 64), (64, 64))
WORDS = [
    "--content",
    "../in",
    "--style",
    "../styles",
    "--size",
    "64",
    "--scales",
    "1",
    "--steps",
    "5",
]
PORT = 18788
SCHEDULER = f"tcp://127.0.0.1:{PORT}"
DASK = str(Path(sys.executable).with_name("dask"))
_PATIENCE = 1200.0


def prepare(folder: Path, pairs: int) -> None:
    """Photographs of four shapes and four styles, for this number of pairs."""
    rng = np.random.default_rng(1)
    for name, shapes in (("in", SHAPES * (pairs // 16)), ("styles", SHAPES[-1:] * 4)):
        (folder / name).mkdir()
        for index, shape in enumerate(shapes):
            pixels = rng.integers(0, 256, (*shape, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index:03}.png")


class Case:
    """A folder in which commands run; all name their paintings alike, and so store one text."""

    def __init__(self, base: Path, name: str) -> None:
        self.folder = base / name
        self.folder.mkdir()
        self._logs: list[Path] = []

    def start(self, *words: str, program: tuple[str, ...] = (), **more: Any) -> subprocess.Popen:
        """Starts jnst, or another program, in the folder."""
        command = [*program, *words] if program else [sys.executable, "-m", "jnst", *WORDS, *words]
        command += [] if program else ["--output", "out/"]
        log = self.folder / f"{len(self._logs)}.log"
        self._logs.append(log)
        with log.open("w") as file:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=worker_environment(),
                stdout=subprocess.DEVNULL,
                stderr=file,
                stdin=subprocess.DEVNULL,
                **more,
            )

    def paintings(self) -> dict[str, bytes]:
        found = (self.folder / "out").glob("*.png")
        return {path.name: path.read_bytes() for path in found}

    def told(self) -> str:
        return "".join(log.read_text() for log in self._logs)

    def begun(self) -> Counter[str]:
        """How often each painting was begun."""
        return Counter(re.findall(r"painting \d+ of \d+: out/(\S+?\.png)", self.told()))


@contextlib.contextmanager
def dask(case: Case, workers: int) -> Iterator["Dask"]:
    """A scheduler and workers, for the block."""
    running = Dask(case, workers)
    try:
        yield running
    finally:
        running.end()


class Dask:
    """A scheduler and workers, by Dask's commands; like a supervisor it starts what has ended."""

    def __init__(self, case: Case, workers: int) -> None:
        self._case = case
        self.scheduler = self._scheduler()
        self.workers = [self._worker(index) for index in range(workers)]

    def _scheduler(self) -> subprocess.Popen:
        words = ["scheduler", "--host", "127.0.0.1", "--port", str(PORT), "--no-dashboard"]
        return self._case.start(*words, program=(DASK,))

    def _worker(self, index: int) -> subprocess.Popen:
        words = ["worker", SCHEDULER, "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard"]
        words += ["--memory-limit", "0", "--local-directory", str(self._case.folder / "dask")]
        return self._case.start(*words, program=(DASK,))

    def kill_worker(self, draw: random.Random) -> bool:
        """Kills the process that paints, which its nanny starts again."""
        nannies = [worker.pid for worker in self.workers if worker.poll() is None]
        children = [
            child
            for nanny in nannies
            for child in psutil.Process(nanny).children()
            if "spawn_main" in " ".join(child.cmdline())
        ]
        if children:
            draw.choice(children).kill()
        return bool(children)

    def restart_scheduler(self) -> None:
        self.scheduler.kill()
        self.scheduler.wait()
        self.scheduler = self._scheduler()

    def look_after(self) -> None:
        """Starts workers that have ended for want of a scheduler."""
        for index, worker in enumerate(self.workers):
            if worker.poll() is not None:
                self.workers[index] = self._worker(index)

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.terminate()
        for process in (*self.workers, self.scheduler):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()


def ended(
    processes: list[subprocess.Popen], meanwhile: Callable[[], None] = lambda: None
) -> list[int]:
    """Exit codes, once all have ended."""
    start = time.monotonic()
    while any(process.poll() is None for process in processes):
        meanwhile()
        time.sleep(0.1)
        if time.monotonic() - start > _PATIENCE:
            for process in processes:
                process.kill()
            raise TimeoutError("a run does not end")
    return [process.returncode for process in processes]


def judged(case: Case, expected: dict[str, bytes], once: bool = True) -> dict[str, Any]:
    """What came of a case."""
    made, begun = case.paintings(), case.begun()
    twice = [name for name, count in begun.items() if count > 1]
    busy = re.findall(r"painted for ([\d.]+)% of the time", case.told())
    row = {
        "paintings": len(made),
        "same bytes": made == expected,
        "begun more than once": len(twice),
        "hidden files left": (case.folder / "out/.jnst").exists(),
        "busy %": float(busy[-1]) if busy else None,
    }
    assert made == expected, (case.folder, made.keys() ^ expected.keys())
    assert not (once and twice), twice
    return row
