"""The memory budget of a run: the fastest engine that fits, else smaller windows.

Windows of 128 pixels compute a third more than those of 512, since their margins overlap more. Each
L-BFGS pair is two more pictures, and beyond a few, another saves hardly a step: they are cut first.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, TypeVar

import jax

from ..compute.memory import peak_memory
from ..compute.tiles.cutting import SMALLEST_TILE, TILES, check_tile
from ..config import Config
from ..losses.registry import needs_whole
from ..network.architecture import check_layers, smallest_side
from ..system import free_memory
from ..wording import about, size_words
from .sizes import painted_size

T = TypeVar("T")

# Beyond this side, the speed of computing the whole picture is not worth its memory.
_LARGEST_WHOLE = 1536
_FLOAT = 4
# Minimum of L-BFGS pairs before windows become smaller, and with the smallest windows.
_ENOUGH_PAIRS = 8
_LEAST_PAIRS = 3


class Choice(NamedTuple):
    """The chosen computation of a run."""

    tile: int | None  # for `jnst.stylize`; None for the whole picture at once
    history: int  # number of L-BFGS pairs
    memory: int  # estimated peak memory in bytes


def choose(
    config: Config, height: int, width: int, *, network: str = "vgg16", memory: int
) -> Choice:
    """The fastest computation of a picture of this size that fits into `memory` bytes.

    Tries the whole picture at once (if it is small, or must be), then windows from the largest.
    L-BFGS pairs may be cut to eight for this, and to three if nothing fits with eight. Raises
    ValueError if nothing fits, with the memory or size that would.
    """

    def needed(tile: int | None, history: int) -> int:
        shorter = replace(config, history=history)
        return estimate_memory(shorter, height, width, network=network, tile=tile)

    minima = [config.history]
    if config.optimizer == "lbfgs":
        minima = [min(config.history, least) for least in (_ENOUGH_PAIRS, _LEAST_PAIRS)]
    tiles, pair = _tiles(config, height, width), 2 * height * width * 3 * _FLOAT
    for pairs in minima:
        for tile in tiles:
            room = memory - needed(tile, pairs)
            if room >= 0:
                more = min(config.history - pairs, room // pair)
                return Choice(tile, pairs + more, needed(tile, pairs + more))
    least = min(needed(tile, minima[-1]) for tile in tiles)
    side = _side_that_fits(replace(config, history=minima[-1]), height, width, network, memory)
    smaller = f"--size {side}" if side else "a smaller --size"
    adam = "" if config.optimizer == "adam" else " (--optimizer adam needs less)"
    raise ValueError(
        f"{width}x{height} pixels need {size_words(least, up=True)} of memory at least{adam}, "
        f"and {size_words(memory)} may be used: --memory {size_words(least, up=True)} or "
        f"{smaller} would do"
    )


def _tiles(config: Config, height: int, width: int) -> list[int | None]:
    """The tiles to try, fastest first; None is the whole picture at once."""
    if needs_whole(config):
        return [None]
    longer = max(height, width)
    windows = [tile for tile in TILES if tile < longer]
    return [None, *windows] if longer <= _LARGEST_WHOLE or not windows else [*windows]


def _side_that_fits(config: Config, height: int, width: int, network: str, memory: int) -> int:
    """The largest --size of a picture of these proportions that fits, 0 if none does."""
    measured = min(height, width) if config.size_side == "shorter" else max(height, width)
    tiles = [None] if needs_whole(config) else [None, SMALLEST_TILE]
    for percent in range(95, 4, -5):
        size = height * percent // 100, width * percent // 100
        needed = (estimate_memory(config, *size, network=network, tile=tile) for tile in tiles)
        if min(size) > 0 and min(needed) <= memory:
            return measured * percent // 100
    return 0


def estimate_memory(
    config: Config, height: int, width: int, *, network: str = "vgg16", tile: int | None = None
) -> int:
    """Peak memory of a run in bytes, the program included; accurate to about a fifth.

    Args:
        config: of the run.
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
    check_layers(network, config.layers)
    if tile is not None:
        check_tile(tile)
    scales, least = config.all_scales, smallest_side("vgg19", config.layers)
    sizes = [(round(height * s / scales[-1]), round(width * s / scales[-1])) for s in scales]
    usable = [size for size in sizes[:-1] if min(size) >= least] + sizes[-1:]
    painted = [painted_size(*size, config) for size in usable]
    return peak_memory(config, painted, network=network, tile=tile)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error is a failed memory allocation of Python, NumPy or XLA."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error)


def smaller_tile(tile: int | None, side: int) -> int | None:
    """The next window size, at most half the `tile` that was too large, or half the longer `side`
    of a picture that was; None after the smallest."""
    current = side if tile is None else tile
    limit = max(current / 2, SMALLEST_TILE)
    size = next(size for size in TILES if size <= limit)
    return size if size < current else None


def by_smaller_windows(
    attempt: Callable[[int | None], T],
    tile: int | None,
    size: tuple[int, int],
    advice: Callable[[], str],
    *,
    whole: bool = False,
) -> T:
    """The result of `attempt(tile)` for the first window size that fits into memory.

    `attempt` computes everything by windows of `tile` pixels, or at once for None; it is called
    again with a smaller tile after it ran out of memory, unless the picture, of this `size`, must
    be computed `whole`. Raises MemoryError with the text of `advice()` if no window size fits.
    """
    while True:
        try:
            return attempt(tile)
        except (MemoryError, jax.errors.JaxRuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        # Retry outside the handler: the error's traceback keeps its frames' arrays alive.
        tile = None if whole else smaller_tile(tile, max(size))
        if tile is None:
            with about("size"):
                raise MemoryError(advice())


def advice(config: Config, height: int, width: int, network: str) -> str:
    """The message for a picture that did not fit: its memory, and a --size that needs less.

    Assumes the smallest windows, unless the picture must be computed at once.
    """
    tile = None if needs_whole(config) else SMALLEST_TILE

    def needed(percent: int) -> int:
        tall, wide = (max(1, side * percent // 100) for side in (height, width))
        return estimate_memory(config, tall, wide, network=network, tile=tile)

    message = f"{width}x{height} pixels need about {size_words(needed(100))}"
    if tile and max(height, width) > tile:
        message += f", by windows of {tile} pixels"
    # The estimate was too low for this run, so ask for at least a fifth less.
    allowed = min(free_memory(), 0.8 * needed(100))
    for percent in (75, 50, 35, 25):
        if needed(percent) <= allowed:
            smaller = config.size * percent // 100
            return f"{message}; --size {smaller} needs {size_words(needed(percent))}"
    return f"{message}; use a smaller --size"
