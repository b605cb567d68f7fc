"""Which convolution each layer of the network runs on, and in which precision.

On CPUs Winograd's tiles (`jnst.ops.conv3x3`) of 2, 4 or 6 pixels, or the direct convolution,
whichever takes the least time in a run of some hundred steps, compilation included, by what
benchmarks/plan.py has measured for that layer on that kind of processor: its figures are in
algorithms.json. On GPUs and TPUs the vendor's own convolution runs, with its own choice of
algorithms.
"""

import json
import math
import platform
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from .architecture import CONVOLUTIONS, LAYERS
from .config import PRECISIONS
from .ops import transform_kernel
from .tile_plan import halvings
from .vgg import Params

TABLE = Path(__file__).with_name("algorithms.json")
"""What benchmarks/plan.py measured: {kind of processor: {precision: [{"wide", "deep", "side",
"seconds", "compile"}]}}, the last two by algorithm."""

_FALLBACK = "x86_64 avx2"
_EVALUATIONS = 200
_LEAST_CHANNELS = 64
# A small picture is often a trial of a few steps.
_LEAST_OPERATIONS = 1e9
# Kernels of tiles of 6 take twice the memory of those of 4: so much less time they must take, at
# least, and from 512 to 512 channels they would take 67 MB.
_LARGE_TILE_SHARE = 0.9
_MOST_KERNEL_NUMBERS = 36 * 512 * 512
# Of bfloat16's three digits tiles of 6 leave too few.
_LARGEST_TILE = {"bfloat16": 4}


def prepare(
    params: Params,
    height: int,
    width: int,
    precision: str = "float32",
    layers: Iterable[str] | None = None,
) -> Params:
    """The network, made ready for pictures of about this size: same function, fewer operations.

    Kernels that Winograd's tiles will use are transformed here, once, so that no step has to. The
    result goes wherever Params go; `load_weights` alone gives the plain network.

    Args:
        params: from `jnst.load_weights`.
        height, width: of the picture that will be optimised, in pixels.
        precision: "float32", or "bfloat16": products of bfloat16 numbers, summed in float32, in
            every layer but the first, which reads the picture. "tf32" lets a recent GPU round
            to TF32 before it multiplies; elsewhere it is "float32".
        layers: the activations that will be asked for, None for all: what lies behind the deepest
            of them is left as it is.

    Returns:
        Params of the same network, name and preprocessing.

    Raises:
        ValueError: for an unknown precision.

    Example:
        >>> import jnst
        >>> ready = prepare(jnst.load_weights("vgg16"), 512, 512)
        >>> sorted(ready.layers["conv1_1"]), sorted(ready.layers["conv3_1"])
        (['bias', 'kernel'], ['bias', 'transformed'])
    """
    if precision not in PRECISIONS:
        raise ValueError(f"unknown precision {precision!r}: choose one of {', '.join(PRECISIONS)}")
    tiles = winograd_tiles(params.network, height, width, precision, layers)
    ready = {}
    for name, layer in params.layers.items():
        if name in tiles and "kernel" in layer:
            transformed = _transformed(layer["kernel"], tile=tiles[name])
            layer = {"bias": layer["bias"], "transformed": transformed}
        if precision == "bfloat16" and name != "conv1_1":
            half = partial(jax.tree.map, lambda array: array.astype(jnp.bfloat16))
            layer = {part: a if part == "bias" else half(a) for part, a in layer.items()}
        ready[name] = layer
    return replace(params, layers=ready, precision=precision)


_transformed = jax.jit(transform_kernel, static_argnames="tile")


def winograd_tiles(
    network: str,
    height: int,
    width: int,
    precision: str = "float32",
    layers: Iterable[str] | None = None,
) -> dict[str, int]:
    """The convolutions that `prepare` chooses Winograd's tiles for, with the side of the tiles.

    Arguments as there.

    Example:
        >>> winograd_tiles("vgg16", 48, 48)
        {}
        >>> list(winograd_tiles("vgg19", 512, 512, layers=["relu2_1"]))
        ['conv1_2', 'conv2_1']
    """
    if jax.default_backend() != "cpu":
        return {}
    shapes = _shapes(network, height, width, layers or None)
    tiles = {name: fastest(*shape, precision) for name, shape in shapes.items()}
    return {name: tile for name, tile in tiles.items() if tile}


def _shapes(
    network: str, height: int, width: int, layers: Iterable[str] | None
) -> dict[str, tuple[int, int, int, int]]:
    """Channels in and out, height and width of each convolution that the table may know.

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


def fastest(wide: int, deep: int, height: int, width: int, precision: str = "float32") -> int:
    """The side of the tiles that some hundred steps take the least time with, 0 for direct.

    Compilation counts. Arguments as for `expected_seconds`.
    """
    if 2.0 * 9 * wide * deep * height * width < _LEAST_OPERATIONS:
        return 0
    expected = expected_seconds(wide, deep, height, width, precision)
    costs = {
        name: (_EVALUATIONS * step + first) / (_LARGE_TILE_SHARE if name == "6" else 1.0)
        for name, (step, first) in expected.items()
        if name == "direct"
        or (
            int(name) <= _LARGEST_TILE.get(precision, 6)
            and (int(name) + 2) ** 2 * wide * deep <= _MOST_KERNEL_NUMBERS
        )
    }
    best = min(costs, key=lambda name: costs[name])
    return 0 if best == "direct" else int(best)


def share_of_direct(
    network: str, height: int, width: int, precision: str, layers: Iterable[str]
) -> float:
    """What part of the direct convolutions' time those that `prepare` chooses take, by the table.

    Arguments as there.

    Example:
        >>> share_of_direct("vgg16", 48, 48, "float32", ["relu4_1"])
        1.0
    """
    tiles = winograd_tiles(network, height, width, precision, layers)
    chosen = direct = 0.0
    for name, shape in _shapes(network, height, width, layers).items():
        seconds = expected_seconds(*shape, precision)
        direct += seconds["direct"][0]
        chosen += seconds[str(tiles.get(name, "direct"))][0]
    return chosen / direct if direct else 1.0


def expected_seconds(
    wide: int, deep: int, height: int, width: int, precision: str = "float32"
) -> dict[str, tuple[float, float]]:
    """How long each algorithm takes for a 3x3 convolution, forward and derivative by its input.

    That of the map in the table with the nearest number of pixels, in proportion to the pixels in
    whole tiles. TF32 is float32 on a CPU.

    Args:
        wide, deep: channels in and out.
        height, width: of the map.
        precision: as for `prepare`.

    Returns:
        By algorithm, "direct" or one of Winograd's: seconds of one evaluation on the machine of
        the table, and of compilation.

    Example:
        >>> step, compilation = expected_seconds(256, 256, 128, 128)["direct"]
        >>> step < expected_seconds(256, 256, 256, 256)["direct"][0]
        True
    """
    table = _table().get(processor_kind(), _table()[_FALLBACK])
    rows = [
        row
        for row in table["bfloat16" if precision == "bfloat16" else "float32"]
        if (row["wide"], row["deep"]) == (wide, deep)
    ]
    nearest = min(rows, key=lambda row: abs(math.log(height * width / row["side"] ** 2)))
    side = nearest["side"]
    return {
        name: (
            seconds * _whole(height, width, name) / _whole(side, side, name),
            nearest["compile"][name],
        )
        for name, seconds in nearest["seconds"].items()
    }


def _whole(height: int, width: int, algorithm: str) -> int:
    """Pixels in whole tiles."""
    tile = 1 if algorithm == "direct" else int(algorithm)
    return -(-height // tile) * -(-width // tile) * tile**2


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(TABLE.read_text("utf-8"))
    return table


@cache
def processor_kind() -> str:
    """The architecture and, where the system tells, its widest vectors: what the table is kept by.

    Example:
        >>> processor_kind() == processor_kind() != ""
        True
    """
    machine = platform.machine()
    with suppress(OSError):
        flags = set(Path("/proc/cpuinfo").read_text("utf-8", "replace").split())
        for vectors in ("amx_bf16", "avx512_bf16", "avx512f", "avx2"):
            if vectors in flags:
                return f"{machine} {vectors}"
    return machine
