"""What must see the whole picture at once, and is refused by windows and over several devices."""

from typing import Protocol

from .losses import STYLE_LOSSES


class Choices(Protocol):
    """A `Config`, or the `Terms` of an objective."""

    @property
    def style_loss(self) -> str: ...
    @property
    def normalize_gradients(self) -> bool: ...


def needs_whole(choices: Choices) -> bool:
    """Whether a choice depends on more of each layer than sums over positions.

    Example:
        >>> import jnst
        >>> needs_whole(jnst.Config()), needs_whole(jnst.Config(style_loss="histogram"))
        (False, True)
    """
    return choices.normalize_gradients or not STYLE_LOSSES[choices.style_loss].by_sums


def check_by_windows(choices: Choices, tile: int) -> None:
    """Raises ValueError if the picture must be seen at once, not by windows of `tile` pixels."""
    _check(choices, f"windows of {tile} pixels", "leave out the tile")


def check_over_devices(choices: Choices, count: int) -> None:
    """Raises ValueError if the picture must be seen at once, not in bands on `count` devices."""
    _check(choices, f"bands on {count} devices", "use one device")


def _check(choices: Choices, parts: str, remedy: str) -> None:
    if not STYLE_LOSSES[choices.style_loss].by_sums:
        raise ValueError(
            f"style_loss is {choices.style_loss!r}, which compares all positions of a layer at "
            f"once, not {parts}: {remedy}, or style_loss='gram-relative' or another on sums"
        )
    if choices.normalize_gradients:
        raise ValueError(
            "normalize_gradients is True, which measures the gradient of a whole layer at once, "
            f"not {parts}: {remedy}, or normalize_gradients=False"
        )
