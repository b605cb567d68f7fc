"""How this project measures: the timing protocol, the machine's description, the result files.

Each variant is called once and thrown away, so that nothing compiles inside a measurement. Then
come rounds in which every variant is timed once, each round in another order: a machine that slows
down, somebody else's work on it, and what a call leaves behind for the next, meet them all alike. A
call ends when its result is there (`jax.block_until_ready`), not when it is promised; so a variant
returns all that it computes, or the rest goes on into the time of the next. What is reported of the
rounds is the median, and of two variants the median of the ratios within a round.

    times = alternating({"ours": lambda: f(x), "theirs": lambda: g(x)}, repeats=15)
    median(times["ours"]), ratio(times, "ours", "theirs")
"""

import datetime
import importlib.metadata
import json
import os
import platform
import random
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median as median
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from common.places import RESULTS

# A compilation found in a cache is not one that was timed.
jax.config.update("jax_enable_compilation_cache", False)
SETTINGS = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "JAX_PLATFORMS",
    "XLA_FLAGS",
)


def seconds(variant: Callable[[], Any]) -> float:
    """Wall time of one call, until its result is there."""
    start = time.perf_counter()
    jax.block_until_ready(variant())
    return time.perf_counter() - start


def alternating(
    variants: dict[str, Callable[[], Any]], repeats: int, *, warm_up: bool = True
) -> dict[str, list[float]]:
    """Warm up, then time every variant once per round: {name: [seconds, one for each round]}.

    Without `warm_up` the caller has called every variant before.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    for variant in variants.values() if warm_up else ():
        jax.block_until_ready(variant())
    names = list(variants)
    times: dict[str, list[float]] = {name: [] for name in names}
    shuffle = random.Random(0).shuffle
    for _ in range(repeats):
        shuffle(names)
        for name in names:
            times[name].append(seconds(variants[name]))
    return times


def ratio(times: dict[str, list[float]], name: str, reference: str) -> float:
    """Median over the rounds of `name`'s time divided by `reference`'s of the same round."""
    return median(a / b for a, b in zip(times[name], times[reference], strict=True))


def compiled(function: Callable[..., Any], *arguments: Any) -> tuple[Callable[..., Any], float]:
    """The jitted function, compiled for these arguments, and the seconds that this took."""
    start = time.perf_counter()
    program = jax.jit(function).lower(*arguments).compile()
    return program, time.perf_counter() - start


def product_rates(size: int, repeats: int) -> dict[str, float]:
    """float32 FLOP/s of a square matrix product in JAX and in NumPy: the peak to compare with.

    One after the other, not alternating: the threads of NumPy's product spin for a moment after it
    and would slow down what comes next. Keep the two apart wherever both are timed.
    """
    a = np.random.default_rng(0).standard_normal((size, size), np.float32)
    on_device = jnp.asarray(a)
    with jax.default_matmul_precision("highest"):
        product, _ = compiled(jnp.matmul, on_device, on_device)
    times = alternating({"jax": lambda: product(on_device, on_device)}, repeats)
    times |= alternating({"numpy": lambda: a @ a}, repeats)
    return {name: 2 * size**3 / median(values) for name, values in times.items()}


def environment() -> dict[str, Any]:
    """What a figure depends on: date, machine, its load before the run, versions and settings."""
    device = jax.devices()[0]
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "device": f"{device.platform}: {device.device_kind}, {jax.device_count()} of them",
        "processor": _processor(),
        "cores": _cores(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": {
            name: importlib.metadata.version(name) for name in ("jax", "jaxlib", "numpy", "optax")
        },
        "numpy_blas": f"{blas['name']} {blas['version']}",
        "settings": {name: os.environ[name] for name in SETTINGS if name in os.environ},
    }


def describe(machine: dict[str, Any]) -> str:
    """`environment()` in three lines of Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    settings = ", ".join(f"{name}={value}" for name, value in machine["settings"].items())
    loads = ", ".join(f"{load:.2f}" for load in machine["load_average"])
    return (
        f"{machine['date']}. {machine['device']}; "
        f"{machine['processor']}, {machine['cores']} cores; "
        f"load average before the run {loads} (1, 5, 15 minutes).\n"
        f"{machine['system']}; {versions}; NumPy multiplies with {machine['numpy_blas']}.\n"
        f"Settings: {settings or 'none'}.\n"
    )


def write_results(
    name: str, payload: dict[str, Any], table_markdown: str, folder: Path = RESULTS
) -> None:
    """Write folder/name.json, the payload, and folder/name.md, the table under the machine.

    The payload holds the `environment()` of the run's beginning, when the load was not its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(payload, indent=1) + "\n")
    heading = describe(payload["environment"])
    (folder / f"{name}.md").write_text(f"{heading}\n{table_markdown.strip()}\n")


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown processor"


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
