"""The engine of a scale: the whole picture at once, by windows, or over several devices."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..arrays import Pixels
from ..config import Config
from ..images.resizing import without_bleed
from ..losses import Known, Losses, LossWeights, Targets, loss_weights, make_targets
from ..losses.guidance import EVERYWHERE, Guidance
from ..losses.objective import objective
from ..losses.registry import check_by_windows, check_over_devices
from ..network import Params, prepare
from ..optimize import Rates
from ..optimize.hyperparameters import method_of, rates_of
from ..optimize.loop import terms_at
from ..optimize.optimizer import Moments, State
from ..optimize.steps import Evaluator, Objective, compiled_meanwhile, lower_chunk
from ..system import trim
from . import tiles
from .canvas import Kept, keeping, with_kept
from .devices import Spread
from .diagnosis import where_not_finite
from .memory import home


@dataclass(frozen=True)
class Way:
    """How a scale is computed: the whole picture at once, or by windows of `tile` pixels.

    Attributes:
        tile, spread: of windows, or of several devices.
        guidance: which style acts where.
        kept: what stays as it is; the last argument of `objective`, if there is any.
        bleed: pixels beyond each border that are cut off.
    """

    tile: int | None
    spread: Spread | None = None
    guidance: Guidance = EVERYWHERE
    kept: Kept | None = None
    bleed: int = 0

    def args(
        self,
        params: Params,
        content: Pixels,
        styles: list[Pixels],
        config: Config,
        chunk: int,
        known: Known | None,
    ) -> tuple[Params, Targets, LossWeights]:
        """The network, targets and weights of this scale, on the devices that compute it."""
        weights = loss_weights(config)
        ready = self.ready(params, content.shape[0], content.shape[1], config)
        targets = self.targets(ready, content, styles, config, weights, chunk, known)
        # Of the compilation, which is over.
        trim()
        args = (ready, targets, weights)
        return self.spread.placed(args) if self.spread else args

    def ready(self, params: Params, height: int, width: int, config: Config) -> Params:
        """The network for pictures of this size; over several devices as it is."""
        if self.spread:
            return params
        side = (height, width) if self.tile is None else (self.tile, self.tile)
        layers = (*config.content_layers, *config.style_layers)
        return prepare(params, *side, config.precision, layers)

    def targets(
        self,
        params: Params,
        content: Pixels,
        styles: list[Pixels],
        config: Config,
        weights: LossWeights,
        chunk: int,
        known: Known | None,
    ) -> Targets:
        if self.tile is not None:
            return tiles.make_targets(
                params, content, styles, config, tile=self.tile, guidance=self.guidance
            )
        if self.spread is not None:
            return self.spread.make_targets(params, content, styles, config, guidance=self.guidance)
        content_there, styles_there = jax.device_put(content), jax.device_put(styles)
        guidance = jax.device_put(self.guidance)

        def aim(
            params: Params, content: Array, styles: list[Array], known: Known | None = None
        ) -> Targets:
            return make_targets(params, content, styles, config, known=known, guidance=guidance)

        # The shapes of the targets suffice to compile the step.
        shapes = jax.eval_shape(aim, params, content_there, styles_there)
        args = self.arguments(params, shapes, weights)
        step = objective if self.kept is None else keeping(objective)
        lower = partial(_lowered_step, step, content_there, args, config, chunk)
        with compiled_meanwhile(lower):
            return aim(params, content_there, styles_there, known)

    def placed(
        self, begin: Array | State, config: Config, height: int, width: int
    ) -> Array | State:
        """What a scale begins with, on the devices that hold the optimiser's state."""
        if self.spread is not None:
            placed: Array | State = self.spread.placed(begin)
            return placed
        where = None if self.tile is None else home(config, height, width)
        return begin if where is None else jax.device_put(begin, where)

    @property
    def objective(self) -> Objective | Evaluator:
        found: Objective | Evaluator = objective
        if self.spread is not None:
            found = self.spread
        elif self.tile is not None:
            found = Evaluator(partial(tiles.value_and_gradient, tile=self.tile), objective)
        return found if self.kept is None else keeping(found)

    def arguments(self, *args: Any) -> tuple[Any, ...]:
        """What `objective` is given after the image: network, targets, weights, what is kept."""
        return args if self.kept is None else (*args, self.kept)

    def painted(self, image: Array | Pixels) -> Pixels:
        """The picture that an optimised image stands for, with its bleed."""
        return np.asarray(image if self.kept is None else with_kept(image, self.kept))

    def shown(self, image: Array | Pixels) -> Pixels:
        """The same without the bleed."""
        found: Pixels = without_bleed(self.painted(image), self.bleed)
        return found

    def learnt(self, moments: Moments) -> Moments:
        """What Adam learnt about the picture without the bleed."""
        mean, square = (without_bleed(values, self.bleed) for values in moments[:2])
        return Moments(mean, square, moments.steps)

    def losses(self, image: Array, args: tuple[Any, ...], config: Config, chunk: int) -> Losses:
        if self.tile is not None:
            return tiles.objective(image, *args, tile=self.tile)[1]
        if self.kept is not None:
            # They are in the image already.
            args = (*args, self.kept._replace(mask=0.0 * self.kept.mask))
        found: Losses = terms_at(
            self.objective,
            image,
            args,
            method=method_of(config),
            rates=rates_of(config),
            chunk=chunk,
        )
        return found

    def trouble(self, image: Array, *args: Any) -> str:
        """Where the objective leaves the finite numbers; by windows it is not looked for."""
        looked_for = self.tile is None and self.spread is None
        return f"; {where_not_finite(image, *args)}" if looked_for else ""


def _lowered_step(
    objective: Any, image: Array, args: tuple[Any, ...], config: Config, chunk: int
) -> Any:
    rates = Rates(*(jnp.asarray(rate, image.dtype) for rate in rates_of(config)))
    return lower_chunk(objective, method_of(config), image, rates, args, size=chunk)


def check_way(
    config: Config, sizes: Sequence[tuple[int, int]], tile: int | None, devices: int
) -> None:
    """ValueError for choices that windows, or several devices, cannot make."""
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
