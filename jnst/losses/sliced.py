"""Style losses on the distribution of the features, seen along single directions.

Along a direction u the features of a map are n numbers, and how they are distributed is told by
their quantile function: the numbers in order. Two distributions on a line are as far apart, in the
squared Wasserstein distance, as the mean squared difference of their quantile functions, so:

- sliced Wasserstein (Heitz, Vanhoey, Chambon and Belcour, "A sliced Wasserstein loss for neural
  texture synthesis", CVPR 2021, eq. 3): along random directions;
- histogram (Risser, Wilmot and Barnes, "Stable and controllable neural texture synthesis and style
  transfer using histogram losses", 2017, eq. 6): along the axes, the channels themselves. The
  target quantile of the same rank is the paper's histogram-matched activation, without its bins.

Departures from the papers:

- Both are divided by the style's mean square, as the relative Gram loss is: they have no unit, and
  suit every layer and network at one weight.
- Heitz et al. draw new directions at each step. These stay as they are, since L-BFGS needs one
  function, and are perpendicular to each other: C of them see every channel of C, each as much.
- A style of another number of positions is brought to the image's by interpolation in the levels
  of its quantiles. Of several styles the quantiles are averaged, which makes, along each direction,
  the distribution that is nearest to all of them (their Wasserstein barycentre).
- Masks weight the positions, and so the levels.

Neither loss depends on sums over positions alone: all positions must be seen at once.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array
from numpy.typing import NDArray

from ..arrays import FeatureMap, Scalar
from .style import StyleLoss

_SEED = 2021
_TINY = 1e-12


class Samples(NamedTuple):
    """What a map shows along its directions.

    Attributes:
        values: [C, n], at each of n positions.
        weights: [n] of the positions, at least 0; None if all weigh the same.
    """

    values: Array
    weights: Array | None = None


@jax.custom_vjp
def quantiles(samples: Samples) -> Array:
    """The quantiles of each row at the n levels (i + ½)/n: without weights, the row in order.

    A quantile at the level t is the least value that, with all smaller ones, has the share t of
    the weight (its lower inverse of the distribution function).

    Each quantile is one of the values, so the derivative goes to where that came from: with
    q = P v and P the matrix that picks, v̄ = Pᵀ q̄. Without weights P is a permutation. The weights
    have no derivative.

    Returns:
        [C, n], each row ascending.

    Example:
        >>> quantiles(Samples(jnp.array([[3.0, 1.0, 2.0]]))).tolist()
        [[1.0, 2.0, 3.0]]
        >>> quantiles(Samples(jnp.array([[3.0, 1.0, 2.0]]), jnp.array([0.0, 2.0, 1.0]))).tolist()
        [[1.0, 1.0, 2.0]]
    """
    return _forward(samples)[0]


def _forward(samples: Samples) -> tuple[Array, tuple[Array, Array | None]]:
    picked = _order(samples.values)
    if samples.weights is not None:
        picked = _at_equal_levels(picked, samples.weights)
    found = jnp.take_along_axis(samples.values, picked, axis=1)
    return found, (picked, samples.weights)


def _backward(kept: tuple[Array, Array | None], by_quantiles: Array) -> tuple[Samples]:
    picked, weights = kept

    def put_back(picked: Array, flow: Array) -> Array:
        return jnp.zeros_like(flow).at[picked].add(flow, unique_indices=weights is None)

    # None: no derivative by the weights.
    return (Samples(jax.vmap(put_back)(picked, by_quantiles), None),)


quantiles.defvjp(_forward, _backward)


def _order(values: Array) -> Array:
    """The indices [C, n] that put each row in order; of equal values the first comes first."""
    if values.dtype != jnp.float32:
        return jnp.argsort(values, axis=1)
    # XLA's CPU backend sorts whole numbers several times as fast as pairs of a number and an index:
    # so both are put into one of 64 bits.
    with jax.enable_x64(True):
        bits = lax.bitcast_convert_type(values, jnp.int32)
        # The bits of negative numbers run the other way.
        bits = jnp.where(bits < 0, bits ^ jnp.int32(0x7FFFFFFF), bits)
        place = lax.broadcasted_iota(jnp.int64, values.shape, 1)
        joined = (bits.astype(jnp.int64) << jnp.int64(32)) | place
        ordered = lax.sort(joined, dimension=1, is_stable=False)
        return (ordered & jnp.int64(0xFFFFFFFF)).astype(jnp.int32)


def _at_equal_levels(order: Array, weights: Array) -> Array:
    """Of the indices in order, those that the levels (i + ½)/n of the weight fall on."""
    count = order.shape[1]
    reached = jnp.cumsum(jnp.take(weights, order), axis=1)
    levels = (jnp.arange(count, dtype=weights.dtype) + 0.5) / count
    levels = levels[None] * reached[:, -1:]
    found = jax.vmap(jnp.searchsorted)(reached, levels)
    return jnp.take_along_axis(order, jnp.minimum(found, count - 1), axis=1)


def resampled(found: Array, count: int) -> Array:
    """Quantiles [C, m] at `count` levels, linear between their own and constant beyond.

    Example:
        >>> resampled(jnp.array([[0.0, 1.0]]), 4).tolist()
        [[0.0, 0.25, 0.75, 1.0]]
    """
    own = found.shape[1]
    if own == count:
        return found
    # In float64: in float32 the place in a large map would have few bits for the fraction.
    place = ((np.arange(count) + 0.5) / count * own - 0.5).clip(0, own - 1)
    low = np.minimum(place.astype(np.int32), max(own - 2, 0))
    share = jnp.asarray(place - low, found.dtype)[None]
    return (1 - share) * found[:, low] + share * found[:, np.minimum(low + 1, own - 1)]


@lru_cache
def directions(channels: int) -> NDArray[np.float64]:
    """As many random directions as there are channels [C, C], the rows, perpendicular.

    Uniform over all such sets, and always the same for one number of channels.

    Example:
        >>> found = directions(5)
        >>> bool(np.allclose(found @ found.T, np.eye(5)))
        True
    """
    normal = np.random.default_rng(_SEED).standard_normal((channels, channels))
    found, triangle = np.linalg.qr(normal)
    # Without this the factor would favour some rotations (Mezzadri, Notices of the AMS 54, 2007).
    return np.asarray((found * np.sign(np.diagonal(triangle))).T)


def along_axes(features: FeatureMap, weights: Array | None = None) -> Samples:
    """The channels themselves: [h, w, C], and weights [h, w] if there are any."""
    flat = features.reshape(-1, features.shape[-1])
    return Samples(flat.T, None if weights is None else weights.reshape(-1))


def along_directions(features: FeatureMap, weights: Array | None = None) -> Samples:
    """The features projected on `directions`."""
    values, weights = along_axes(features, weights)
    turn = jnp.asarray(directions(features.shape[-1]), values.dtype)
    return Samples(jnp.matmul(turn, values, precision="highest"), weights)


def _quantiles_of(samples: Samples, positions: int) -> Array:
    del positions
    return quantiles(samples)


def with_energy(target: Array) -> tuple[Array, Scalar]:
    """The style's quantiles and the mean of their squares."""
    return target, jnp.maximum(jnp.mean(jnp.square(target)), _TINY)


def relative_quantile_distance(found: Array, aim: tuple[Array, Scalar], positions: int) -> Scalar:
    """Σ (Q − Qₜ)² / Σ Qₜ²: 1 for a black map, 0 for the same distributions.

    Args:
        found: quantiles [C, n] of the picture being made.
        aim: `with_energy` of the style's.
        positions: has no part.

    Example:
        >>> aim = with_energy(jnp.array([[1.0, 3.0]]))
        >>> float(relative_quantile_distance(jnp.array([[1.0, 2.0]]), aim, 2)).__round__(3)
        0.1
    """
    del positions
    target, energy = aim
    return jnp.mean(jnp.square(found - target)) / energy


def _loss(along: Callable[..., Samples]) -> StyleLoss:
    return StyleLoss(along, _quantiles_of, relative_quantile_distance, with_energy, resampled)


HISTOGRAM = _loss(along_axes)
SLICED_WASSERSTEIN = _loss(along_directions)
