"""Content losses: distances between a layer's feature map and that of the photograph.

F is the generated map and P the content map, with M = H·W positions and C channels. A content loss
depends on the maps only through sums over positions, so it can be computed from the sums of parts
of a map.

The photograph's fine structure may weight the positions, since a few strokes ruin a face but do not
harm a sky. The weight of a position is the detail around it: the root mean square of the
photograph's slopes, in a neighbourhood of a few hundredths of the picture; the weights have mean 1.
Not from a paper. By eye, at six times the default content weight, eyes and mouth of a portrait are
clearer; faint print is no easier to read.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ..arrays import Array, ArrayLike, FeatureMap, Features, Image, Scalar, as_sums
from ..network.architecture import LAYERS, halvings
from .guidance import halved
from .style import LEAST_ENERGY

_NEIGHBOURHOOD = 0.02
# Upper limit of the slope, in units of its mean.
_MOST = 3.0


class ContentTarget(NamedTuple):
    """The target of a layer's map; a pytree."""

    features: Array  # [h, w, C], the content's activations
    weights: Array | None = None  # [h, w, 1], of the positions, with mean 1; None if all are equal


def content_sums(features: FeatureMap, target: ContentTarget) -> tuple[Array, Array]:
    """Σ w (F − P)² and Σ P² over a map [h, w, C], with the target's weights w, or w = 1."""
    squares = jnp.square(as_sums(features) - target.features)
    if target.weights is not None:
        squares = target.weights * squares
    return jnp.sum(squares), jnp.sum(jnp.square(as_sums(target.features)))


class ContentLoss(NamedTuple):
    """A content loss: called with a map [h, w, C] and the content's, it returns a scalar.

    >>> ones, zeros = jnp.ones((2, 2, 3)), jnp.zeros((2, 2, 3))
    >>> float(content_mean(ones, zeros)), float(content_half_sum(ones, zeros))
    (1.0, 6.0)
    """

    of_sums: Callable[[Scalar, Scalar, int], Scalar]  # (Σ (F − P)², Σ P², C·M) -> scalar

    def __call__(self, features: FeatureMap, target: FeatureMap) -> Scalar:
        return self.of_sums(*content_sums(features, ContentTarget(target)), features.size)


content_mean = ContentLoss(lambda lost, energy, size: lost / size)
"""Mean of (F − P)², as in Johnson's neural-style."""
content_half_sum = ContentLoss(lambda lost, energy, size: 0.5 * lost)
"""½ Σ (F − P)² (Gatys, Ecker and Bethge, CVPR 2016, eq. 1)."""
content_relative = ContentLoss(
    lambda lost, energy, size: (lost / size) / jnp.maximum(energy / size, LEAST_ENERGY)
)
"""Σ (F − P)² / Σ P²: the share of the content's energy that is lost.

Dimensionless, so one weight suits every layer, picture and network. Not from a paper.
"""

CONTENT_LOSSES: Mapping[str, ContentLoss] = {
    "mean": content_mean,
    "half-sum": content_half_sum,
    "relative": content_relative,
}


@jax.jit
def detail(image: Image) -> Array:
    """The amount of fine structure around each pixel of [H, W, 3]: [H, W], with mean 1."""
    gray = jnp.mean(image, axis=-1)
    padded = jnp.pad(gray, 1, mode="edge")
    down, across = padded[2:, 1:-1] - padded[:-2, 1:-1], padded[1:-1, 2:] - padded[1:-1, :-2]
    energy = jnp.square(down) + jnp.square(across)
    reach = max(1, round(_NEIGHBOURHOOD * max(gray.shape) / 2))
    # Three successive box filters approximate a Gaussian.
    for _ in range(3):
        energy = _box(_box(energy, reach).T, reach).T
    slope = jnp.sqrt(jnp.maximum(energy, 0.0))
    return _of_mean_one(jnp.minimum(slope, _MOST * jnp.mean(slope)))


@partial(jax.jit, static_argnames="depth")
def position_weights(image: Image, strength: Array | float, depth: int) -> Array:
    """The weights [h, w] of a layer after `depth` poolings, with mean 1: (1 − s) + s · detail."""
    structure = detail(image)
    for _ in range(depth):
        structure = halved(structure)
    return 1.0 - strength + strength * _of_mean_one(structure)


def content_targets(
    maps: Features, image: ArrayLike, strength: float, network: str
) -> dict[str, ContentTarget]:
    """The maps of the content `image` as targets, with `position_weights` of this strength."""
    targets = {}
    for layer, features in maps.items():
        weights = None
        if strength:
            depth = halvings(LAYERS[network], layer)
            weights = position_weights(jnp.asarray(image), strength, depth)[..., None]
        targets[layer] = ContentTarget(features, weights)
    return targets


def weighted(target: ContentTarget, weights: Any) -> ContentTarget:
    """The target with its position weights times `weights`, [h, w], NumPy or JAX, with mean 1."""
    by = weights[..., None]
    if target.weights is not None:
        by = target.weights * by
        mean = by.mean()
        by = by / (mean + (mean == 0))
    return target._replace(weights=by)


def _of_mean_one(values: Array) -> Array:
    mean = jnp.mean(values)
    return jnp.where(mean > 0, values / jnp.where(mean > 0, mean, 1.0), 1.0)


def _box(values: Array, reach: int) -> Array:
    """Means over `reach` rows on both sides; the border row is repeated outwards."""
    padded = jnp.pad(values, ((reach + 1, reach), (0, 0)), mode="edge")
    # Subtract the mean, since its running sum would cost float32 digits.
    mean = jnp.mean(values)
    sums = jnp.cumsum(padded - mean, axis=0)
    width = 2 * reach + 1
    return mean + (sums[width:] - sums[:-width]) / width
