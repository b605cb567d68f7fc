"""The schedule of a run: its scales, and the steps at each."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..wording import Setting, SettingError


class Quality(NamedTuple):
    """The amount of work for a painting."""

    steps: int  # at the first scale
    # A scale of s times the side of the first makes s^−taper times its steps: the finer a scale,
    # the less is left to gain at it, and the more a step costs.
    taper: float
    ratio: float  # of the area of a scale to that of the scale before it


QUALITIES: Mapping[str, Quality] = {
    "draft": Quality(60, 0.75, 4.0),
    "normal": Quality(120, 0.8, 2.0),
    "fine": Quality(400, 0.5, 2.0),
}


def steps_by_quality(quality: str, scales: Sequence[float]) -> tuple[int, ...]:
    """The steps at each of the scales, coarse to fine.

    >>> steps_by_quality("normal", (0.25, 0.5, 1.0))
    (120, 69, 40)
    """
    steps, taper, _ = QUALITIES[quality]
    return tuple(max(1, round(steps * (scale / scales[0]) ** -taper)) for scale in scales)


def down_to(coarsest: int, size: int, sketch: int = 0, ratio: float = 2.0) -> tuple[float, ...]:
    """Scales ratio^(−i/2) whose rounded sides are at least `coarsest` pixels, coarse to fine.

    Each has `ratio` times the area of the one before it. The last, of the whole `size`, is always
    included. A scale of `sketch` pixels comes first if it is smaller than all others and not 0.
    The scheme is that of style-transfer-pytorch.

    >>> [round(512 * scale) for scale in down_to(256, 512, sketch=64)]
    [64, 256, 362, 512]
    """
    # Computed from areas, where a half is exact: sides that end in 0.5 are rounded as published.
    finer = (ratio ** (-i / 2) for i in itertools.count(1))
    coarser = itertools.takewhile(lambda scale: round(size * scale) >= max(coarsest, 1), finer)
    scales = (*reversed(list(coarser)), 1.0)
    return (sketch / size, *scales) if 0 < sketch < size * scales[0] else scales


def steps_of(
    steps: Sequence[int], scales: Sequence[float], *, taper: float = 0.0
) -> tuple[int, ...]:
    """The steps at each of the scales, coarse to fine.

    There is one number for each scale; two, for the first and for each other; or one, for the last:
    then a scale of s times its side makes s^−taper times its steps. A step costs about s², so with
    a taper of 2 all scales cost the same, and with 0 all make the same number of steps.

    >>> steps_of((80,), (0.25, 0.5, 1.0), taper=1.0)
    (320, 160, 80)
    """
    count = len(scales)
    if len(steps) == 2:
        return (steps[0], *[steps[1]] * (count - 1))
    if len(steps) == count:
        return tuple(steps)
    if len(steps) == 1:
        return tuple(max(1, round(steps[0] * scale**-taper)) for scale in scales)
    raise SettingError(
        Setting("steps"),
        f" has {len(steps)} numbers for {count} scales: give {count}, two for the first and each "
        "other, or one",
    )
