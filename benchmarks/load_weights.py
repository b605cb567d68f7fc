"""What loading the embedded VGG-16 costs: time, and memory beyond its arrays.

    python benchmarks/load_weights.py [--runs 5] [--out benchmarks/results/load_weights.json]

Each run is a fresh process that imports jnst, and then calls `jnst.load_weights("vgg16")` once and
waits for its arrays; the start of the JAX backend falls into that call. Memory is the highest
resident size during the call, less the size before it and the bytes of the arrays. Prints the
median of the runs; exit code 1 if it misses the goals (0.5 s, 200 MB).
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

from common.places import RESULTS
from common.processes import peak_memory, reset_peak, resident_memory, run_worker

GOALS = {"seconds": 0.5, "extra_mb": 200.0}


def measure_once() -> dict[str, float | str]:
    """One load, in this process."""
    began = time.perf_counter()
    import jax

    import jnst

    imported = time.perf_counter()
    reset_peak()
    before = resident_memory()
    start = time.perf_counter()
    params = jax.block_until_ready(jnst.load_weights("vgg16"))
    seconds = time.perf_counter() - start
    arrays = sum(leaf.nbytes for leaf in jax.tree.leaves(params)) / 1e6
    return {
        "seconds": seconds,
        "extra_mb": (peak_memory() - before) / 1e6 - arrays,
        "arrays_mb": arrays,
        "import_seconds": imported - began,
        "device": str(jax.devices()[0]),
    }


def versions() -> dict[str, str]:
    """What the numbers were taken with."""
    from importlib.metadata import version

    packages = ("jax", "jaxlib", "numpy", "h5py")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def main() -> int:
    """Runs the fresh processes, prints and writes the medians."""
    parser = argparse.ArgumentParser(description="cost of loading the embedded weights")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--once", action="store_true", help="measure in this process, print JSON")
    parser.add_argument("--out", type=Path, default=RESULTS / "load_weights.json")
    typed = parser.parse_args()
    if typed.once:
        print(json.dumps(measure_once()))
        return 0
    runs = [run_worker([__file__, "--once"]) for _ in range(typed.runs)]
    numbers = ("seconds", "extra_mb", "arrays_mb", "import_seconds")
    medians = {name: round(statistics.median(run[name] for run in runs), 3) for name in numbers}
    met = all(medians[name] < goal for name, goal in GOALS.items())
    result = {
        "file": "weights/vgg16.h5",
        "device": runs[0]["device"],
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "versions": versions(),
        "median": medians,
        "goals": GOALS,
        "goals_met": met,
        "runs": [{name: round(run[name], 3) for name in numbers} for run in runs],
    }
    typed.out.parent.mkdir(parents=True, exist_ok=True)
    typed.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    said = ", ".join(f"{name} {value}" for name, value in result["versions"].items())
    print(f"{result['device']}, {result['cores']} cores; {said}")
    print(
        f"median of {typed.runs}: {medians['seconds']:.3f} s, {medians['extra_mb']:.0f} MB beyond "
        f"the arrays' {medians['arrays_mb']:.0f} MB (import: {medians['import_seconds']:.2f} s)"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
