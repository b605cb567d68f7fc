"""Gradients normalised per layer, as by an option of Johnson's neural-style.

There the gradient of each layer's loss by its map is divided by its L1 norm and multiplied by the
layer's weight: a layer pulls as hard as its weight says, however large its loss is. In the program
(`-normalize_gradients`), for the loss of a layer with gradient g and weight w,

    g ← w · g / (‖g‖₁ + 1e-8).

The result is the gradient of no function; the loss values do not change. (The same option of the
PyTorch program multiplies by w² instead, because that program weights the loss first.)
"""

from collections.abc import Iterable

import jax.numpy as jnp

from ..arrays import Array, FeatureMap, Features, Scalar
from ..ops.derivative import with_backward

_LEAST = 1e-8


def normalizing(features: FeatureMap, weight: Scalar) -> FeatureMap:
    """The identity, with the cotangent rescaled to the L1 norm `weight`.

    The incoming cotangent is w·g, since the loss that reads the map is weighted, so it is divided
    by ‖w·g‖₁ + w·1e-8 and multiplied by w. The weight w has no derivative.
    """
    return _normalizing(features, weight)


def _backward(weight: Scalar, cotangent: Array) -> tuple[Array, None]:
    norm = jnp.sum(jnp.abs(cotangent)) + weight * _LEAST
    return cotangent * jnp.where(norm > 0, weight / jnp.where(norm > 0, norm, 1.0), 0.0), None


_normalizing = with_backward(lambda features, weight: (features, weight), _backward)


def normalizing_maps(maps: Features, weights: Iterable[tuple[str, Scalar]]) -> Features:
    """The maps of these layers through `normalizing`; weights of a repeated layer are added up."""
    total: dict[str, Scalar] = {}
    for layer, weight in weights:
        total[layer] = total[layer] + weight if layer in total else weight
    return {layer: normalizing(maps[layer], weight) for layer, weight in total.items()}
