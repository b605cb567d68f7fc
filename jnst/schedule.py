"""Which scales a run works through, and how many steps it makes at each."""

import itertools
from collections.abc import Sequence


def down_to(coarsest: int, size: int) -> tuple[float, ...]:
    """Scales 2^(−i/2) whose rounded sides are at least `coarsest` pixels, coarse to fine.

    Each has twice the area of the one before it. The last, of the whole `size`, is always there.

    References:
        The scheme of style-transfer-pytorch.

    Example:
        >>> [round(512 * scale) for scale in down_to(128, 512)], down_to(128, 96)
        ([128, 181, 256, 362, 512], (1.0,))
    """
    finer = (2.0 ** (-i / 2) for i in itertools.count(1))
    coarser = itertools.takewhile(lambda scale: round(size * scale) >= max(coarsest, 1), finer)
    return (*reversed(list(coarser)), 1.0)


def steps_of(
    steps: Sequence[int], scales: Sequence[float], *, first: bool, taper: float = 0.0
) -> tuple[int, ...]:
    """The steps at each of the scales.

    Args:
        steps: one number for each scale, or that of the last one.
        scales: coarse to fine.
        first: whether two numbers may be those of the first scale and of each other.
        taper: of one number; a scale of the side s of the last makes s^−taper times its steps. A
            step costs about s², so with 2 each scale costs the same, and with 0 it makes the same
            steps.

    Raises:
        ValueError: for another number of them.

    Example:
        >>> steps_of((1000, 500), (0.5, 0.71, 1.0), first=True)
        (1000, 500, 500)
        >>> steps_of((80,), (0.25, 0.5, 1.0), first=False, taper=1.0)
        (320, 160, 80)
    """
    count = len(scales)
    if first and len(steps) == 2:
        return (steps[0], *[steps[1]] * (count - 1))
    if len(steps) == count:
        return tuple(steps)
    if len(steps) == 1:
        return tuple(max(1, round(steps[0] * scale**-taper)) for scale in scales)
    two = ", two for the first and each other," if first else ","
    raise ValueError(f"steps has {len(steps)} numbers for {count} scales: give {count}{two} or one")
