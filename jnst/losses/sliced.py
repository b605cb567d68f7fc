"""Style losses on the distribution of the features along single directions.

Along a direction u the features of a map are n numbers, whose distribution their quantile function
describes: the sorted numbers. The squared Wasserstein distance of two distributions on a line is
the mean squared difference of their quantile functions. This gives two losses:

- sliced Wasserstein (Heitz, Vanhoey, Chambon and Belcour, "A sliced Wasserstein loss for neural
  texture synthesis", CVPR 2021, eq. 3): along random directions;
- histogram (Risser, Wilmot and Barnes, "Stable and controllable neural texture synthesis and style
  transfer using histogram losses", 2017, eq. 6): along the axes, the channels themselves. The
  target quantile of the same rank is the paper's histogram-matched activation, without its bins.

Departures from the papers:

- Both are divided by the style's mean square, like the relative Gram loss: they are dimensionless,
  and one weight suits every layer and network.
- Heitz et al. draw new directions at each step. Here they are fixed, since L-BFGS needs one
  function, and orthogonal: C directions cover all C channels equally.
- A style with another number of positions is resampled to the image's by interpolating between the
  levels of its quantiles. The quantiles of several styles are averaged, which gives, along each
  direction, the distribution that is nearest to all of them (their Wasserstein barycentre).
- Masks weight the positions, and so the levels.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from ..arrays import Array, FeatureMap, Scalar, as_sums
from ..ops.derivative import with_backward
from .style import LEAST_ENERGY, StyleLoss

_SEED = 2021


class Samples(NamedTuple):
    """The features of a map along C directions, at n positions."""

    values: Array  # [C, n]
    weights: Array | None = None  # [n], at least 0; None if all are equal


def quantiles(samples: Samples) -> Array:
    """The quantiles of each row at the n levels (i + ½)/n: without weights, the sorted row.

    The quantile at level t is the least value that, together with all smaller ones, has the share t
    of the weight (the lower inverse of the distribution function). Each is one of the values, so
    its cotangent flows back to that value: with q = P v and P the selection matrix, v̄ = Pᵀ q̄.
    Without weights P is a permutation. The weights have no derivative.
    """
    return _quantiles(samples)


def _forward(samples: Samples) -> tuple[Array, tuple[Array, Array | None]]:
    indices = _order(samples.values)
    if samples.weights is not None:
        indices = _at_equal_levels(indices, samples.weights)
    selected = jnp.take_along_axis(samples.values, indices, axis=1)
    return selected, (indices, samples.weights)


def _backward(residuals: tuple[Array, Array | None], cotangent: Array) -> tuple[Samples]:
    indices, weights = residuals

    def put_back(indices: Array, flow: Array) -> Array:
        return jnp.zeros_like(flow).at[indices].add(flow, unique_indices=weights is None)

    # None: no derivative by the weights.
    return (Samples(jax.vmap(put_back)(indices, cotangent), None),)


_quantiles = with_backward(_forward, _backward)


def _order(values: Array) -> Array:
    """The indices [C, n] that sort each row; equal values keep their order."""
    if values.dtype != jnp.float32:
        return jnp.argsort(values, axis=1)
    # XLA's CPU backend sorts integers several times as fast as pairs of a value and an index, so
    # both are packed into one 64-bit integer.
    with jax.enable_x64(True):
        bits = lax.bitcast_convert_type(values, jnp.int32)
        # As integers, the bits of negative floats sort in reverse.
        bits = jnp.where(bits < 0, bits ^ jnp.int32(0x7FFFFFFF), bits)
        index = lax.broadcasted_iota(jnp.int64, values.shape, 1)
        packed = (bits.astype(jnp.int64) << jnp.int64(32)) | index
        ordered = lax.sort(packed, dimension=1, is_stable=False)
        return (ordered & jnp.int64(0xFFFFFFFF)).astype(jnp.int32)


def _at_equal_levels(order: Array, weights: Array) -> Array:
    """The sorted indices on which the levels (i + ½)/n of the total weight fall."""
    count = order.shape[1]
    cumulative = jnp.cumsum(jnp.take(weights, order), axis=1)
    levels = (jnp.arange(count, dtype=weights.dtype) + 0.5) / count
    levels = levels[None] * cumulative[:, -1:]
    ranks = jax.vmap(jnp.searchsorted)(cumulative, levels)
    return jnp.take_along_axis(order, jnp.minimum(ranks, count - 1), axis=1)


def resampled(values: Array, count: int) -> Array:
    """Quantiles [C, m] at `count` levels: linear between their m levels, constant beyond."""
    own = values.shape[1]
    if own == count:
        return values
    # In float64: in float32 a position in a large map would leave few bits for the fraction.
    position = ((np.arange(count) + 0.5) / count * own - 0.5).clip(0, own - 1)
    low = np.minimum(position.astype(np.int32), max(own - 2, 0))
    fraction = jnp.asarray(position - low, values.dtype)[None]
    return (1 - fraction) * values[:, low] + fraction * values[:, np.minimum(low + 1, own - 1)]


@lru_cache
def directions(channels: int) -> NDArray[np.float64]:
    """Orthonormal directions, the rows of [C, C], uniformly random but fixed for each C."""
    normal = np.random.default_rng(_SEED).standard_normal((channels, channels))
    q, r = np.linalg.qr(normal)
    # Without these signs Q would favour some rotations (Mezzadri, Notices of the AMS 54, 2007).
    return np.asarray((q * np.sign(np.diagonal(r))).T)


def along_axes(features: FeatureMap, weights: Array | None = None) -> Samples:
    """The channels of a map [h, w, C] as samples, with optional weights [h, w]."""
    flat = as_sums(features).reshape(-1, features.shape[-1])
    return Samples(flat.T, None if weights is None else weights.reshape(-1))


def along_directions(features: FeatureMap, weights: Array | None = None) -> Samples:
    """The features projected onto `directions`."""
    values, weights = along_axes(features, weights)
    rotation = jnp.asarray(directions(features.shape[-1]), values.dtype)
    return Samples(jnp.matmul(rotation, values, precision="highest"), weights)


def with_energy(target: Array) -> tuple[Array, Scalar]:
    """The style's quantiles and the mean of their squares."""
    return target, jnp.maximum(jnp.mean(jnp.square(target)), LEAST_ENERGY)


def relative_quantile_distance(values: Array, aim: tuple[Array, Scalar], positions: int) -> Scalar:
    """Σ (Q − Qₜ)² / Σ Qₜ² of quantiles [C, n] and `with_energy` of the style's: 1 for a black map,
    0 for equal distributions."""
    target, energy = aim
    return jnp.mean(jnp.square(values - target)) / energy


def _loss(along: Callable[..., Samples]) -> StyleLoss:
    def statistic(samples: Samples, positions: int) -> Array:
        return quantiles(samples)

    return StyleLoss(along, statistic, relative_quantile_distance, with_energy, resampled)


HISTOGRAM = _loss(along_axes)
SLICED_WASSERSTEIN = _loss(along_directions)
