"""The choice of an algorithm for each convolution of the network.

On CPUs Winograd's tiles (`jnst.ops.conv3x3`) of 2, 4 or 6 pixels, or the direct convolution,
whichever takes the least time in a run of some hundred steps, compilation included, by what is
known of this kind of processor (`jnst.network.processor_figures`). The value and the derivative by
the input are chosen apart (`jnst.ops.conv3x3_apart`). What would be slower than the direct
convolution, or no faster beyond the noise of a measurement, is never chosen. On GPUs and TPUs the
vendor's own convolution runs, with its own choice of algorithms.
"""

import math
from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

import jax

from . import processor_figures
from .architecture import CONVOLUTIONS, LAYERS, halvings
from .trial import LARGEST_TILE, MOST_KERNEL_NUMBERS

_EVALUATIONS = 200
_LEAST_CHANNELS = 64
# A small picture is often a trial of a few steps.
_LEAST_OPERATIONS = 1e9
# Of the direct convolution's time: what is nearer to it may be slower on another day.
_CLEARLY_LESS = 0.9
# Kernels of tiles of 6 take twice the memory of those of 4, and two sets of kernels that of both:
# so much less time they must take, at least.
_LARGE_SHARE = 0.9


class Tiles(NamedTuple):
    """The sides of the tiles of a convolution's value and of its derivative, 0 for direct."""

    forward: int
    back: int

    @property
    def kernel_numbers(self) -> int:
        """Of transformed kernels, for each pair of channels."""
        return sum((tile + 2) ** 2 for tile in {*self} - {0})


DIRECT = Tiles(0, 0)


def winograd_tiles(
    network: str,
    height: int,
    width: int,
    precision: str = "float32",
    layers: Iterable[str] | None = None,
) -> dict[str, Tiles]:
    """The convolutions that `jnst.prepare` chooses Winograd's tiles for, with the tiles' sides.

    Arguments as there.

    Example:
        >>> winograd_tiles("vgg16", 48, 48)
        {}
    """
    if jax.default_backend() != "cpu":
        return {}
    shapes = _shapes(network, height, width, layers or None)
    tiles = {name: fastest(*shape, precision) for name, shape in shapes.items()}
    return {name: each for name, each in tiles.items() if each != DIRECT}


def _shapes(
    network: str, height: int, width: int, layers: Iterable[str] | None
) -> dict[str, tuple[int, int, int, int]]:
    """Channels in and out, height and width of each convolution that there may be figures for.

    Up to the deepest of the layers, None for all; without those that no pixel is left for.
    """
    order = LAYERS[network]
    last = len(order) if layers is None else max(map(order.index, layers), default=-1)
    found = {}
    for name, wide, deep in CONVOLUTIONS[network]:
        depth = halvings(order, name)
        known = wide >= _LEAST_CHANNELS and order.index(name) <= last
        if known and min(height, width) >> depth:
            found[name] = (wide, deep, height >> depth, width >> depth)
    return found


def fastest(wide: int, deep: int, height: int, width: int, precision: str = "float32") -> Tiles:
    """The tiles that some hundred steps take the least time with.

    Compilation counts. Arguments as for `expected_seconds`.
    """
    if _operations(wide, deep, height, width) < _LEAST_OPERATIONS:
        return DIRECT
    expected = expected_seconds(wide, deep, height, width, precision)
    costs = {}
    for tiles in map(Tiles._make, product(*map(_worth_while, expected))):
        seconds = sum(
            _EVALUATIONS * s[t][0] + s[t][1] for s, t in zip(expected, tiles, strict=True)
        )
        shares = [6 in tiles, len({*tiles} - {0}) > 1]
        if (
            max(tiles) <= LARGEST_TILE.get(precision, 6)
            and tiles.kernel_numbers * wide * deep <= MOST_KERNEL_NUMBERS
        ):
            costs[tiles] = seconds / _LARGE_SHARE ** sum(shares)
    return min(costs, key=lambda tiles: costs[tiles], default=DIRECT)


def _worth_while(times: dict[int, tuple[float, float]]) -> list[int]:
    """Direct, and what is clearly faster."""
    return [tile for tile, (s, _) in times.items() if not tile or s <= _CLEARLY_LESS * times[0][0]]


def share_of_direct(
    network: str, height: int, width: int, precision: str, layers: Iterable[str]
) -> float:
    """What part of the direct convolutions' time the chosen ones take, by the figures.

    Arguments as for `jnst.prepare`.

    Example:
        >>> share_of_direct("vgg16", 48, 48, "float32", ["relu4_1"])
        1.0
    """
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
    """Of the direct convolution, in one of its passes."""
    return 2.0 * 9 * wide * deep * height * width


def expected_seconds(
    wide: int, deep: int, height: int, width: int, precision: str = "float32"
) -> list[dict[int, tuple[float, float]]]:
    """How long each algorithm takes for a 3x3 convolution, forward and derivative by its input.

    That of the map with the nearest number of pixels that there are figures of, in proportion to
    the pixels in whole tiles. TF32 is float32 on a CPU.

    Args:
        wide, deep: channels in and out.
        height, width: of the map.
        precision: as for `jnst.prepare`.

    Returns:
        For the value and for the derivative, by the side of Winograd's tiles, 0 for direct: seconds
        of one evaluation and of compilation, on the machine that was measured. Without figures two
        empty ones.
    """
    rows = [
        row
        for row in processor_figures.rows("bfloat16" if precision == "bfloat16" else "float32")
        if (row["wide"], row["deep"]) == (wide, deep)
    ]
    if not rows:
        return [{}, {}]
    nearest = min(rows, key=lambda row: abs(math.log(height * width / row["side"] ** 2)))
    passes = []
    for way in Tiles._fields:
        found = {}
        for algorithm, (seconds, compilation) in nearest[way].items():
            tile = 0 if algorithm == "direct" else int(algorithm)
            whole = _whole(height, width, tile) / _whole(nearest["side"], nearest["side"], tile)
            found[tile] = (seconds * whole, compilation)
        passes.append(found)
    return passes


def _whole(height: int, width: int, tile: int) -> int:
    """Pixels in whole tiles."""
    side = tile or 1
    return -(-height // side) * -(-width // side) * side**2
