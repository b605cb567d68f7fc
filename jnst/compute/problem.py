"""The optimisation problem of one scale: an engine, its arguments and a canvas."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from ..arrays import Array, Pixels
from ..config import Config
from ..losses import Losses, LossWeights, StyleCache, Targets, loss_weights
from ..losses.registry import check_by_windows, check_over_devices
from ..losses.temporal import TemporalTarget
from ..losses.weights import extreme_scale, scaled_back
from ..network import Params
from ..optimize.hyperparameters import method_of, rates_of
from ..optimize.optimizer import start
from ..optimize.steps import Evaluator, Objective, compiled_meanwhile, lower_chunk, run_chunk
from ..system import trim
from ..wording import Setting, SettingError
from .canvas import Canvas, Kept
from .devices import Sharded
from .engine import Engine, Scene, Tiled, Whole
from .steadied import steadied


def choose_engine(
    config: Config, tile: int | None, devices: Sequence[jax.Device], size: tuple[int, int]
) -> Engine:
    """The engine for pictures of this size (height, width), margin included.

    A longer side than `tile` pixels is computed by windows, and two or more devices split each
    picture; ValueError for choices that these do not support.
    """
    count = len(devices)
    if count > 1:
        if tile is not None:
            raise ValueError(f"tile is {tile} for {count} devices: give one of the two")
        if config.precision != "float32":
            text = f" is {config.precision!r} for {count} devices: they take 'float32'"
            raise SettingError(Setting("precision"), text)
        check_over_devices(config, count)
        return Sharded(tuple(devices))
    if tile is None or max(size) <= tile:
        return Whole()
    check_by_windows(config, tile)
    return Tiled(tile)


@dataclass(frozen=True)
class Problem:
    """The minimisation problem of one scale.

    Attributes:
        engine, canvas: how the picture is computed, and which part of it is optimised.
        config: of the run.
        chunk: steps between two reports.
        evaluated: the network, targets and weights, on the engine's devices.
        temporal: in a film, the earlier painting that the picture is compared with.
    """

    engine: Engine
    canvas: Canvas
    config: Config
    chunk: int
    evaluated: tuple[Params, Targets, LossWeights]
    temporal: TemporalTarget | None = None

    @property
    def objective(self) -> Objective | Evaluator:
        """The objective of the optimised array and `arguments`."""
        return _objective(self.engine, self.canvas, self.temporal)

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The arguments of `objective` after the array."""
        return self.canvas.arguments(_arguments(self.evaluated, self.temporal))

    def with_frame(
        self, scene: Scene, temporal: TemporalTarget, kept: Kept | None = None
    ) -> "Problem":
        """The problem of another content of the same size, with the same styles and guidance."""
        params, targets, weights = self.evaluated
        targets = self.engine.with_content(params, targets, scene, self.config)
        placed = self.engine.place((params, targets, weights))
        canvas = replace(self.canvas, kept=self.engine.place(kept))
        temporal = self.engine.place(temporal)
        return replace(self, canvas=canvas, evaluated=placed, temporal=temporal)

    def losses(self, picture: Pixels) -> Losses:
        """The weighted terms of a finished picture, margin included."""
        canvas = replace(self.canvas, parametrization=None)
        objective, x = _objective(self.engine, canvas, self.temporal), jnp.asarray(picture)
        arguments = canvas.arguments(_arguments(self.evaluated, self.temporal), settled=True)
        if isinstance(objective, Evaluator):
            terms = objective.value(x, *arguments)[1]
            return scaled_back(terms, self.config)
        # By the program of a step: the wasted gradient takes less time than compiling another one.
        method, rates = method_of(self.config), rates_of(self.config).arrays()
        state = start(x, method, rates)
        _, terms = run_chunk(objective, method, state, rates, arguments, 1, size=self.chunk)
        return scaled_back(Losses(*(rows[0] for rows in terms)), self.config)

    def diagnose(self, optimised: Array) -> str:
        """Where the objective first becomes NaN or infinite, as far as the engine can tell."""
        picture = jnp.asarray(self.canvas.picture(optimised))
        return self.engine.diagnose(picture, *self.evaluated)


def make_problem(
    engine: Engine,
    canvas: Canvas,
    params: Params,
    scene: Scene,
    config: Config,
    chunk: int,
    style_cache: StyleCache | None = None,
    temporal: TemporalTarget | None = None,
) -> Problem:
    """The problem of a scale; compiles its step while computing the targets.

    New statistics of styles are added to the `style_cache`. With a `temporal` target it is the
    problem of a frame of a film.
    """
    height, width, _ = scene.content.shape
    prepared = engine.prepare(params, height, width, config)
    weights = loss_weights(config, extreme_scale(config))
    compilation: AbstractContextManager[None] = nullcontext()
    if engine.compiles_step:

        def targets_of(params: Params, content: Pixels, styles: list[Pixels]) -> Targets:
            return engine.make_targets(params, Scene(content, styles, scene.guidance), config)

        # XLA needs only the shapes of the targets to compile the step.
        shapes = jax.eval_shape(targets_of, prepared, scene.content, list(scene.styles))
        objective: Any = _objective(engine, canvas, temporal)
        method, rates = method_of(config), rates_of(config).arrays()
        first = jax.eval_shape(canvas.encoded, scene.content)
        args = canvas.arguments(_arguments((prepared, shapes, weights), temporal))
        compilation = compiled_meanwhile(
            partial(lower_chunk, objective, method, first, rates, args, size=chunk)
        )
    with compilation:
        once = engine.prepare_once(params, prepared)
        targets = engine.make_targets(once, scene, config, style_cache)
    # Release the compiler's scratch memory before the first step.
    trim()
    evaluated = engine.place((prepared, targets, weights))
    return Problem(engine, canvas, config, chunk, evaluated, engine.place(temporal))


def _objective(
    engine: Engine, canvas: Canvas, temporal: TemporalTarget | None
) -> Objective | Evaluator:
    """The objective of the optimised array."""
    of = engine.objective
    return canvas.objective(of if temporal is None else steadied(of))


def _arguments(evaluated: tuple[Any, ...], temporal: TemporalTarget | None) -> tuple[Any, ...]:
    """The arguments of the picture's objective after the picture."""
    return evaluated if temporal is None else (*evaluated, temporal)
