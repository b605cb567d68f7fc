"""A run that does not fit into the memory: again by windows, and by smaller ones if need be."""

from collections.abc import Callable
from typing import TypeVar

import jax

from .compute.tiles.cutting import SMALLEST_TILE, TILES
from .config import Config
from .losses.registry import needs_whole
from .memory_choice import estimate_memory
from .system import free_memory
from .wording import size_words

T = TypeVar("T")


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
