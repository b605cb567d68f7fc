"""Progress reports for callbacks: the step, the losses, the picture so far, and a checkpoint."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Pixels
from ..config import Config
from ..losses import Losses
from ..optimize.loop import Standing
from .checkpoint import Checkpoint, software
from .sizes import Scale

Callback = Callable[["Progress"], bool | None]


class Progress(NamedTuple):
    """The report to a callback after each chunk of steps.

    Attributes:
        step, steps: optimiser steps done, and in the whole run.
        scale, scales: number of the current scale, from 1, and number of scales.
        height, width: of the image at this scale.
        losses: the weighted terms, NumPy arrays with one entry per step of the chunk.
        image: computes the picture so far, [H, W, 3] float32, at the current scale; valid only
            until the callback returns.
        checkpoint: copies the complete state of the run, for `save_checkpoint` and for the
            `resume` of `stylize`; valid only until the callback returns.
    """

    step: int
    steps: int
    scale: int
    scales: int
    height: int
    width: int
    losses: Losses
    image: Callable[[], Pixels]
    checkpoint: Callable[[], Checkpoint]


class Reporter:
    """The optimiser's callback: records the losses of a run and reports a `Progress`.

    Args:
        callback: of `stylize`.
        config: of the run.
        inputs: fingerprints for its checkpoints.
        resume: the checkpoint that the run continues from, or None.
        finish: converts an optimised image to its final colours.

    Attributes:
        finish: as given.
        stopped: whether the callback has ended the run.
    """

    def __init__(
        self,
        callback: Callback | None,
        config: Config,
        inputs: Mapping[str, str],
        resume: Checkpoint | None,
        finish: Callable[[Pixels], Pixels],
    ) -> None:
        self._callback, self._config, self._inputs = callback, config, inputs
        self.finish = finish
        self._visible: Callable[[Any], Pixels] = np.asarray
        self._losses = [] if resume is None else [resume.losses]
        self._scale, self._size = 0, (0, 0)
        self.stopped = False

    def begin_scale(self, scale: Scale, visible: Callable[[Any], Pixels]) -> None:
        """Sets the scale of the next reports, and the map from optimised array to picture."""
        self._scale, self._size, self._visible = scale.number, scale.size, visible

    def history(self) -> Losses:
        """The loss terms at each step so far."""
        return Losses(*(np.concatenate(term) for term in zip(*self._losses, strict=True)))

    def __call__(self, done: int, losses: Losses, now: Standing) -> bool:
        self._losses.append(losses)
        if self._callback is None:
            return False
        steps = self._config.steps_per_scale
        step = sum(steps[: self._scale - 1]) + done
        progress = Progress(
            step=step,
            steps=sum(steps),
            scale=self._scale,
            scales=len(steps),
            height=self._size[0],
            width=self._size[1],
            losses=losses,
            image=lambda: self.finish(self._visible(now())),
            checkpoint=lambda: self._checkpoint(step, now.arrays()),
        )
        self.stopped = bool(self._callback(progress))
        return self.stopped

    def _checkpoint(self, step: int, state: Mapping[str, NDArray[Any]]) -> Checkpoint:
        return Checkpoint(
            self._config, self._inputs, self._scale, step, state, self.history(), software()
        )
