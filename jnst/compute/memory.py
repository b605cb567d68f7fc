"""The memory that scales need at their peak, and where the optimiser's state is kept.

The estimate adds up what lives at the same time: the program, the weights, the pictures, the
optimiser's arrays and what one evaluation holds, or the compiler before it; and what the coarser
scales have left. Of an evaluation of the whole picture at once that is every activation that the
backward pass reads, and a few maps of the widest layer under work; by windows (`jnst.tiles`) the
maps between the stages, what their windows keep, and a few maps of one window.
"""

from collections.abc import Iterable
from contextlib import suppress

import jax

from ..config import Config
from ..losses import STYLE_LOSSES
from ..network.algorithms import Tiles, winograd_tiles
from ..network.architecture import (
    CONVOLUTIONS,
    LAYERS,
    halvings,
    map_shapes,
)
from ..system import free_memory
from .tiles.cutting import SMALLEST_TILE, Stage, kept_layers, plan_stages
from .tiles.host_map import LARGE

_FLOAT = 4
# Measured: the libraries, what the compiler leaves behind, and small change.
_PROGRAM = 480e6
# Maps of the widest layer that are under work at once in the whole picture's program, and in a
# window's; float32.
_WIDE_MAPS = 4.6
# On CPUs the step is compiled to need little (`jnst.optimize.steps`).
_WIDE_MAPS_ON_CPU = 1.0
_WINDOW_MAPS = 5.4
# What Winograd's tiles (`jnst.network.algorithms`) need beside them: parts of the widest map, and
# room for those of the deep layers.
_TILED_MAPS = 1.5
_TILED_ROOM = 70e6
# Measured, on CPUs: what compiling a scale takes at its peak, beside the libraries, and for each
# convolution by Winograd's tiles; and what that leaves behind, for the next compilation, whose
# pieces do not fit into the gaps, and for good.
_COMPILING, _COMPILING_TILED = 550e6, 46e6
_GAPS, _GAPS_TILED = 60e6, 22e6
_PROGRAMS, _PROGRAMS_TILED = 50e6, 10e6
# Matrices [C, C] for each layer whose root the style loss takes, by iterations forward and back.
_ROOT_MATRICES = 16
# Of an accelerator's memory, for the optimiser's state: windows and what is kept need the rest.
_MOST = 0.5
_PICTURES = 4  # the content as it was read and as it is painted, the image, its gradient


def peak_memory(
    config: Config, sizes: Iterable[tuple[int, int]], *, network: str, tile: int | None
) -> int:
    """Bytes that a run over some scales needs at its peak, the program included.

    Args:
        config: of the run.
        sizes: (height, width) of what is painted at each scale, with its bleed.
        network: "vgg16" or "vgg19".
        tile: as for `jnst.stylize`.
    """
    layers = (*config.style_layers, *config.content_layers)
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
    """What a scale needs by itself; None for the whole picture."""
    layers = (*config.style_layers, *config.content_layers)
    image = height * width * 3 * _FLOAT
    fixed = _PROGRAM + _weights(network) + _roots(config, network)
    fixed += state_bytes(config, height, width) + _PICTURES * image
    if not layers:
        return fixed + 8 * image
    content = _content_maps(config, height, width, network)
    if tile is None:
        tiled = _winograd(network, layers, height, width) + _ordered(config, height, width, network)
        return fixed + sum(content) + tiled + _whole(network, layers, height, width)
    stages = plan_stages(network, layers, height, width, tile)
    # What is large lies in a file (`jnst.compute.tiles.host_map`).
    kept = sum(size for size in content if size < LARGE)
    maps = _by_windows(stages, [_way_back(stage, layers, config.pooling) for stage in stages])
    return fixed + kept + _winograd(network, layers, tile, tile) + maps


def _weights(network: str) -> float:
    return sum(9 * wide * deep for _, wide, deep in CONVOLUTIONS[network]) * _FLOAT


def _tiled(tiles: dict[str, Tiles]) -> float:
    """Convolutions by Winograd's tiles; one of which only a pass goes that way is half of one."""
    return sum(bool(tile) for each in tiles.values() for tile in each) / 2


def _kernels(network: str, tiles: dict[str, Tiles]) -> float:
    """Those for Winograd's tiles."""
    return sum(
        tiles[name].kernel_numbers * wide * deep * _FLOAT
        for name, wide, deep in CONVOLUTIONS[network]
        if name in tiles
    )


def state_bytes(config: Config, height: int, width: int) -> int:
    """Bytes of what the optimiser remembers.

    Example:
        >>> lbfgs = Config(optimizer="lbfgs", history=2)
        >>> state_bytes(Config(average_share=0), 10, 10), state_bytes(lbfgs, 10, 10)
        (4800, 10800)
    """
    # The point and the last good one; Adam's two moments, and an average if there is one; L-BFGS's
    # accepted point, its gradient, the direction, and the pairs.
    arrays = 4 + config.averaging if config.optimizer == "adam" else 5 + 2 * config.history
    return arrays * height * width * 3 * _FLOAT


def home(config: Config, height: int, width: int) -> jax.Device | None:
    """The device to put the optimiser's state on, None for that which computes.

    By windows, an accelerator holds one window and what is kept of the others. The picture, its
    gradient and what the optimiser remembers are as large as ever, L-BFGS's pairs above all. They
    are touched once a step, in order: so, where they would take too much of the accelerator's
    memory, they live in the host's, and the optimiser's own arithmetic is done there.

    Example:
        >>> home(Config(), 64, 64) is None
        True
    """
    if jax.default_backend() == "cpu" or state_bytes(config, height, width) <= (
        _MOST * free_memory()
    ):
        return None
    with suppress(RuntimeError):  # JAX was told to do without it
        return jax.local_devices(backend="cpu")[0]
    return None


def mask_memory(
    config: Config, height: int, width: int, *, network: str, regions: int, keep: bool
) -> int:
    """Bytes that masks need beside `estimate_memory`: a weight for each position and region.

    Example:
        >>> layers = {"style_layers": ("relu1_1", "relu2_1")}
        >>> mask_memory(Config(**layers), 10, 10, network="vgg16", regions=2, keep=False)
        1800
    """
    picture = height * width * _FLOAT
    depths = [halvings(LAYERS[network], layer) for layer in set(config.style_layers)]
    guides = sum((height >> depth) * (width >> depth) * _FLOAT for depth in depths)
    # Each mask once more at the size of the picture; the content stays with what is kept of it.
    return regions * (guides + picture) + keep * 5 * picture


def _content_maps(config: Config, height: int, width: int, network: str) -> list[float]:
    shapes = map_shapes(network, config.content_layers, height, width)
    return [_bytes(shapes[layer]) for layer in set(config.content_layers)]


def _bytes(shape: tuple[int, int, int]) -> float:
    height, width, channels = shape
    return height * width * channels * _FLOAT


def _whole(network: str, layers: tuple[str, ...], height: int, width: int) -> float:
    shapes = map_shapes(network, layers, height, width)
    maps = {layer: _bytes(shape) for layer, shape in shapes.items()}
    # The way back through a ReLU reads its output; a convolution's input is not needed.
    kept = sum(size for layer, size in maps.items() if layer.startswith("relu"))
    wide = _WIDE_MAPS_ON_CPU if jax.default_backend() == "cpu" else _WIDE_MAPS
    return kept + wide * max(maps.values())


def _roots(config: Config, network: str) -> float:
    """What the roots of the Wasserstein loss need, whatever the size of the picture."""
    if not STYLE_LOSSES[config.style_loss].takes_roots:
        return 0.0
    shapes = map_shapes(network, config.style_layers, SMALLEST_TILE, SMALLEST_TILE)
    channels = (shapes[layer][-1] for layer in set(config.style_layers))
    return sum(_ROOT_MATRICES * count**2 * _FLOAT for count in channels)


def _ordered(config: Config, height: int, width: int, network: str) -> float:
    """What losses on the positions in order keep: of each style layer the target, its distance and
    the order, and the statistics that the target was made of, whose memory is not all used again;
    and the two arrays of 64 bits that are sorted, of the largest."""
    if STYLE_LOSSES[config.style_loss].by_sums:
        return 0.0
    shapes = map_shapes(network, config.style_layers, height, width)
    maps = [_bytes(shapes[layer]) for layer in set(config.style_layers)]
    return 7 * sum(maps) + 4 * max(maps, default=0.0)


def _winograd(network: str, layers: tuple[str, ...], height: int, width: int) -> float:
    """The transformed kernels and the parts of a map."""
    tiles = winograd_tiles(network, height, width, layers=layers)
    if not tiles:
        return 0.0
    room = _TILED_ROOM + _TILED_MAPS * 64 * height * width * _FLOAT
    return _kernels(network, tiles) + room


def _by_windows(stages: tuple[Stage, ...], kept: list[float]) -> float:
    entering = [0.0, *(_bytes(stage.output) for stage in stages[:-1])]
    forward = sum(entering) + sum(kept)
    # One row of windows is there twice, itself and its derivative; the rows above are given back.
    backward = [
        sum(entering[: i + 1]) + sum(kept[: i + 1]) + leaving + entering[i] * _row_share(stages[i])
        for i, leaving in enumerate([*entering[1:], 0.0])
    ]
    window = max(stage.size[0] * stage.size[1] * _widest(stage) for stage in stages) * _FLOAT
    return max(forward, *backward) + _WINDOW_MAPS * window


def _row_share(stage: Stage) -> float:
    return stage.size[0] / max(stage.shape[0], 1)


def _way_back(stage: Stage, layers: tuple[str, ...], pooling: str) -> float:
    """What a stage keeps: a bit for each ReLU; of maxima three for each, and none for the ReLU."""
    kept, found = kept_layers(stage.layers, layers, pooling), 0.0
    for name, following in zip(kept, (*kept[1:], ""), strict=False):
        bits = _bytes(stage.shape_at(name)) / (8 * _FLOAT)
        if name.startswith("pool"):
            found += 3 * bits * (pooling == "max")
        elif name.startswith("relu") and not (pooling == "max" and following.startswith("pool")):
            found += bits
    return found


def _widest(stage: Stage) -> int:
    """Channels of the largest map, in the positions of the map that enters."""
    return stage.widths[0]
