"""The painting of a clip, frame after frame, each from the one before."""

from __future__ import annotations  # help then shows the names of the types

from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from typing import NamedTuple

from ..arrays import AnyImage, Pixels
from ..config import DEFAULT, Config
from ..images import Picture
from ..losses import StyleCache
from ..network import Params

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
        image: computes the painting so far, [H, W, 3]; valid only until the callback returns.
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


def paint_frames(
    params: Params,
    frames: Iterable[AnyImage],
    styles: AnyImage | Picture | Sequence[AnyImage | Picture],
    config: Config = DEFAULT,
    *,
    temporal: float = 1.0,
    long_term: Sequence[int] = (1,),
    steps: int | None = None,
    passes: int = 1,
    shots: Sequence[int] | None = None,
    boundaries: bool = False,
    store: MutableMapping[Key, Pixels] | None = None,
    callback: FrameCallback | None = None,
    tile: int | None = None,
    style_cache: StyleCache | None = None,
) -> Iterator[Pixels]:
    """Paints the frames of a clip so that strokes move with the scene and do not flicker.

    Args:
        params: from `jnst.load_weights`.
        frames: arrays [H, W, 3] of one size, sRGB in [0, 1]. They are read once, in order, as the
            paintings are taken; for several passes give a sequence, such as a list, whose frames
            are read by number.
        styles, config, tile, style_cache: as for `jnst.stylize`; frames that start a shot are
            painted with all of the config's scales, others at the last one alone.
        temporal: weight of the temporal loss; 1 is balanced with the other terms of the objective,
            larger values are steadier. With 0 each frame is painted by itself, as a still picture.
        long_term: which earlier frames a painting is compared with: 1 is the one before.
        steps: steps for a frame that continues a shot; None: an eighth of the work of a still.
        passes: how often the clip is painted, forwards and backwards in turn, beginning forwards.
        shots: numbers of the frames that start a shot (0 always does); None: cuts are found.
        boundaries: whether the paintings may also change at the borders between motions, as in the
            paper; for flow smoother than that of this module.
        store: finished paintings by (pass, frame), each put there once; a painting continues from
            what the store returns for earlier ones. What it already contains is not painted again,
            so that a store on disk resumes an interrupted run, to the same result. None: memory.
        callback: called with a `FrameProgress`; a true result ends the iteration, and a frame
            that is not yet `done` is lost.

    Yields:
        The paintings of the last pass in the order of the frames, [H, W, 3] float32, sRGB
        nominally in [0, 1], as the store returns them.

    Raises:
        ModuleNotFoundError: without OpenCV, if `temporal` is above 0.
        TypeError, ValueError: as `jnst.stylize`; or a frame has another size than the first, no
            frame was given, or an argument is out of its range.
    """
    raise NotImplementedError
