"""Style losses on the mean and the covariance of the features.

The statistic is the two raw moments, the mean μ and M = E[F Fᵀ]. Unlike covariances, the moments of
several styles, of parts of a map and of regions average to those of the whole. The covariance is
Σ = M − μμᵀ.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp

from ..arrays import Array, FeatureMap, Matrix, Scalar, as_sums
from .gram_matrix import gram
from .root_trace import product, root_trace
from .style import LEAST_ENERGY, StyleLoss

_LEAST_VARIANCE = 1e-4  # as in style-transfer-pytorch
# Measured on flat maps of 256² positions: 3e-7 of the second moment, 3 times float32's epsilon.
_ROUNDING = 32.0

# √ε of the smoothed nuclear norm, in units of the Frobenius norm of the style's covariance.
_SMOOTHING = 3e-3
# The least ε, for a style of one colour; its square still fits in float32.
_LEAST_SMOOTHING = 1e-16

Moments = tuple[Array, Matrix]


def moment_sums(features: FeatureMap, weights: Array | None = None) -> Moments:
    """Σ F [C] and Σ F Fᵀ [C, C] over the positions of a map [h, w, C], weighted by [h, w]."""
    features = as_sums(features)
    flat = features.reshape(-1, features.shape[-1])
    weighted = flat if weights is None else flat * weights.reshape(-1, 1)
    return jnp.sum(weighted, axis=0), gram(features, weights)


def raw_moments(sums: Moments, positions: int) -> Array:
    """The raw moments as one array [C + 1, C]: the mean, then E[F Fᵀ]."""
    total, products = sums
    return jnp.concatenate([total[None], products]) / positions


def mean_and_covariance(moments: Array, least: float = _LEAST_VARIANCE) -> Moments:
    """μ [C] and Σ + least · I [C, C] from raw moments."""
    mean, second = moments[0], moments[1:]
    covariance = second - jnp.outer(mean, mean)
    # Constant features leave only rounding error, which has no root.
    rounding = _ROUNDING * jnp.finfo(mean.dtype).eps * jnp.trace(second)
    covariance = jnp.where(jnp.trace(covariance) > rounding, covariance, 0.0)
    return mean, covariance + least * jnp.eye(mean.size, dtype=mean.dtype)


def covariance_distance(moments: Array, aim: Moments, positions: int) -> Scalar:
    """Mean of (μ − μₜ)² plus mean of (Σ − Σₜ)², with `mean_and_covariance` of the style as the aim.

    It separates mean and spread, which Gram matrices mix. Not from a paper in this form.
    """
    mean, covariance = mean_and_covariance(moments)
    return jnp.mean(jnp.square(mean - aim[0])) + jnp.mean(jnp.square(covariance - aim[1]))


class GaussianAim(NamedTuple):
    """The aim of a Wasserstein distance: the style's Gaussian with μₜ and Σₜ."""

    mean: Array  # μₜ, [C]
    root: Matrix  # Σₜ^½, [C, C]
    smoothing: Scalar  # ε of `wasserstein_distance`
    offset: Scalar  # 2 tr (Σₜ² + ε I)^½ − tr Σₜ, which makes the distance 0 at its target
    unit: Scalar  # the divisor of the distance


class Positions(NamedTuple):
    """The centred features of a map with fewer positions than channels."""

    mean: Array  # [C]
    centred: Array  # [M, C]; rows times √(weight / M), so that `centredᵀ centred` is the covariance


def moments_or_positions(features: FeatureMap, weights: Array | None = None) -> Any:
    """`moment_sums` of a whole map [h, w, C], or its `Positions` if there are fewer than C."""
    height, width, channels = features.shape
    if height * width >= channels:
        return moment_sums(features, weights)
    flat = as_sums(features).reshape(-1, channels)
    shares = (jnp.ones(flat.shape[0]) if weights is None else weights.reshape(-1)) / flat.shape[0]
    shares = shares.astype(flat.dtype)[:, None]
    mean = jnp.sum(shares * flat, axis=0)
    # √0 has no derivative, but the weights are constants.
    return Positions(mean, jnp.sqrt(shares) * (flat - mean[None]))


def _moments_of(sums: Any, positions: int) -> Any:
    return sums if isinstance(sums, Positions) else raw_moments(sums, positions)


def wasserstein_aim(moments: Array) -> GaussianAim:
    """The aim from the style's raw moments: 1e-4 I is added to the covariance, and the distance is
    divided by the number of channels, both as in style-transfer-pytorch."""
    mean, covariance = mean_and_covariance(moments)
    return _aim(mean, covariance, jnp.asarray(mean.size, mean.dtype))


def wasserstein_relative_aim(moments: Array) -> GaussianAim:
    """The aim of the relative distance: divided by E‖Fₜ‖², the energy of the style's features.

    The distance is the share of the style's energy that would have to be moved. It is
    dimensionless, so one set of weights serves every network. Those of `jnst.presets.DEFAULT` are
    style-transfer-pytorch's (256, 64, 16, 4, 1) times the mean squares of the maps of PyTorch's
    VGG-16 on photographs and paintings (0.38, 3.5, 13, 16, 4), adjusted by eye: above 0.17 on
    relu4_1 a portrait's eye appears in a flat sky; relu5_1, at 0.01, hardly changes a picture.
    """
    mean, covariance = mean_and_covariance(moments, least=0.0)
    return _aim(mean, covariance, jnp.maximum(jnp.trace(moments[1:]), LEAST_ENERGY))


def _aim(mean: Array, covariance: Matrix, unit: Scalar) -> GaussianAim:
    values, vectors = jnp.linalg.eigh(covariance)
    values = jnp.maximum(values, 0)
    smoothing = jnp.maximum(_SMOOTHING**2 * jnp.sum(jnp.square(values)), _LEAST_SMOOTHING)
    offset = 2 * jnp.sum(jnp.sqrt(jnp.square(values) + smoothing)) - jnp.sum(values)
    root = product(vectors * jnp.sqrt(values)[None], vectors.T)
    return GaussianAim(mean, root, smoothing, offset, unit)


def wasserstein_distance(moments: Any, aim: GaussianAim, positions: int) -> Scalar:
    """(‖μ − μₜ‖² + tr Σ − 2 tr (Σₜ^½ Σ Σₜ^½ + ε I)^½ + offset) / unit.

    With ε = 0 this is the squared 2-Wasserstein distance of two Gaussians (Olkin and Pukelsheim,
    "The distance between two random vectors with given dispersion matrices", 1982), in units of the
    aim. For the centred features X, [M, C], it depends on them through B = X Σₜ^½ / √M: Bᵀ B is
    Σₜ^½ Σ Σₜ^½, and the trace of its root is the nuclear norm of B, whose derivative is the polar
    factor (`jnst.losses.root_trace`). For few positions B Bᵀ, [M, M], is the smaller matrix: it has
    the same eigenvalues except for C − M zeros.

    Where style or picture hardly vary in some direction, a singular value of B is nearly 0 and the
    nuclear norm has a kink: float32's rounding would make its derivative jump. So each singular
    value s is replaced by √(s² + ε), with √ε = 3e-3 ‖Σₜ‖, the Frobenius norm. Departures from
    style-transfer-pytorch: its 12 unconverged steps smooth the roots, differently in the value and
    in the derivative; its 1e-4 I on the picture's covariance is left out.
    """
    if isinstance(moments, Positions):
        mean, centred = moments
        variance, b = jnp.sum(jnp.square(centred)), product(centred, aim.root)
        k, zeros = product(b, b.T), centred.shape[1] - centred.shape[0]
    else:
        mean, covariance = mean_and_covariance(moments, least=0.0)
        variance = jnp.trace(covariance)
        k, zeros = product(product(aim.root, covariance), aim.root), 0
    root = root_trace(k + aim.smoothing * jnp.eye(k.shape[0], dtype=k.dtype))
    if zeros:
        root += zeros * jnp.sqrt(aim.smoothing)
    mean_distance = jnp.sum(jnp.square(mean - aim.mean))
    return (mean_distance + variance - 2.0 * root + aim.offset) / aim.unit


def _gaussians(aim: Callable[[Array], GaussianAim]) -> StyleLoss:
    loss = StyleLoss(moment_sums, _moments_of, wasserstein_distance, aim, takes_roots=True)
    return loss._replace(sums_of_whole=moments_or_positions)


COVARIANCE = StyleLoss(moment_sums, raw_moments, covariance_distance, mean_and_covariance)
WASSERSTEIN = _gaussians(wasserstein_aim)
WASSERSTEIN_RELATIVE = _gaussians(wasserstein_relative_aim)
