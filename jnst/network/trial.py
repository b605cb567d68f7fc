"""A quick timing of the convolutions of VGG on an unmeasured processor.

The direct convolution alternates with Winograd's tiles of 4 and 6, forward and back separately; the
least time of a few calls counts, because other load on the machine only adds time. The shapes do
not depend on the size of the run, so that all runs on a machine choose alike. Shapes with few
channels are taken from a picture of 512 pixels, whose large maps show the memory traffic of
Winograd's tiles; the others, dominated by the products, from one of 256. The shapes in which a
network spends the most time come first. Shapes beyond the time limit are left out of the result.
"""

import math
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..ops import conv3x3_apart
from .architecture import CONVOLUTIONS

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
