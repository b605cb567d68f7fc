"""The problem of one scale: an engine, its arguments and a canvas, ready for the optimiser."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ..arrays import Pixels
from ..config import Config
from ..losses import Known, Losses, LossWeights, Targets, loss_weights
from ..losses.registry import check_by_windows, check_over_devices
from ..network import Params
from ..optimize import Rates
from ..optimize.hyperparameters import method_of, rates_of
from ..optimize.loop import terms_at
from ..optimize.steps import Evaluator, Objective, compiled_meanwhile, lower_chunk
from ..system import trim
from .canvas import Canvas
from .devices import Sharded
from .engine import Engine, Scene
from .tiles.engine import Tiled
from .whole import Whole


def choose_engine(tile: int | None, devices: Sequence[jax.Device], size: tuple[int, int]) -> Engine:
    """The engine for pictures of this size; the one place that asks how a scale is computed.

    Args:
        tile: pictures with a longer side than this are computed by windows of so many pixels; None
            for no windows.
        devices: two or more share each picture.
        size: (height, width), with the margin.
    """
    if len(devices) > 1:
        return Sharded(tuple(devices))
    return Whole() if tile is None or max(size) <= tile else Tiled(tile)


def check_engine(
    config: Config, sizes: Sequence[tuple[int, int]], tile: int | None, devices: int
) -> None:
    """ValueError for choices that windows, or several devices, do not support."""
    if devices > 1:
        if tile is not None:
            raise ValueError(f"tile is {tile} for {devices} devices: give one of the two")
        if config.precision != "float32":
            raise ValueError(
                f"precision is {config.precision!r} for {devices} devices: they take 'float32'"
            )
        check_over_devices(config, devices)
    elif tile is not None and max(map(max, sizes)) > tile:
        check_by_windows(config, tile)


@dataclass(frozen=True)
class Problem:
    """What a scale minimises.

    Attributes:
        engine, canvas: how the picture is computed, and which part of it is optimised.
        config, chunk: of the run; steps between two reports.
        evaluated: the network, targets and weights, where the engine computes.
    """

    engine: Engine
    canvas: Canvas
    config: Config
    chunk: int
    evaluated: tuple[Params, Targets, LossWeights]

    @property
    def objective(self) -> Objective | Evaluator:
        """Of the optimised array and `arguments`."""
        return self.canvas.objective(self.engine.objective)

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What `objective` takes after the array."""
        return self.canvas.arguments(self.evaluated)

    def losses(self, picture: Pixels) -> Losses:
        """The weighted terms of a finished picture, with its margin."""
        losses: Losses = terms_at(
            self.objective,
            jnp.asarray(picture),
            self.canvas.arguments(self.evaluated, settled=True),
            method=method_of(self.config),
            rates=rates_of(self.config),
            chunk=self.chunk,
        )
        return losses

    def diagnose(self, optimised: Array) -> str:
        """Where the objective leaves the finite numbers, as far as the engine can tell."""
        picture = jnp.asarray(self.canvas.picture(optimised))
        return self.engine.diagnose(picture, *self.evaluated)


def make_problem(
    engine: Engine,
    canvas: Canvas,
    params: Params,
    scene: Scene,
    config: Config,
    chunk: int,
    known: Known | None = None,
) -> Problem:
    """The problem of a scale; its step is compiled while the targets are computed.

    Args:
        engine, canvas, chunk: see `Problem`.
        params: from `jnst.load_weights`.
        scene: the pictures of this scale.
        config: of the run.
        known: statistics of styles from scales or runs before, to look up and to add to.
    """
    height, width, _ = scene.content.shape
    ready = engine.prepare(params, height, width, config)
    weights = loss_weights(config)
    ahead: AbstractContextManager[None] = nullcontext()
    if engine.compiles_step:

        def targets_of(params: Params, content: Pixels, styles: list[Pixels]) -> Targets:
            return engine.targets_of(params, Scene(content, styles, scene.guidance), config)

        # The shapes of the targets suffice to compile the step.
        shapes = jax.eval_shape(targets_of, ready, scene.content, list(scene.styles))
        args = canvas.arguments((ready, shapes, weights))
        objective = canvas.objective(engine.objective)
        ahead = compiled_meanwhile(
            partial(_lowered_step, objective, scene.content, args, config, chunk)
        )
    with ahead:
        targets = engine.targets_of(ready, scene, config, known)
    # Release the compiler's scratch memory before the first step.
    trim()
    return Problem(engine, canvas, config, chunk, engine.place((ready, targets, weights)))


def _lowered_step(
    objective: Any, image: Pixels, args: tuple[Any, ...], config: Config, chunk: int
) -> Any:
    rates = Rates(*(jnp.asarray(rate, image.dtype) for rate in rates_of(config)))
    return lower_chunk(objective, method_of(config), image, rates, args, size=chunk)
