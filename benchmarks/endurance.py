"""Half an hour with a checkpoint every 10 seconds: whether memory stays flat, and what they cost.

    python benchmarks/endurance.py [--minutes 30] [--size 256]

The command paints an example picture at one scale with more steps than will ever be done, and is
stopped by a signal when the time is up. A thread beside it reads the process's resident memory. The
checkpoints are timed where they are made: copying the state, hashing, writing, and waiting for the
disk. A process that was stopped and continued, or a machine that slept, is seen by the thread as a
gap in its clock; gaps are left out of the minutes and of the time that the share of the checkpoints
is taken of. A gap in the middle of a checkpoint would count as writing: the share is that of the
median checkpoint times their number; the sum as it is and the processor's time stand beside it.
"""

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

from common import measure
from common.places import PICTURES
from common.processes import resident_memory

from jnst import cli
from jnst.cli.watch import Keeper
from jnst.transfer import Progress

PAINT = ["--content", str(PICTURES / "chelsea.jpg"), "--style", str(PICTURES / "nocturne.jpg")]
PAINT += ["--scales", "1", "--steps", "10000000", "--quiet"]
EVERY = 10.0
_TICK, _GAP = 1.0, 3.0


class Watch:
    """Reads this process's memory once a second, and ends the run when its time is up.

    Attributes:
        samples: (seconds since the first step without the gaps, resident bytes).
        gaps: seconds during which nobody could run.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.samples: list[tuple[float, int]] = []
        self.gaps = 0.0
        self.begun = 0.0
        self._stop = threading.Event()

    def begin(self) -> None:
        """At the first step: what compiles has been compiled."""
        self.begun = time.monotonic()
        threading.Thread(target=self._work, daemon=True).start()

    def end(self) -> float:
        """Stops watching; returns the seconds since the first step."""
        self._stop.set()
        return time.monotonic() - self.begun

    def _work(self) -> None:
        before = self.begun
        while not self._stop.wait(_TICK):
            now = time.monotonic()
            if now - before > _GAP:
                self.gaps += now - before - _TICK
            before = now
            awake = now - self.begun - self.gaps
            self.samples.append((awake, resident_memory()))
            if awake >= self._seconds:
                os.kill(os.getpid(), signal.SIGTERM)
                return


class Meter:
    """Takes the place of `Keeper.update` and times those calls of it that write.

    Attributes:
        seconds: of each checkpoint, by the clock.
        cpu_seconds: of all of them together, of the thread that works.
        steps: how many steps have been done.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch, self._update = watch, Keeper.update
        self.seconds: list[float] = []
        self.cpu_seconds = 0.0
        self.steps = 0

    def install(self) -> None:
        meter = self

        def update(keeper: Keeper, progress: Progress, *, last: bool) -> None:
            if not meter.steps:
                meter._watch.begin()
            meter.steps = progress.step
            due = last or keeper._is_due(progress.step)
            clock, cpu = time.perf_counter(), time.thread_time()
            meter._update(keeper, progress, last=last)
            if due:
                meter.seconds.append(time.perf_counter() - clock)
                meter.cpu_seconds += time.thread_time() - cpu

        Keeper.update = update  # type: ignore[method-assign]


def flatness(samples: list[tuple[float, int]]) -> dict[str, float]:
    """Median memory in the second minute and the last (of short runs: the second and last fifth).

    >>> flatness([(float(t), 100 if t < 400 else 105) for t in range(600)])["last_bytes"]
    105
    """
    end = samples[-1][0]
    window = min(60.0, end / 5)
    first = median(size for t, size in samples if window <= t < 2 * window)
    last = median(size for t, size in samples if t >= end - window)
    return {
        "first_bytes": first,
        "last_bytes": last,
        "most_bytes": max(size for _, size in samples),
        "growth": last / first - 1,
    }


def run(minutes: float, size: int) -> dict[str, Any]:
    """The figures of a run."""
    machine = measure.environment()
    watch = Watch(60 * minutes)
    meter = Meter(watch)
    meter.install()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder, "run.ckpt")
        words = ["--size", str(size), "--output", str(Path(folder, "out.png"))]
        words += ["--checkpoint", str(checkpoint), "--checkpoint-every", f"{EVERY}s"]
        code = cli.main([*PAINT, *words])
        seconds, cpu = watch.end(), time.process_time()
        assert code == 128 + signal.SIGTERM, f"exit code {code}"
        kept = checkpoint.stat().st_size
    awake = seconds - watch.gaps
    return {
        "environment": machine,
        "minutes": minutes,
        "size": size,
        "steps": meter.steps,
        "seconds": seconds,
        "seconds_awake": awake,
        "checkpoints": len(meter.seconds),
        "checkpoint_bytes": kept,
        "checkpoint_seconds": sum(meter.seconds),
        "checkpoint_seconds_median": median(meter.seconds),
        "share_of_time": len(meter.seconds) * median(meter.seconds) / awake,
        "share_with_gaps": sum(meter.seconds) / awake,
        "share_of_cpu": meter.cpu_seconds / cpu,
        "memory": flatness(watch.samples),
        "samples": [(round(t), rss) for t, rss in watch.samples[:: int(60 / _TICK)]],
    }


def table(found: dict[str, Any]) -> str:
    memory = found["memory"]
    rows = {
        "time by the clock, and without the gaps": f"{found['seconds']:.0f} s, "
        f"{found['seconds_awake']:.0f} s",
        f"steps of L-BFGS at {found['size']} px": f"{found['steps']:,}",
        "checkpoints, each of": f"{found['checkpoints']}, {found['checkpoint_bytes'] / 1e6:.1f} MB",
        "median time of a checkpoint": f"{1e3 * found['checkpoint_seconds_median']:.0f} ms",
        "share of the time, by the median": f"{found['share_of_time']:.2%}",
        "share of the time, gaps included": f"{found['share_with_gaps']:.2%}",
        "share of the processor's time": f"{found['share_of_cpu']:.2%}",
        "memory in the second minute": f"{memory['first_bytes'] / 1e6:.0f} MB",
        "memory in the last minute": f"{memory['last_bytes'] / 1e6:.0f} MB "
        f"({memory['growth']:+.1%})",
        "most memory": f"{memory['most_bytes'] / 1e6:.0f} MB",
    }
    lines = [f"| {name} | {value} |" for name, value in rows.items()]
    text = f"A run of {found['minutes']:g} minutes, a checkpoint every {EVERY:.0f} s.\n"
    if found["seconds"] - found["seconds_awake"] > 1:
        text += (
            "The machine was shared: the process was stopped at times (the gaps), and ran beside "
            "others.\n"
        )
    return "\n".join([text, "| what | measured |", "|---|---|", *lines])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--results", type=Path, default=measure.RESULTS)
    options = parser.parse_args()
    found = run(options.minutes, options.size)
    measure.write_results("endurance", found, table(found), options.results)
    print(table(found))
    flat, cheap = abs(found["memory"]["growth"]) <= 0.05, found["share_of_time"] <= 0.02
    return 0 if flat and cheap else 1


if __name__ == "__main__":
    sys.exit(main())
