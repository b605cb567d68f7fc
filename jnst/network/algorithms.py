"""The choice of an algorithm for each convolution of the network.

On CPUs Winograd's tiles (`jnst.ops.conv3x3`) of 2, 4 or 6 pixels, or the direct convolution,
whichever takes the least time in a run of a few hundred steps, compilation included, by the timings
of this kind of processor; separately for the value and for the derivative by the input
(`jnst.ops.conv3x3_apart`). On GPUs and TPUs the vendor's own convolution runs.
"""

import math
from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

import jax

from . import timings
from .architecture import CONVOLUTIONS, LAYERS, map_shapes
from .timings import LARGEST_TILE, MOST_KERNEL_NUMBERS

_EVALUATIONS = 200
_LEAST_CHANNELS = 64
# Direct below this: a small picture is often a trial of a few steps.
_LEAST_OPERATIONS = 1e9
# Share of the direct convolution's time; what is nearer to it may be measurement noise.
_CLEARLY_LESS = 0.9
# Kernels for tiles of 6 take twice the memory of those for 4, and two sets of kernels the memory of
# both, so each must reduce the time at least to this share.
_LARGE_SHARE = 0.9


class Tiles(NamedTuple):
    """The tile sides for a convolution's value and for its derivative; 0 for direct."""

    forward: int
    back: int

    @property
    def kernel_numbers(self) -> int:
        """How many numbers the transformed kernels have for each pair of channels."""
        return sum((tile + 2) ** 2 for tile in {*self} - {0})


DIRECT = Tiles(0, 0)


def winograd_tiles(
    network: str,
    height: int,
    width: int,
    precision: str = "float32",
    layers: Iterable[str] | None = None,
) -> dict[str, Tiles]:
    """The convolutions for which `jnst.prepare` chooses Winograd's tiles, with the tiles' sides."""
    if jax.default_backend() != "cpu":
        return {}
    shapes = _shapes(network, height, width, layers or LAYERS[network])
    tiles = {name: fastest(*shape, precision) for name, shape in shapes.items()}
    return {name: sides for name, sides in tiles.items() if sides != DIRECT}


def _shapes(
    network: str, height: int, width: int, layers: Iterable[str]
) -> dict[str, tuple[int, int, int, int]]:
    """Channels in and out, height and width of each convolution that may have timings."""
    maps = map_shapes(network, layers, height, width)
    return {
        name: (wide, deep, *maps[name][:2])
        for name, wide, deep in CONVOLUTIONS[network]
        if name in maps and wide >= _LEAST_CHANNELS and all(maps[name])
    }


def fastest(wide: int, deep: int, height: int, width: int, precision: str = "float32") -> Tiles:
    """The tiles with which a few hundred steps take the least time, compilation included."""
    if _operations(wide, deep, height, width) < _LEAST_OPERATIONS:
        return DIRECT
    expected = expected_seconds(wide, deep, height, width, precision)
    sides = []
    for times in expected:
        longest = _CLEARLY_LESS * times[0][0] if times else 0.0
        sides.append([tile for tile, (s, _) in times.items() if not tile or s <= longest])
    costs = {}
    for tiles in map(Tiles._make, product(*sides)):
        is_precise = max(tiles) <= LARGEST_TILE.get(precision, 6)
        if is_precise and tiles.kernel_numbers * wide * deep <= MOST_KERNEL_NUMBERS:
            chosen = [times[tile] for times, tile in zip(expected, tiles, strict=True)]
            seconds = sum(_EVALUATIONS * call + compilation for call, compilation in chosen)
            shares = (6 in tiles) + (len({*tiles} - {0}) > 1)
            costs[tiles] = seconds / _LARGE_SHARE**shares
    return min(costs, key=lambda tiles: costs[tiles], default=DIRECT)


def share_of_direct(
    network: str, height: int, width: int, precision: str, layers: Iterable[str]
) -> float:
    """The expected time of the chosen algorithms as a share of that of direct convolutions."""
    tiles = winograd_tiles(network, height, width, precision, layers)
    chosen = direct = 0.0
    for name, shape in _shapes(network, height, width, layers).items():
        operations, share = _operations(*shape), 1.0
        if name in tiles:
            passes = expected_seconds(*shape, precision)
            taken = sum(times[tile][0] for times, tile in zip(passes, tiles[name], strict=True))
            share = taken / sum(times[0][0] for times in passes)
        direct += operations
        chosen += operations * share
    return chosen / direct if direct else 1.0


def _operations(wide: int, deep: int, height: int, width: int) -> float:
    """Arithmetic operations of the direct convolution in one pass."""
    return 2.0 * 9 * wide * deep * height * width


def expected_seconds(
    wide: int, deep: int, height: int, width: int, precision: str = "float32"
) -> list[dict[int, tuple[float, float]]]:
    """How long each algorithm takes for a 3x3 convolution, forward and derivative by its input.

    By the side of Winograd's tiles, 0 for direct: seconds of an evaluation and of compilation, from
    the timings of the map of nearest size, scaled by the pixels in whole tiles; empty without any.
    """
    rows = [
        row
        for row in timings.rows("bfloat16" if precision == "bfloat16" else "float32")
        if (row["wide"], row["deep"]) == (wide, deep)
    ]
    if not rows:
        return [{}, {}]
    nearest = min(rows, key=lambda row: abs(math.log(height * width / row["side"] ** 2)))
    passes = []
    for direction in Tiles._fields:
        times = {}
        for algorithm, (seconds, compilation) in nearest[direction].items():
            tile = 0 if algorithm == "direct" else int(algorithm)
            timed = _tiled_pixels(nearest["side"], nearest["side"], tile)
            scale = _tiled_pixels(height, width, tile) / timed
            times[tile] = (seconds * scale, compilation)
        passes.append(times)
    return passes


def _tiled_pixels(height: int, width: int, tile: int) -> int:
    """Pixels in whole tiles."""
    side = tile or 1
    return -(-height // side) * -(-width // side) * side**2
