"""What a decoder hands over: samples of any kind as fractions, and how they are to be seen."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .image_file import UnsupportedError

FIRST_PAGE = "holds more than one picture; the first is read"


class Samples(NamedTuple):
    """What a file holds: its samples in [0, 1] (alpha last, if any), and how to see them."""

    values: NDArray[np.float32]
    has_alpha: bool
    profile: bytes | None
    orientation: int
    notes: tuple[str, ...] = ()


def fractions(values: NDArray[Any], bits: int) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Samples of any kind as float32 in [0, 1], and what should be told about them.

    Example:
        >>> fractions(np.array([0.5, 3.0]), 32)
        (array([0.5, 1. ], dtype=float32), ('holds samples from 0.5 to 3, clipped to [0, 1]',))
    """
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise UnsupportedError("it holds NaN or infinite samples; repair it first")
        low, high = float(values.min(initial=0)), float(values.max(initial=0))
        outside = low < 0 or high > 1
        told = f"holds samples from {values.min():.3g} to {high:.3g}, clipped to [0, 1]"
        return np.clip(values, 0, 1).astype(np.float32), (told,) if outside else ()
    if values.dtype.kind not in "ub":
        raise UnsupportedError("its samples are signed integers; save it with 8 or 16 bits")
    return values.astype(np.float32) / np.float32(2.0**bits - 1), ()
