"""The memory budget of a run: the fastest engine that fits, else smaller windows.

Computing the whole picture at once is fastest and takes the most memory. Larger windows are faster
than smaller ones, since their margins overlap less: windows of 128 pixels compute a third more than
those of 512. Each L-BFGS pair is two more pictures. For a large picture that is as much memory as
much larger windows need, and beyond a few pairs another saves hardly a step: pairs are cut first.
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
from ..wording import size_words
from .sizes import painted_size

T = TypeVar("T")

# Beyond this side, the speed of computing the whole picture is not worth its memory.
_LARGEST_WHOLE = 1536
_FLOAT = 4
# Minimum of L-BFGS pairs before windows become smaller, and with the smallest windows.
_ENOUGH_PAIRS = 8
_LEAST_PAIRS = 3


class Choice(NamedTuple):
    """The chosen computation of a run.

    Attributes:
        tile: for `jnst.stylize`; None for the whole picture at once.
        history: number of L-BFGS pairs.
        memory: estimated peak memory in bytes.
    """

    tile: int | None
    history: int
    memory: int


def choose(
    config: Config, height: int, width: int, *, network: str = "vgg16", memory: int
) -> Choice:
    """The fastest computation of a picture of this size that fits into `memory` bytes.

    Tries the whole picture at once (if it is small, or must be), then windows from the largest.
    L-BFGS pairs may be cut to eight for this, and to three if nothing fits with eight.

    Raises:
        ValueError: if nothing fits, with the memory or size that would.

    Example:
        >>> choose(Config(), 512, 512, memory=8 * 10**9).tile is None
        True
        >>> choose(Config(), 3000, 2000, memory=8 * 10**9).tile
        768
    """

    def needed(tile: int | None, history: int) -> int:
        shorter = replace(config, history=history)
        return estimate_memory(shorter, height, width, network=network, tile=tile)

    pair = 2 * height * width * 3 * _FLOAT
    for pairs in _pairs(config):
        for tile in _ways(config, height, width):
            room = memory - needed(tile, pairs)
            if room >= 0:
                more = min(config.history - pairs, room // pair)
                return Choice(tile, pairs + more, needed(tile, pairs + more))
    fewest = _pairs(config)[-1]
    least = min(needed(tile, fewest) for tile in _ways(config, height, width))
    side = _side_that_fits(config, height, width, network, memory)
    smaller = f"--size {side}" if side else "a smaller --size"
    adam = "" if config.optimizer == "adam" else " (--optimizer adam needs less)"
    raise ValueError(
        f"{width}x{height} pixels need {size_words(least, up=True)} of memory at least{adam}, "
        f"and {size_words(memory)} may be used: --memory {size_words(least, up=True)} or "
        f"{smaller} would do"
    )


def _ways(config: Config, height: int, width: int) -> list[int | None]:
    """The tiles to try, fastest first; None is the whole picture at once."""
    if needs_whole(config):
        return [None]
    longer = max(height, width)
    windows = [tile for tile in TILES if tile < longer]
    return [None, *windows] if longer <= _LARGEST_WHOLE or not windows else [*windows]


def _pairs(config: Config) -> tuple[int, ...]:
    """Minimum numbers of L-BFGS pairs, largest first; each is tried with every tile."""
    if config.optimizer == "adam":
        return (config.history,)
    return tuple(dict.fromkeys(min(config.history, n) for n in (_ENOUGH_PAIRS, _LEAST_PAIRS)))


def _side_that_fits(config: Config, height: int, width: int, network: str, memory: int) -> int:
    """The largest --size of a picture of these proportions that fits, 0 if none does."""
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
    """Peak memory of a run in bytes, the program included; accurate to about a fifth.

    Args:
        config: of the run; layers, scales (which may depend on its size), bleed and optimiser.
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
    return peak_memory(config, _sizes(config, height, width), network=network, tile=tile)


def _sizes(config: Config, height: int, width: int) -> list[tuple[int, int]]:
    """(height, width) of the painted picture per scale; the given size is without margin."""
    scales = config.all_scales
    sizes = [(round(height * s / scales[-1]), round(width * s / scales[-1])) for s in scales]
    least = smallest_side("vgg19", config.layers)
    usable = [size for size in sizes[:-1] if min(size) >= least] + sizes[-1:]
    return [painted_size(*size, config) for size in usable]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error is a failed memory allocation of Python, NumPy or XLA."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error)


def smaller_tile(tile: int | None, side: int) -> int | None:
    """The next smaller window size, at most half as large; None after the smallest.

    Args:
        tile: the size that was too large, or None if the picture was computed at once.
        side: the picture's longer side.

    Example:
        >>> smaller_tile(None, 3000), smaller_tile(None, 600), smaller_tile(512, 3000)
        (768, 256, 256)
        >>> smaller_tile(None, 200), smaller_tile(128, 3000)
        (128, None)
    """
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

    Args:
        attempt: computes everything with windows of `tile` pixels, or at once for None; called
            again with a smaller tile after it ran out of memory.
        tile: the size to try first.
        size: (height, width) of the picture.
        advice: returns the error message for a picture that does not fit at all.
        whole: whether the picture must be computed at once, so that no windows are tried.

    Raises:
        MemoryError: with the advice, if no window size fits.
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
            raise MemoryError(advice())


def advice(config: Config, height: int, width: int, network: str) -> str:
    """The message for a picture that did not fit: its memory, and a --size that needs less.

    Assumes the smallest windows, unless the picture must be computed at once.

    Example:
        >>> advice(Config(size=4096), 3000, 4096, "vgg16").split(" about ")[0]
        '4096x3000 pixels need'
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
