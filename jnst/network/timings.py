"""Timings of the convolution algorithms on this kind of processor: from a table, or measured.

benchmarks/plan.py makes the table, algorithms.json, on the kinds of processor that it names. On
another kind the first request measures for a few seconds, and stores the timings in the cache
folder, so that every run there chooses alike. The environment variable JNST_PROCESSOR names a kind
of the table to use instead, or "direct" for none: then nothing is measured.

In a measurement the direct convolution alternates with Winograd's tiles of 4 and 6; the least time
of a few calls counts, because other load on the machine only adds time. The shapes, the same for
every run, come in the order of the time that a network spends in them: those with few channels from
a picture of 512 pixels, whose large maps show the memory traffic of Winograd's tiles, the others,
dominated by the products, from one of 256.
"""

import json
import math
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..files import replace_file
from ..ops import conv3x3_apart
from ..system import processor_kind
from .architecture import CONVOLUTIONS
from .weights import cache_folder

TABLE = Path(__file__).with_name("algorithms.json")
"""The measurements of benchmarks/plan.py: {kind of processor: {precision: [row]}}, see `Row`."""

_SWITCH = "JNST_PROCESSOR"
_ONE_AT_A_TIME = threading.Lock()

SECONDS = 5.0
"""The time limit of the measurement, compilation included."""

DIRECTIONS = ("forward", "back")

Row = dict[str, Any]
"""{"wide", "deep": channels in and out, "side": of the map, "forward" and "back": {algorithm:
[seconds of a call, seconds of its compilation]}}; an algorithm is "direct" or a side of tiles."""

Timings = dict[str, dict[str, list[float]]]
"""The "forward" and "back" of a row."""

# bfloat16 has three digits, of which tiles of 6 leave too few.
LARGEST_TILE = {"bfloat16": 4}
# Kernels for tiles of 6, from 512 to 512 channels, would take 67 MB.
MOST_KERNEL_NUMBERS = 36 * 512 * 512

_CALLS = 3
_TILES = (4, 6)
_FEW_CHANNELS, _LARGE, _SMALL = 128, 512, 256


def rows(precision: str) -> list[Row]:
    """The timings for this processor, one row per measured shape of convolution, for "float32" or
    "bfloat16"; ValueError if JNST_PROCESSOR names a kind that is not in the table."""
    table, kind = _table(), os.environ.get(_SWITCH)
    if kind == "direct":
        return []
    if kind and kind not in table:
        kinds = ", ".join(map(repr, table))
        raise ValueError(f"{_SWITCH} is {kind!r}: the table knows {kinds}; 'direct' uses none")
    kind = kind or processor_kind()
    if kind in table:
        return table[kind][precision]
    with _ONE_AT_A_TIME:
        return _measured(precision, cache_folder())


@cache
def _table() -> dict[str, Any]:
    return json.loads(TABLE.read_text("utf-8"))


@cache
def _measured(precision: str, folder: Path) -> list[Row]:
    """The stored timings of this machine, or new ones; computed once per process."""
    setup = _circumstances(precision)
    name = "-".join(str(part).replace(" ", "-").replace("/", "-") for part in setup.values())
    path = folder / "algorithms" / f"{name}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        stored = json.loads(path.read_text("utf-8"))
        if {part: stored[part] for part in setup} == setup:
            return [checked(row) for row in stored["rows"]]
    timings = measure(precision)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, (json.dumps({**setup, "rows": timings}, indent=1) + "\n").encode())
    return timings


def _circumstances(precision: str) -> dict[str, Any]:
    """Everything that the timings depend on, except the code."""
    large_pages = "hugetlb=1" in os.environ.get("GLIBC_TUNABLES", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": processor_kind(),
        "cores": cores,
        "pages": "large" if large_pages else "small",
        "jax": jax.__version__,
        "precision": precision,
    }


class Shape(NamedTuple):
    """Channels in and out, and the side of the map."""

    wide: int
    deep: int
    side: int

    @property
    def operations(self) -> float:
        return 2.0 * 9 * self.wide * self.deep * self.side**2


def shapes() -> list[Shape]:
    """The shapes to measure, in order."""
    work: Counter[Shape] = Counter()
    for name, wide, deep in CONVOLUTIONS["vgg19"]:
        block = int(name[4]) - 1
        picture = _LARGE if wide <= _FEW_CHANNELS else _SMALL
        # For block 5 the nearest row of the table is that of block 4.
        side = picture >> min(block, 3)
        if wide > 3:
            work[Shape(wide, deep, side)] += wide * deep * (_LARGE >> block) ** 2
    return [shape for shape, _ in work.most_common()]


def measure(
    precision: str,
    clock: Callable[[], float] = time.perf_counter,
    compare: Callable[..., Timings] | None = None,
) -> list[Row]:
    """Times as many shapes as fit into `SECONDS` of the clock, by `compare` or `time_shape`."""
    end, rows = clock() + SECONDS, dict[Shape, Row]()
    overhead = per_operation = 0.0  # overhead of a comparison; seconds of its calls per operation
    # Every shape with small tiles before any with large ones.
    for tile, shape in product(_TILES, shapes()):
        begin = clock()
        numbers = (tile + 2) ** 2 * shape.wide * shape.deep
        eligible = tile <= LARGEST_TILE.get(precision, tile) and numbers <= MOST_KERNEL_NUMBERS
        if not eligible or begin + overhead + per_operation * shape.operations > end:
            continue
        timings = (compare or time_shape)(shape, tile, precision, end, clock)
        calls = _CALLS * sum(call for times in timings.values() for call, _ in times.values())
        overhead, per_operation = max(0.0, clock() - begin - calls), calls / shape.operations
        row = rows.setdefault(shape, {**shape._asdict(), **{name: {} for name in DIRECTIONS}})
        for direction, times in timings.items():
            # The direct convolution is timed with each side of tiles: the least time counts.
            direct = min(times["direct"], row[direction].get("direct", times["direct"]))
            row[direction] |= {**times, "direct": direct}
    return list(rows.values())


def time_shape(
    shape: Shape, tile: int, precision: str, end: float, clock: Callable[[], float]
) -> Timings:
    """Times one shape directly and by tiles of one side; stops when the clock passes `end`."""
    names = ("direct", str(tile))
    keys = list(product(DIRECTIONS, names))
    with ThreadPoolExecutor(len(keys)) as pool:
        compiled = pool.map(partial(_compiled, shape, precision), *zip(*keys, strict=True))
    programs = dict(zip(keys, compiled, strict=True))
    least = dict.fromkeys(keys, math.inf)
    for _ in range(_CALLS):
        for key, (call, _) in programs.items():
            begin = time.perf_counter()
            call()
            least[key] = min(least[key], time.perf_counter() - begin)
        if clock() > end:
            break
    return {
        direction: {name: [least[direction, name], programs[direction, name][1]] for name in names}
        for direction in DIRECTIONS
    }


def _compiled(
    shape: Shape, precision: str, direction: str, algorithm: str
) -> tuple[Callable[[], Any], float]:
    """A compiled pass of one convolution, and the seconds of its compilation."""
    arguments = _arguments(shape, algorithm, precision)
    begin = time.perf_counter()
    program = jax.jit(forward if direction == "forward" else back).lower(*arguments).compile()
    seconds = time.perf_counter() - begin
    return lambda: jax.block_until_ready(program(*arguments)), seconds


def _arguments(shape: Shape, algorithm: str, precision: str) -> Any:
    """Arguments for `forward` and `back`. Their values do not affect the time."""
    wide, deep, side = shape
    dtype = jnp.dtype(precision)
    if algorithm == "direct":
        weights: Any = np.ones((3, 3, wide, deep), dtype)
    else:
        n = int(algorithm) + 2
        weights = tuple(np.ones((n, wide, deep), dtype) for _ in range(n))
    maps = [np.ones((1, side, side, channels), np.float32) for channels in (wide, deep, deep)]
    # Explicit, because `jax.default_device` may differ between threads.
    cpu = jax.local_devices(backend="cpu")[0]
    return jax.device_put((*maps, weights, np.ones(deep, np.float32)), cpu)


def forward(x: Any, y: Any, cotangent: Any, weights: Any, bias: Any) -> Any:
    """A convolution with its ReLU, as in the network; y and its cotangent are unused."""
    return conv3x3_apart(x, weights, weights, bias, True, "highest")


def back(x: Any, y: Any, cotangent: Any, weights: Any, bias: Any) -> Any:
    """The derivative by x, from the output y and its cotangent; only the shape of x matters."""
    flow = jnp.where(y > 0, cotangent, jnp.zeros((), cotangent.dtype))
    _, pull = jax.vjp(lambda x: conv3x3_apart(x, weights, weights, bias, False, "highest"), x)
    return pull(flow)[0]


def checked(row: Any) -> Row:
    """A row that was read from a file; ValueError, KeyError or TypeError if it is not a row."""
    if not all(isinstance(row[part], int) and row[part] > 0 for part in Shape._fields):
        raise ValueError(f"{row!r} has no channels and side")
    for direction in DIRECTIONS:
        times = {"direct": row[direction]["direct"], **row[direction]}
        for algorithm, (seconds, compilation) in times.items():
            valid = algorithm == "direct" or int(algorithm) in _TILES
            if not (valid and 0 < seconds < math.inf and 0 <= compilation < math.inf):
                raise ValueError(f"{row!r} has no seconds of {algorithm} {direction}")
    return {part: row[part] for part in (*Shape._fields, *DIRECTIONS)}
