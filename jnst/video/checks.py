"""The arguments of `paint_frames`, checked; and its frames, checked and resized as they come."""

import math
from collections.abc import Iterable, Iterator, Sequence, Sized

import numpy as np

from ..arrays import AnyImage, Pixels, check_image
from ..config import Config
from ..images import resize_picture
from ..transfer.sizes import target_sizes


def check_arguments(
    temporal: float,
    long_term: Sequence[int],
    steps: int | None,
    passes: int,
    shots: Sequence[int] | None,
    config: Config,
) -> None:
    """Raises ValueError for an argument of `paint_frames` out of its range."""
    if not 0 <= temporal < math.inf:
        raise ValueError(f"temporal is {temporal}: give a finite number of at least 0")
    if not long_term or min(long_term) < 1:
        raise ValueError(f"long_term is {tuple(long_term)}: give distances in frames, from 1")
    if steps is not None and steps < 1:
        raise ValueError(f"steps is {steps}: a frame takes at least 1")
    if passes < 1 or (passes > 1 and not temporal):
        raise ValueError(
            f"passes is {passes} with temporal {temporal}: give at least 1, and 1 where each frame "
            "is painted by itself"
        )
    if shots is not None and min(shots, default=0) < 0:
        raise ValueError(f"shots is {tuple(shots)}: give numbers of frames, from 0")
    if config.init == "file":
        raise ValueError("init is 'file', but each frame of a film has a start of its own")


def frame_count(frames: Iterable[AnyImage], passes: int) -> int | None:
    """How many frames there are, as far as it is known; TypeError if passes need to know it."""
    if isinstance(frames, Sized) and hasattr(frames, "__getitem__"):
        return len(frames)
    if passes > 1:
        raise TypeError(
            f"frames is {type(frames).__name__} for {passes} passes: give a sequence, such as a "
            "list, whose frames can be read more than once"
        )
    return None


def resized(frames: Iterable[AnyImage], config: Config) -> Iterator[Pixels]:
    """The frames at the painted size; raises TypeError or ValueError at one that is bad."""
    shape: tuple[int, ...] = ()
    for number, frame in enumerate(frames):
        pixels = np.asarray(frame)
        check_image(f"frame {number}", pixels)
        if not np.isfinite(pixels).all():
            raise ValueError(f"frame {number} contains NaN or infinity: repair the film first")
        shape = shape or pixels.shape
        if pixels.shape != shape:
            raise ValueError(
                f"frame {number} has shape {pixels.shape}, the first {shape}: resize all frames "
                "to one size"
            )
        size = target_sizes(shape[0], shape[1], config)[-1]
        yield resize_picture(pixels, *size, resample=config.resample)
    if not shape:
        raise ValueError("the film has no frames: give at least one")
