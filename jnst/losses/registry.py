"""The style losses by name, and which of them need the whole picture at once."""

from collections.abc import Mapping
from typing import Any

from ..wording import Setting, SettingError
from .gram_matrix import GRAM, GRAM_GATYS2016, GRAM_POSITIONS, GRAM_RELATIVE
from .moments import COVARIANCE, WASSERSTEIN, WASSERSTEIN_RELATIVE
from .sliced import HISTOGRAM, SLICED_WASSERSTEIN
from .style import StyleLoss, mean_of

STYLE_LOSSES: Mapping[str, StyleLoss] = {
    "gram": GRAM,
    "gram-positions": GRAM_POSITIONS,
    "gram-relative": GRAM_RELATIVE,
    "gram-gatys2016": GRAM_GATYS2016,
    "covariance": COVARIANCE,
    "wasserstein": WASSERSTEIN,
    "wasserstein-relative": WASSERSTEIN_RELATIVE,
    "sliced-wasserstein": SLICED_WASSERSTEIN,
    "histogram": HISTOGRAM,
    "gram+histogram": mean_of(GRAM_RELATIVE, HISTOGRAM),
}
"""The style losses by the names that `Config.style_loss` takes."""


def style_loss_of(choice: str | StyleLoss) -> StyleLoss:
    """The style loss of a name, or the one that was given in place of a name."""
    return STYLE_LOSSES[choice] if isinstance(choice, str) else choice


def needs_whole(choices: Any) -> bool:
    """Whether the losses of a `Config` or of `Terms` need more than sums over positions."""
    return choices.normalize_gradients or not style_loss_of(choices.style_loss).by_sums


def check_by_windows(choices: Any, tile: int) -> None:
    """Raises ValueError if the losses need the whole picture, not windows of `tile` pixels."""
    _check(choices, f"windows of {tile} pixels", "leave out the tile")


def check_over_devices(choices: Any, count: int) -> None:
    """Raises ValueError if the losses need the whole picture, not bands on `count` devices."""
    _check(choices, f"bands on {count} devices", "use one device")


def _check(choices: Any, parts: str, remedy: str) -> None:
    if not style_loss_of(choices.style_loss).by_sums:
        name = repr(choices.style_loss) if isinstance(choices.style_loss, str) else "your own"
        raise SettingError(
            Setting("style_loss"),
            f" is {name}, which compares all positions of a layer at once, not {parts}: {remedy}, "
            "or ",
            Setting("style_loss", "gram-relative"),
            " or another on sums",
        )
    if choices.normalize_gradients:
        raise SettingError(
            Setting("normalize_gradients"),
            f" is True, which measures the gradient of a whole layer at once, not {parts}: "
            f"{remedy}, or ",
            Setting("normalize_gradients", False),
        )
