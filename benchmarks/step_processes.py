"""The processes of step.py's variants: started together, told to work one at a time, ended."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.places import BENCHMARKS
from common.processes import LARGE_PAGES, worker_environment


class Process:
    """A variant in its own process (step_worker.py).

    Attributes:
        name: of the variant.
        compile_seconds: what building it took of compilation.
        first_call: seconds of a first call that was slow, or None.
        peak_mb: the highest resident size so far, in MB of 10^6.
    """

    def __init__(self, name: str, job: Path) -> None:
        # As the command has it; --large-pages says who else has it here.
        large = os.environ.get("STEP_LARGE_PAGES", "jnst") == "all" or name.startswith("jnst")
        pages = LARGE_PAGES if large else {}
        self.name = name
        self.compile_seconds = 0.0
        self.first_call: float | None = None
        self.peak_mb = 0.0
        self._child = subprocess.Popen(
            [sys.executable, BENCHMARKS / "step_worker.py", job, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # A compiler chats; why a variant does not run is in its answer.
            stderr=subprocess.DEVNULL if "torch" in name else None,
            text=True,
            env=worker_environment(pages),
        )

    def ready(self) -> None:
        """Waits until it is built; RuntimeError says why it does not run here."""
        self.compile_seconds = self._answer()["ready"]["compile_seconds"]

    def run(self, work: str, keep: Path | None = None) -> float:
        """Does the work, to its end; keeps what comes out in that file. Seconds of its own clock.

        Raises:
            RuntimeError: if it failed.
        """
        assert self._child.stdin
        self._child.stdin.write(f"{work}\t{keep or ''}\n")
        self._child.stdin.flush()
        answer = self._answer()
        self.peak_mb = answer["peak_mb"]
        return float(answer["seconds"])

    def end(self) -> None:
        """Ends it and waits for that."""
        self._child.kill()
        self._child.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._child.stdout
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError(f"the process ended with code {self._child.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer


@contextmanager
def start_all(
    names: list[str], job: dict[str, Any], folder: Path
) -> Iterator[tuple[dict[str, Process], dict[str, str]]]:
    """The processes that could be built, by name, and why the others could not.

    They are built one after the other: compilations side by side would not tell their times.
    """
    path = folder / "job.json"
    path.write_text(json.dumps(job))
    processes: dict[str, Process] = {}
    not_run: dict[str, str] = {}
    try:
        for name in names:
            process = processes[name] = Process(name, path)
            try:
                process.ready()
            except RuntimeError as error:
                processes.pop(name).end()
                not_run[name] = str(error)
        yield processes, not_run
    finally:
        for process in processes.values():
            process.end()
