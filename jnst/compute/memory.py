"""Estimates of peak memory, and the choice of device for the optimiser's state.

The estimate adds up what is in memory at the same time: the program, the weights, the pictures, the
optimiser's arrays, the larger of one evaluation and the compiler before it, and the leftovers of
the coarser scales.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import jax

from ..config import Config
from ..losses.registry import style_loss_of
from ..network.algorithms import Tiles, winograd_tiles
from ..network.architecture import CONVOLUTIONS, map_shapes
from ..system import free_memory
from .tiles.cutting import Stage, plan_stages, stored_layers
from .tiles.host_map import LARGE

_FLOAT = 4
# Measured: the libraries, the compiler's leftovers, and small arrays.
_PROGRAM = 480e6
# Working memory in float32 maps of the widest layer: of the whole picture's program; on CPUs, where
# it is compiled for low memory use (`jnst.optimize.steps`); and of a window's program.
_WIDE_MAPS, _WIDE_MAPS_ON_CPU, _WINDOW_MAPS = 4.6, 1.0, 5.4
# For Winograd's tiles (`jnst.network.algorithms`): parts of the widest map, and a constant.
_TILED_MAPS = 1.5
_TILED_ROOM = 70e6
# Measured on CPUs, each as a constant and per convolution by Winograd's tiles: the compiler's peak
# for one scale, without the libraries; the fragmented memory that the next compilation cannot
# reuse; and the memory that stays in use for good, mostly by the compiled programs.
_COMPILING, _COMPILING_TILED = 550e6, 46e6
_GAPS, _GAPS_TILED = 60e6, 22e6
_PROGRAMS, _PROGRAMS_TILED = 50e6, 10e6
# Measured with two and six devices: what each of a CPU takes beside its copy of the weights.
_PER_DEVICE = 41e6
# Matrices [C, C] per layer whose root the style loss takes, by iterations forward and backward.
_ROOT_MATRICES = 16
# Share of an accelerator's memory for the optimiser's state; windows and residuals need the rest.
_MOST = 0.5
_PICTURES = 4  # the content as read and as resized, the image, its gradient


def peak_memory(
    config: Config, sizes: Iterable[tuple[int, int]], *, network: str, tile: int | None
) -> int:
    """Peak memory in bytes, the program included, of a run over scales of these painted sizes."""
    layers = config.layers
    on_cpu, peak, gaps, programs = jax.default_backend() == "cpu", 0.0, 0.0, 0.0
    for tall, wide in sizes:
        window = tile if tile is not None and max(tall, wide) > tile else None
        peak = max(peak, programs + _one_scale(config, tall, wide, network, window))
        if on_cpu and layers:
            tiles = winograd_tiles(network, window or tall, window or wide, layers=layers)
            if window is None:
                compiling = _COMPILING + _COMPILING_TILED * _tiled(tiles)
                peak = max(peak, gaps + compiling + _weights(network) + _kernels(network, tiles))
            gaps += _GAPS + _GAPS_TILED * _tiled(tiles)
            programs += _PROGRAMS + _PROGRAMS_TILED * _tiled(tiles)
    return int(peak)


def _one_scale(config: Config, height: int, width: int, network: str, tile: int | None) -> float:
    """Memory of one scale by itself; `tile` is None for the whole picture."""
    layers = config.layers
    image = height * width * 3 * _FLOAT
    fixed = _PROGRAM + _weights(network) + state_bytes(config, height, width) + _PICTURES * image
    if not layers:
        return fixed + 8 * image
    shapes = map_shapes(network, layers, height, width)
    fixed += _style_loss(config, shapes)
    content = [_bytes(shapes[layer]) for layer in set(config.content_layers)]
    if tile is None:
        tiled = _winograd(network, layers, height, width)
        return fixed + sum(content) + tiled + _at_once(shapes)
    stages = plan_stages(network, layers, height, width, tile)
    # Large maps lie in a file (`jnst.compute.tiles.host_map`).
    in_memory = sum(size for size in content if size < LARGE)
    maps = _by_windows(stages, [_residuals(stage, layers, config.pooling) for stage in stages])
    return fixed + in_memory + _winograd(network, layers, tile, tile) + maps


def _weights(network: str) -> float:
    return sum(9 * wide * deep for _, wide, deep in CONVOLUTIONS[network]) * _FLOAT


def _tiled(tiles: dict[str, Tiles]) -> float:
    """Number of convolutions by Winograd's tiles; forward and backward count half each."""
    return sum(bool(tile) for passes in tiles.values() for tile in passes) / 2


def _kernels(network: str, tiles: dict[str, Tiles]) -> float:
    """Memory of the kernels transformed for Winograd's tiles."""
    return sum(
        tiles[name].kernel_numbers * wide * deep * _FLOAT
        for name, wide, deep in CONVOLUTIONS[network]
        if name in tiles
    )


def state_bytes(config: Config, height: int, width: int) -> int:
    """Bytes of the optimiser's state."""
    # Both: the point and the last good one. Adam: two moments and an optional average of iterates.
    # L-BFGS: the accepted point, its gradient, the direction and the pairs.
    arrays = 4 + config.averaging if config.optimizer == "adam" else 5 + 2 * config.history
    return arrays * height * width * 3 * _FLOAT


def home(config: Config, height: int, width: int) -> jax.Device | None:
    """The device for the optimiser's state, None for the computing device.

    By windows, the state alone keeps the picture's full size. If it would take too much of an
    accelerator's memory, it stays in the host's, where the optimiser's arithmetic then runs.
    """
    on_cpu = jax.default_backend() == "cpu"
    if on_cpu or state_bytes(config, height, width) <= _MOST * free_memory():
        return None
    with suppress(RuntimeError):  # JAX_PLATFORMS may exclude the CPU
        return jax.local_devices(backend="cpu")[0]
    return None


def devices_memory(network: str, devices: Sequence[jax.Device]) -> int:
    """Bytes of several devices in this process in addition to `estimate_memory`: those of a CPU
    share its memory, and each has a copy of the network."""
    own = [device for device in devices if device.process_index == jax.process_index()]
    if jax.default_backend() != "cpu":
        return 0
    return int(max(0, len(own) - 1) * (_weights(network) + _PER_DEVICE))


def mask_memory(
    config: Config, height: int, width: int, *, network: str, regions: int, keep: bool
) -> int:
    """Bytes for masks in addition to `estimate_memory`: a weight per position and region."""
    picture = height * width * _FLOAT
    shapes = map_shapes(network, config.style_layers, height, width)
    guides = sum(math.prod(shapes[layer][:2]) * _FLOAT for layer in set(config.style_layers))
    # Each mask also exists at the picture's size; a keep mask comes with the kept pixels.
    return regions * (guides + picture) + keep * 5 * picture


def _bytes(shape: tuple[int, int, int]) -> float:
    return math.prod(shape) * _FLOAT


def _at_once(shapes: Mapping[str, tuple[int, int, int]]) -> float:
    """Memory of an evaluation: what the backward pass reads, and a few maps of the widest layer."""
    maps = {layer: _bytes(shape) for layer, shape in shapes.items()}
    # The backward pass through a ReLU reads its output; a convolution's input is not needed.
    residuals = sum(size for layer, size in maps.items() if layer.startswith("relu"))
    wide = _WIDE_MAPS_ON_CPU if jax.default_backend() == "cpu" else _WIDE_MAPS
    return residuals + wide * max(maps.values())


def _style_loss(config: Config, shapes: Mapping[str, tuple[int, int, int]]) -> float:
    """Memory of the style loss: of its matrix roots, or of sorted positions."""
    loss = style_loss_of(config.style_loss)
    style_shapes = [shapes[layer] for layer in set(config.style_layers)]
    if loss.takes_roots:
        return sum(_ROOT_MATRICES * shape[-1] ** 2 * _FLOAT for shape in style_shapes)
    if loss.by_sums:
        return 0.0
    # Per layer the target, its distance, the order, and the statistics behind the target, whose
    # memory is only partly reused; and for the largest layer the two 64-bit arrays to sort.
    maps = list(map(_bytes, style_shapes))
    return 7 * sum(maps) + 4 * max(maps, default=0.0)


def _winograd(network: str, layers: tuple[str, ...], height: int, width: int) -> float:
    """Memory of the transformed kernels and of the parts of a map."""
    tiles = winograd_tiles(network, height, width, layers=layers)
    if not tiles:
        return 0.0
    room = _TILED_ROOM + _TILED_MAPS * 64 * height * width * _FLOAT
    return _kernels(network, tiles) + room


def _by_windows(stages: tuple[Stage, ...], saved: list[float]) -> float:
    """Memory of an evaluation: maps between stages, their residuals, a few maps of one window."""
    entering = [0.0, *(_bytes(stage.output) for stage in stages[:-1])]
    forward = sum(entering) + sum(saved)
    # One row of windows exists twice, as map and as derivative; the rows above are released.
    backward = [
        sum(entering[: i + 1])
        + sum(saved[: i + 1])
        + leaving
        + entering[i] * stages[i].size[0] / max(stages[i].shape[0], 1)
        for i, leaving in enumerate([*entering[1:], 0.0])
    ]
    # The largest map of a stage has its first layer's channels.
    window = max(_bytes((*stage.size, stage.widths[0])) for stage in stages)
    return max(forward, *backward) + _WINDOW_MAPS * window


def _residuals(stage: Stage, layers: tuple[str, ...], pooling: str) -> float:
    """Residuals of a stage: a bit per ReLU; three per maximum, and none for the ReLU before it."""
    saved, total = stored_layers(stage.layers, layers, pooling), 0.0
    for name, following in zip(saved, (*saved[1:], ""), strict=False):
        bits = _bytes(stage.shape_at(name)) / (8 * _FLOAT)
        if name.startswith("pool"):
            total += 3 * bits * (pooling == "max")
        elif name.startswith("relu") and not (pooling == "max" and following.startswith("pool")):
            total += bits
    return total
