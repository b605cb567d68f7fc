"""Gradients of one size for every layer, as Johnson's neural-style has them by its option.

There the gradient of each layer's loss by its map is divided by its L1 norm and then multiplied by
the layer's weight: a layer pulls as hard as its weight says, however large its loss is. In the
program (`-normalize_gradients`), for the loss of a layer with gradient g and weight w,

    g ← w · g / (‖g‖₁ + 1e-8).

What flows back is the gradient of no function; the losses themselves are as they were. (The PyTorch
program of the same option multiplies by w² instead, as it weights the loss before.)
"""

from collections.abc import Iterable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ..arrays import FeatureMap, Features, Scalar

_LEAST = 1e-8


@jax.custom_vjp
def normalizing(features: FeatureMap, weight: Scalar) -> FeatureMap:
    """The map as it is, whose derivative is brought to the L1 norm `weight`.

    What flows back is w·g, since the loss that reads the map is weighted; so it is divided by
    ‖w·g‖₁ + w·1e-8 and multiplied by w. The weight has no derivative.

    Args:
        features: of any shape.
        weight: at least 0, by which the loss of this map is multiplied.

    Example:
        >>> loss = lambda x: 3.0 * jnp.sum(jnp.square(normalizing(x, 3.0)))
        >>> jax.grad(loss)(jnp.array([1.0, -3.0, 0.0])).tolist()
        [0.75, -2.25, 0.0]
    """
    return features


def _forward(features: FeatureMap, weight: Scalar) -> tuple[FeatureMap, Scalar]:
    return features, weight


def _backward(weight: Scalar, flow: Array) -> tuple[Array, None]:
    size = jnp.sum(jnp.abs(flow)) + weight * _LEAST
    return flow * jnp.where(size > 0, weight / jnp.where(size > 0, size, 1.0), 0.0), None


normalizing.defvjp(_forward, _backward)


def normalizing_maps(maps: Features, weights: Iterable[tuple[str, Scalar]]) -> Features:
    """The maps of the layers named, each `normalizing` by its weight.

    Args:
        maps: layer to [h, w, C].
        weights: layers and their weights; those of a layer that is named twice are added up.
    """
    total: dict[str, Scalar] = {}
    for layer, weight in weights:
        total[layer] = total[layer] + weight if layer in total else weight
    return {layer: normalizing(maps[layer], weight) for layer, weight in total.items()}
