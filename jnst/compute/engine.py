"""Engines, which compute an objective and its targets: their interface, and two of the three."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ..arrays import Array, Image, Pixels
from ..config import Config
from ..losses import LossWeights, StyleCache, Targets, make_targets
from ..losses.guidance import EVERYWHERE, Guidance
from ..losses.objective import activations, objective
from ..losses.targets import replace_content
from ..network import Params, prepare
from ..network.architecture import layers_to
from ..network.preparation import prepare_once
from ..optimize.optimizer import State
from ..optimize.steps import Evaluator, Objective
from .memory import home
from .tiles import evaluation


class Scene(NamedTuple):
    """The pictures of one scale.

    Attributes:
        content: [H, W, 3], margin included.
        styles: [h, w, 3] each.
        guidance: the regions of the styles.
    """

    content: Pixels
    styles: Sequence[Pixels]
    guidance: Guidance = EVERYWHERE


class Engine(ABC):
    """A way to compute a scale: `Whole`, `Tiled` or `Sharded`; see `choose_engine`.

    All engines give the same numbers, up to rounding.
    """

    compiles_step = False  # whether step and objective compile into one program, from shapes

    @property
    @abstractmethod
    def objective(self) -> Objective | Evaluator:
        """(image, params, targets, weights) -> (total, Losses), or an evaluator of its gradient."""

    @abstractmethod
    def prepare(self, params: Params, height: int, width: int, config: Config) -> Params:
        """The network, prepared for pictures of this size."""

    def prepare_once(self, params: Params, prepared: Params) -> Params:
        """The network for the targets, which are computed once."""
        return prepared

    @abstractmethod
    def make_targets(
        self, params: Params, scene: Scene, config: Config, style_cache: StyleCache | None = None
    ) -> Targets:
        """The targets of a scene; `style_cache` may cache the styles' statistics."""

    def with_content(
        self, params: Params, targets: Targets, scene: Scene, config: Config
    ) -> Targets:
        """The targets of a scene that differs in its content alone from that of `targets`."""
        return self.make_targets(params, scene, config)

    def place(self, tree: Any) -> Any:
        """Moves the arrays of a tree to the computing devices."""
        return tree

    def place_state(self, begin: Array | State, config: Config) -> Array | State:
        """Moves a first image or a state to the device of the optimiser's state."""
        return begin

    def diagnose(self, image: Image, params: Params, targets: Targets, weights: LossWeights) -> str:
        """Where the objective of an image first becomes NaN or infinite; "" if unknown."""
        return ""


@dataclass(frozen=True)
class Whole(Engine):
    """The engine that computes the whole picture at once, on one device."""

    compiles_step = True

    @property
    def objective(self) -> Objective:
        return objective

    def prepare(self, params: Params, height: int, width: int, config: Config) -> Params:
        return prepare(params, height, width, config.precision, config.layers)

    def prepare_once(self, params: Params, prepared: Params) -> Params:
        return prepare_once(params, prepared.precision)

    def make_targets(
        self, params: Params, scene: Scene, config: Config, style_cache: StyleCache | None = None
    ) -> Targets:
        content, styles, guidance = jax.device_put(scene)
        return make_targets(
            params, content, styles, config, style_cache=style_cache, guidance=guidance
        )

    def with_content(
        self, params: Params, targets: Targets, scene: Scene, config: Config
    ) -> Targets:
        return replace_content(params, targets, scene.content, config, scene.guidance)

    def diagnose(self, image: Image, params: Params, targets: Targets, weights: LossWeights) -> str:
        terms = targets.terms
        layers = layers_to(params.network, terms.layers)
        maps = activations(params, image, layers, terms)
        arrays = {"in the image": image} | {f"at the layer {name}": maps[name] for name in layers}
        for place, values in arrays.items():
            if count := int(jnp.sum(~jnp.isfinite(values))):
                return f"it began {place}, in {count} of {values.size} numbers"
        # Compiled, because the public function refuses values far from [0, 1].
        _, losses = jax.jit(objective)(image, params, targets, weights)
        for name in ("content", "style", "tv"):
            if not jnp.isfinite(getattr(losses, name)):
                return f"it began in the {name} loss; every layer is finite"
        if not jnp.isfinite(losses.total):
            return "every term is finite, their sum is not"
        return "every term is finite, the gradient is not"


@dataclass(frozen=True)
class Tiled(Engine):
    """The engine that computes a picture by windows; `tile` is their longest side, in pixels."""

    tile: int

    @property
    def objective(self) -> Evaluator:
        value_and_gradient = partial(evaluation.value_and_gradient, tile=self.tile)
        return Evaluator(value_and_gradient, partial(evaluation.objective, tile=self.tile))

    def prepare(self, params: Params, height: int, width: int, config: Config) -> Params:
        return prepare(params, self.tile, self.tile, config.precision, config.layers)

    def make_targets(
        self, params: Params, scene: Scene, config: Config, style_cache: StyleCache | None = None
    ) -> Targets:
        content, styles, guidance = scene
        return evaluation.make_targets(
            params, content, styles, config, tile=self.tile, guidance=guidance
        )

    def place_state(self, begin: Array | State, config: Config) -> Array | State:
        height, width, _ = (begin.point if isinstance(begin, State) else begin).shape
        device = home(config, height, width)
        return begin if device is None else jax.device_put(begin, device)
