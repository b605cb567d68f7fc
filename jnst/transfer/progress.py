"""Progress reports for callbacks: the step, the losses, the picture so far, and a checkpoint."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ..arrays import Array, Pixels
from ..compute import Canvas
from ..losses import Losses
from ..losses.weights import scaled_back
from ..optimize.loop import StateView
from .checkpoint import Checkpoint, software
from .inputs import Inputs

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
    losses: Losses[Pixels]
    image: Callable[[], Pixels]
    checkpoint: Callable[[], Checkpoint]


class Reporter:
    """The optimiser's callback: records the losses of a run and reports a `Progress`.

    `scale` and `canvas` are those of the next reports; `stopped` says that the callback has ended
    the run.
    """

    def __init__(
        self,
        callback: Callback | None,
        inputs: Inputs,
        fingerprints: Mapping[str, str],
        resume: Checkpoint | None,
    ) -> None:
        self._callback, self._inputs, self._fingerprints = callback, inputs, fingerprints
        self._losses = [] if resume is None else [resume.losses]
        self.scale, self.canvas, self.stopped = inputs.scales[0], Canvas(), False

    def image(self, optimised: Array | Pixels) -> Pixels:
        """The picture of an optimised array, in its final colours."""
        return self._inputs.finish(self.canvas.visible(optimised))

    def history(self) -> Losses[Pixels]:
        """The loss terms at each step so far."""
        return Losses(*(np.concatenate(term) for term in zip(*self._losses, strict=True)))

    def __call__(self, done: int, losses: Losses, state: StateView) -> bool:
        losses = scaled_back(losses, self._inputs.config)
        self._losses.append(losses)
        if self._callback is None:
            return False
        config, number = self._inputs.config, self.scale.number
        steps = config.steps_per_scale
        step = sum(steps[: number - 1]) + done

        def checkpoint() -> Checkpoint:
            arrays, history = state.arrays(), self.history()
            return Checkpoint(config, self._fingerprints, number, step, arrays, history, software())

        progress = Progress(
            step=step,
            steps=sum(steps),
            scale=number,
            scales=len(steps),
            height=self.scale.height,
            width=self.scale.width,
            losses=losses,
            image=lambda: self.image(state()),
            checkpoint=checkpoint,
        )
        self.stopped = bool(self._callback(progress))
        return self.stopped
