"""Lower bounds of what a painting takes, in closed form: checked before anything is resized."""

import math
from collections.abc import Sequence
from dataclasses import replace

import jax

from ..compute.memory import state_bytes
from ..network.architecture import smallest_side
from ..system import total_memory
from ..transfer.sizes import style_sizes, target_sizes
from ..wording import size_words
from .options.request import Request
from .options.words import UsageError, option

_PIXEL = 3 * 4
# L-BFGS pairs beyond the steps are never filled; so many are kept for steps that --resume adds.
_SPARE_PAIRS = 100


def check_sizes(
    request: Request, content: tuple[int, ...], styles: Sequence[tuple[int, ...]]
) -> None:
    """Raises UsageError, naming the option, for sizes that no choice of windows fits into memory.

    Args:
        request: the command.
        content, styles: shapes of the pictures, as read.
    """
    config = request.config
    # An accelerator may leave the state to the memory of its host.
    limited = request.memory if jax.default_backend() == "cpu" else None
    memory = limited or total_memory()
    sizes = target_sizes(content[0], content[1], config)
    height, width = max(sizes, key=math.prod)
    needed = state_bytes(replace(config, history=1), height, width) + 4 * height * width * _PIXEL
    if needed > memory:
        name = "scales" if (height, width) != sizes[-1] else "size"
        side = int(config.size * math.sqrt(memory / needed))
        remedy = f"give {side} at most" if name == "size" else "give smaller ones"
        _refuse(
            name, getattr(config, name), (height, width), "the painting", needed, memory, remedy
        )
    height, width = max(style_sizes(styles, height, width, config), key=math.prod)
    # As resized, and its first map.
    needed = 2 * height * width * _PIXEL
    if needed > memory:
        name = _style_option(request)
        value = getattr(config, name)
        _refuse(name, value, (height, width), "a style", needed, memory, "give a smaller one")


def _style_option(request: Request) -> str:
    """The field of `Config` to which the size of the styles is due."""
    config = request.config
    if config.style_size:
        return "style_size"
    return "style_scale" if max(config.style_scale) > 1 else "size"


def _refuse(
    name: str, value: object, size: tuple[int, int], what: str, need: float, have: int, remedy: str
) -> None:
    shown = " ".join(map(str, value)) if isinstance(value, tuple) else value
    raise UsageError(
        f"{option(name)} is {shown}: {what} of {size[1]}x{size[0]} pixels needs more than "
        f"{size_words(need)} of memory, and there are {size_words(have)}: {remedy}",
        name,
    )


def check_bands(request: Request, height: int, count: int) -> None:
    """Raises UsageError for more devices than a painting of this height has bands of rows."""
    rows = smallest_side(request.architecture, request.config.layers)
    most = -(-height // rows)
    if request.devices.each and count > most:
        raise UsageError(
            f"--devices gives {count}, but {height} rows are cut into bands of {rows} at "
            f"least: give {max(1, most // request.devices.processes)} at most"
        )


def enough_pairs(history: int, steps: Sequence[int]) -> int:
    """The L-BFGS pairs of a run of so many steps at each scale, of the `history` asked for.

    >>> enough_pairs(10**9, (300, 200)), enough_pairs(10**9, (5,)), enough_pairs(20, (5,))
    (300, 100, 20)
    """
    return min(history, max(*steps, _SPARE_PAIRS))
