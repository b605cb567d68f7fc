"""The interface of engines, which compute an objective and its targets; and the plain engine."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ..arrays import Image, Pixels
from ..config import Config
from ..losses import Known, LossWeights, Targets, make_targets
from ..losses.guidance import EVERYWHERE, Guidance
from ..losses.objective import activations, objective
from ..network import Params, prepare
from ..network.architecture import layers_to
from ..optimize.optimizer import State
from ..optimize.steps import Evaluator, Objective


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
    """A method of computing a scale: `Whole`, `Tiled` or `Sharded`; see `choose_engine`.

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

    @abstractmethod
    def targets_of(
        self, params: Params, scene: Scene, config: Config, style_cache: Known | None = None
    ) -> Targets:
        """The targets of a scene; `style_cache` may cache the styles' statistics."""

    def place(self, tree: Any) -> Any:
        """Moves the arrays of a tree to the computing devices."""
        return tree

    def place_state(self, begin: Array | State, config: Config) -> Array | State:
        """Moves a first image or a state to the device of the optimiser's state."""
        return begin

    def diagnose(self, image: Image, *args: Any) -> str:
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

    def targets_of(
        self, params: Params, scene: Scene, config: Config, style_cache: Known | None = None
    ) -> Targets:
        content, styles, guidance = jax.device_put(scene)
        return make_targets(params, content, styles, config, known=style_cache, guidance=guidance)

    def diagnose(self, image: Image, *args: Any) -> str:
        return where_not_finite(image, *args)


def where_not_finite(image: Image, params: Params, targets: Targets, weights: LossWeights) -> str:
    """Describes where the objective of an image first becomes NaN or infinite."""
    terms = targets.terms
    layers = layers_to(params.network, {*terms.style_layers, *terms.content_layers})
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
