"""From the command to the first step shown: cold, and with the programs of an earlier run on disk.

    python benchmarks/startup.py [--size 256] [--repeats 3] [--cases "one scale"]

Each run is a fresh process, `python cli.py --size 256`, and the time is
that from its start to the line that tells of the first step. A cold run finds an empty cache
folder, the warm run after it what the cold one left; so they take turns, and medians count. The
stages overlap and do not add up: tracing and lowering are Python's, compiling is XLA's (or reading
from the disk). Writes startup.json and startup.md; exit code 1 if a goal is missed.
"""

import argparse
import gc
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from common.places import PICTURES, RESULTS
from common.processes import run_worker, worker_environment

GOALS = {"cold": 8.0, "warm": 4.0}
CASES = {"one scale": ("--scales", "1"), "default scales": ()}
STAGES = ("python", "import", "weights", "announced", "trace", "lower", "compile")
EVENTS = {
    "jaxpr_trace_duration": "trace",
    "jaxpr_to_mlir_module_duration": "lower",
    "backend_compile_duration": "compile",
}


def run_here(words: list[str], spawned: float) -> None:
    """One run in this process, which ends at the first step; prints the stages as JSON.

    Args:
        words: of the command.
        spawned: when this process was started, of `time.time`.
    """
    stages = Counter({"python": time.time() - spawned})
    began = time.perf_counter()
    gc.disable()  # as jnst/__main__.py does
    import jax

    from jnst.cli import command, paint

    gc.freeze()
    gc.enable()
    stages["import"] = time.perf_counter() - began
    load = paint.load_weights

    def timed_load(*given: Any, **named: Any) -> Any:
        start = time.perf_counter()
        params = load(*given, **named)
        stages["weights"] += time.perf_counter() - start
        return params

    class Display(paint.Display):  # type: ignore[misc]
        def __init__(self, *given: Any) -> None:
            stages["announced"] = time.time() - spawned
            super().__init__(*given)

        def update(self, progress: Any) -> None:
            super().update(progress)
            sys.stderr.flush()
            stages["first step"] = time.time() - spawned
            print(json.dumps(stages), flush=True)
            raise KeyboardInterrupt

    def listen(event: str, seconds: float, **_: Any) -> None:
        if name := EVENTS.get(event.rsplit("/", 1)[-1]):
            stages[name] += seconds

    jax.monitoring.register_event_duration_secs_listener(listen)
    paint.load_weights, paint.Display = timed_load, Display
    command.main(words)


def run_there(words: list[str], cache: Path) -> dict[str, float]:
    """One run in a fresh process: the stages."""
    environment = worker_environment({"JNST_CACHE": str(cache)})
    environment.pop("JNST_COMPILATION_CACHE", None)
    command = [Path(__file__).resolve(), "--once", str(time.time()), "--", *words]
    return run_worker(command, environment=environment, folder=cache)


def measure(size: int, repeats: int, cases: list[str]) -> list[dict[str, Any]]:
    """The cases, cold and warm."""
    command = [
        "--content",
        str(PICTURES / "chelsea.jpg"),
        "--style",
        str(PICTURES / "nocturne.jpg"),
    ]
    command += ["--size", str(size)]
    rows = [{"case": c, "state": s, "runs": []} for c in cases for s in GOALS]
    for _ in range(repeats):
        for case in cases:
            with tempfile.TemporaryDirectory() as cache:
                for state in GOALS:
                    (row,) = (r for r in rows if (r["case"], r["state"]) == (case, state))
                    row["runs"].append(run_there([*command, *CASES[case]], Path(cache)))
    for row in rows:
        for name in ("first step", *STAGES):
            row[name] = median(run.get(name, 0.0) for run in row["runs"])
        row["met"] = row["first step"] < GOALS[row["state"]]
    return rows


def table(rows: list[dict[str, Any]], size: int) -> str:
    """The rows in Markdown."""
    heads = ["first step shown", "goal", *STAGES]
    lines = [f"| VGG-16, {size} px | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads)]
    for row in rows:
        stages = " | ".join(f"{row[name]:.2f}" for name in STAGES)
        lines.append(
            f"| {row['case']}, {row['state']} | {row['first step']:.2f} | "
            f"{GOALS[row['state']]:.0f} | {stages} |"
        )
    return "Seconds, medians; the stages overlap.\n\n" + "\n".join(lines)


def main() -> int:
    """Reads the command line, measures, prints and writes."""
    parser = argparse.ArgumentParser(description="from the command to the first step shown")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3, help="cold and warm runs of each case")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), metavar="CASE")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--once", type=float, help=argparse.SUPPRESS)
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        run_here(options.words, options.once)
        return 0
    from common.measure import environment, write_results

    payload: dict[str, Any] = {"environment": environment(), "size": options.size, "goals": GOALS}
    payload["rows"] = measure(options.size, options.repeats, options.cases)
    text = table(payload["rows"], options.size)
    print(text)
    write_results("startup", payload, text, options.results)
    return 0 if all(row["met"] for row in payload["rows"]) else 1


if __name__ == "__main__":
    sys.exit(main())
