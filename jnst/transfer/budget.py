"""The memory budget of a run: the fastest engine that fits, and smaller windows where it does not.

The whole picture at once is the fastest and takes the most memory. Of windows, the larger ones are
faster: their margins overlap less, and those of 128 pixels compute a third more than those of 512.
Each pair that L-BFGS remembers is two more pictures, which of a large one costs as much as much
larger windows do, while beyond a few pairs another saves hardly a step: so pairs give way first.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, TypeVar

import jax

from ..compute.memory import peak_memory
from ..compute.tiles.cutting import SMALLEST_TILE, TILES
from ..config import Config
from ..losses.registry import needs_whole
from ..network.architecture import check_layers, smallest_side
from ..system import free_memory
from ..wording import size_words
from .sizes import painted_size

T = TypeVar("T")

# From here on the whole picture at once takes more memory than it is worth.
_LARGEST_WHOLE = 1536
_FLOAT = 4
# What L-BFGS keeps before windows become smaller, and where these are the smallest.
_ENOUGH_PAIRS = 8
_LEAST_PAIRS = 3


class Choice(NamedTuple):
    """How a run is computed.

    Attributes:
        tile: for `jnst.stylize`; None for the whole picture at once.
        history: pairs that L-BFGS remembers.
        memory: what the run is expected to need at its peak, in bytes.
    """

    tile: int | None
    history: int
    memory: int


def choose(
    config: Config, height: int, width: int, *, network: str = "vgg16", memory: int
) -> Choice:
    """The fastest way of computing a picture of that size that fits into `memory` bytes.

    All at once up to a size, or where it must be; by the largest windows that fit beyond. For them
    L-BFGS may have to remember fewer pairs, eight at least; where not even the smallest fit, three.

    Raises:
        ValueError: if that does not fit either, with what would.

    Example:
        >>> choose(Config(), 512, 512, memory=8 * 10**9).tile is None
        True
        >>> choose(Config(), 3000, 2000, memory=8 * 10**9).tile
        768
    """

    def needed(tile: int | None, history: int) -> int:
        here = replace(config, history=history)
        return estimate_memory(here, height, width, network=network, tile=tile)

    pair = 2 * height * width * 3 * _FLOAT
    for pairs in _pairs(config):
        for way in _ways(config, height, width):
            room = memory - needed(way, pairs)
            if room >= 0:
                more = min(config.history - pairs, room // pair)
                return Choice(way, pairs + more, needed(way, pairs + more))
    fewest = _pairs(config)[-1]
    least = min(needed(way, fewest) for way in _ways(config, height, width))
    side = _side_that_fits(config, height, width, network, memory)
    smaller = f"--size {side}" if side else "a smaller --size"
    adam = "" if config.optimizer == "adam" else " (--optimizer adam needs less)"
    raise ValueError(
        f"{width}x{height} pixels need {size_words(least, up=True)} of memory at least{adam}, "
        f"and {size_words(memory)} may be used: --memory {size_words(least, up=True)} or "
        f"{smaller} would do"
    )


def _ways(config: Config, height: int, width: int) -> list[int | None]:
    """What is tried, the fastest first."""
    if needs_whole(config):
        return [None]
    longer = max(height, width)
    windows = [tile for tile in TILES if tile < longer]
    return [None, *windows] if longer <= _LARGEST_WHOLE or not windows else [*windows]


def _pairs(config: Config) -> tuple[int, ...]:
    """How many pairs L-BFGS has at least: to be tried with every way, and then."""
    if config.optimizer == "adam":
        return (config.history,)
    return tuple(dict.fromkeys(min(config.history, n) for n in (_ENOUGH_PAIRS, _LEAST_PAIRS)))


def _side_that_fits(config: Config, height: int, width: int, network: str, memory: int) -> int:
    """The --size of a picture of those proportions that fits, 0 if none does."""
    least = replace(config, history=_pairs(config)[-1])
    measured = min(height, width) if config.size_side == "shorter" else max(height, width)
    for percent in range(95, 4, -5):
        tall, wide = height * percent // 100, width * percent // 100
        smallest = min(
            estimate_memory(least, tall, wide, network=network, tile=tile)
            for tile in ((None,) if needs_whole(config) else (None, TILES[-1]))
        )
        if min(tall, wide) > 0 and smallest <= memory:
            return measured * percent // 100
    return 0


def estimate_memory(
    config: Config, height: int, width: int, *, network: str = "vgg16", tile: int | None = None
) -> int:
    """Bytes that a run needs at its peak, the program included; expect a fifth more or less.

    Args:
        config: of the run; its layers, scales, bleed and optimiser count, not its size.
        height, width: of the picture at the last scale, in pixels.
        network: "vgg16" or "vgg19".
        tile: as for `jnst.stylize`.

    Raises:
        ValueError: for an unknown network or layer, or a tile below 128.

    Example:
        >>> whole = estimate_memory(Config(), 2048, 2048)
        >>> whole > 2 * estimate_memory(Config(), 2048, 2048, tile=512)
        True
    """
    check_layers(network, (*config.style_layers, *config.content_layers))
    return peak_memory(config, _sizes(config, height, width), network=network, tile=tile)


def _sizes(config: Config, height: int, width: int) -> list[tuple[int, int]]:
    """(height, width) of what is painted at each scale; the last is given without its bleed."""
    scales = config.all_scales
    sizes = [(round(height * s / scales[-1]), round(width * s / scales[-1])) for s in scales]
    layers = (*config.style_layers, *config.content_layers)
    least = smallest_side("vgg19", layers) if layers else 1
    kept = [size for size in sizes[:-1] if min(size) >= least] + sizes[-1:]
    return [painted_size(*size, config) for size in kept]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python, NumPy or XLA could not get the memory that they asked for."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error)


def smaller_tile(tile: int | None, side: int) -> int | None:
    """The next smaller size of window, half as large or less; None if there is none.

    Args:
        tile: that was too large, or None if the picture was computed at once.
        side: the longer one of the picture.

    Example:
        >>> smaller_tile(None, 3000), smaller_tile(None, 600), smaller_tile(512, 3000)
        (768, 256, 256)
        >>> smaller_tile(None, 200), smaller_tile(128, 3000)
        (128, None)
    """
    before = side if tile is None else tile
    wanted = max(before / 2, SMALLEST_TILE)
    size = next(size for size in TILES if size <= wanted)
    return size if size < before else None


def by_smaller_windows(
    attempt: Callable[[int | None], T],
    tile: int | None,
    size: tuple[int, int],
    advice: Callable[[], str],
    *,
    whole: bool = False,
) -> T:
    """What `attempt(tile)` returns, with the first size of window that fits into the memory.

    Args:
        attempt: computes everything with windows of that many pixels, or at once for None; called
            again after it has raised for want of memory.
        tile: to try first.
        size: (height, width) of the picture.
        advice: makes the message for a picture that does not fit at all.
        whole: whether it must be computed at once, and no windows are tried.

    Raises:
        MemoryError: with the advice, if the smallest windows do not fit either.
    """
    while True:
        try:
            return attempt(tile)
        except (MemoryError, jax.errors.JaxRuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        # Outside of the handler: the error holds on to what its frames have in memory.
        tile = None if whole else smaller_tile(tile, max(size))
        if tile is None:
            raise MemoryError(advice())


def advice(config: Config, height: int, width: int, network: str) -> str:
    """What a picture needs that did not fit, and a --size that needs less.

    By the smallest windows, unless it must be computed at once.

    Example:
        >>> advice(Config(size=4096), 3000, 4096, "vgg16").split(" about ")[0]
        '4096x3000 pixels need'
    """

    tile = None if needs_whole(config) else SMALLEST_TILE

    def needed(percent: int) -> int:
        tall, wide = (max(1, side * percent // 100) for side in (height, width))
        return estimate_memory(config, tall, wide, network=network, tile=tile)

    told = f"{width}x{height} pixels need about {size_words(needed(100))}"
    if tile and max(height, width) > tile:
        told += f", by windows of {tile} pixels"
    # That it fits by the estimate was a mistake already: less by a fifth, at least.
    allowed = min(free_memory(), 0.8 * needed(100))
    for percent in (75, 50, 35, 25):
        if needed(percent) <= allowed:
            smaller = config.size * percent // 100
            return f"{told}; --size {smaller} needs {size_words(needed(percent))}"
    return f"{told}; use a smaller --size"
