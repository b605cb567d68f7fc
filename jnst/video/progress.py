"""Progress reports of a film for callbacks: the frame, the step, the painting so far."""

from collections.abc import Callable
from typing import NamedTuple

from ..arrays import Pixels

Key = tuple[int, int]
"""(pass, frame), both from 0."""


class FrameProgress(NamedTuple):
    """The report to a callback after each step, and once more when a frame is in the store.

    Attributes:
        frame, frames: of the clip, from 0, and how many it has; None if `frames` has no length.
        pass_, passes: from 0, and how many.
        step, steps: optimiser steps done and in all for this frame.
        done: whether the frame is finished and stored.
        new_shot: whether the frame starts a shot, so that it is painted as a still picture.
        image: computes the painting so far, [H, W, 3], of a still at its scale; valid only until
            the callback returns.
    """

    frame: int
    frames: int | None
    pass_: int
    passes: int
    step: int
    steps: int
    done: bool
    new_shot: bool
    image: Callable[[], Pixels]


FrameCallback = Callable[[FrameProgress], bool | None]
