"""The engine that computes the whole picture at once."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ..arrays import Image
from ..config import Config
from ..losses import Known, LossWeights, Targets, make_targets
from ..losses.objective import activations, objective
from ..network import Params, prepare
from ..network.architecture import layers_to
from ..optimize.optimizer import State
from .engine import Scene


@dataclass(frozen=True)
class Whole:
    """See `Engine`."""

    compiles_step = True

    @property
    def objective(self) -> Any:
        return objective

    def prepare(self, params: Params, height: int, width: int, config: Config) -> Params:
        return prepare(params, height, width, config.precision, config.layers)

    def targets_of(
        self, params: Params, scene: Scene, config: Config, known: Known | None = None
    ) -> Targets:
        content, styles, guidance = jax.device_put(scene)
        return make_targets(params, content, styles, config, known=known, guidance=guidance)

    def place(self, tree: Any) -> Any:
        return tree

    def place_state(self, begin: Array | State, config: Config) -> Array | State:
        return begin

    def diagnose(self, image: Image, *args: Any) -> str:
        return where_not_finite(image, *args)


def where_not_finite(image: Image, params: Params, targets: Targets, weights: LossWeights) -> str:
    """Describes where the objective of an image first becomes NaN or infinite.

    Args:
        image, params, targets, weights: as for `jnst.objective`.

    Example:
        >>> import jnst
        >>> params, black = jnst.load_weights("vgg16"), jnp.zeros((16, 16, 3))
        >>> config = jnst.Config(style_layers=("relu1_1",), content_layers=("relu1_2",))
        >>> args = params, jnst.make_targets(params, black, [black], config)
        >>> where_not_finite(black.at[0, 0, 0].set(jnp.nan), *args, jnst.loss_weights(config))
        'it began in the image, in 1 of 768 numbers'
    """

    def not_finite(values: Array) -> int:
        return int(jnp.sum(~jnp.isfinite(values)))

    if not_finite(image):
        return f"it began in the image, in {not_finite(image)} of {image.size} numbers"
    terms = targets.terms
    layers = layers_to(params.network, {*terms.style_layers, *terms.content_layers})
    maps = activations(params, image, layers, terms)
    for name in layers:
        if not_finite(maps[name]):
            count = f"{not_finite(maps[name])} of {maps[name].size} numbers"
            return f"it began at the layer {name}, in {count}"
    _, losses = objective(image, params, targets, weights)
    for name in ("content", "style", "tv"):
        if not_finite(getattr(losses, name)):
            return f"it began in the {name} loss; every layer is finite"
    if not_finite(losses.total):
        return "every term is finite, their sum is not"
    return "every term is finite, the gradient is not"
