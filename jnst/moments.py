"""Style losses on the mean and the covariance of the features.

The statistic is the two raw moments, the mean μ and M = E[F Fᵀ]: those of several styles, of parts
of a map and of regions average to those of the whole, which covariances do not. From them comes
Σ = M − μμᵀ + 1e-4 I; of few positions alone it would be singular.
"""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from .arrays import FeatureMap, Matrix, Scalar
from .matrix_root import matrix_root
from .products import products

_LEAST_VARIANCE = 1e-4
# Seen: up to 3e-7 of the second moment on flat maps of 256² positions, 3 times float32's epsilon.
_ROUNDING = 32.0

Moments = tuple[Array, Matrix]


def moment_sums(features: FeatureMap, weights: Array | None = None) -> Moments:
    """Σ F [C] and Σ F Fᵀ [C, C] over the positions of a map [h, w, C], weighted by [h, w].

    Example:
        >>> total, products = moment_sums(jnp.full((2, 3, 1), 2.0))
        >>> total.tolist(), products.tolist()
        ([12.0], [[24.0]])
    """
    flat = features.reshape(-1, features.shape[-1])
    weighted = flat if weights is None else flat * weights.reshape(-1, 1)
    return jnp.sum(weighted, axis=0), products(features, weights)


def raw_moments(sums: Moments, positions: int) -> Array:
    """The raw moments in one array [C + 1, C]: the mean, and below it E[F Fᵀ]."""
    total, products = sums
    return jnp.concatenate([total[None], products]) / positions


def mean_and_covariance(moments: Array) -> Moments:
    """μ [C] and Σ [C, C] of raw moments.

    Example, of a feature that is 1 or 3 equally often:
        >>> mean, covariance = mean_and_covariance(jnp.array([[2.0], [5.0]]))
        >>> mean.tolist(), round(float(covariance[0, 0]), 4)
        ([2.0], 1.0001)
    """
    mean, second = moments[0], moments[1:]
    covariance = second - jnp.outer(mean, mean)
    # Of features that do not vary rounding alone is left: it has no root.
    rounding = _ROUNDING * jnp.finfo(mean.dtype).eps * jnp.trace(second)
    covariance = jnp.where(jnp.trace(covariance) > rounding, covariance, 0.0)
    return mean, covariance + _LEAST_VARIANCE * jnp.eye(mean.size, dtype=mean.dtype)


def covariance_distance(moments: Array, aim: Moments, positions: int) -> Scalar:
    """Mean of (μ − μₜ)² and mean of (Σ − Σₜ)², added up.

    As the Gram losses, but where those know the products of features alone, these know mean and
    spread apart. Not from a paper in this form.

    Args:
        moments: of the picture being made.
        aim: `mean_and_covariance` of the style.
        positions: has no part.
    """
    del positions
    mean, covariance = mean_and_covariance(moments)
    return jnp.mean(jnp.square(mean - aim[0])) + jnp.mean(jnp.square(covariance - aim[1]))


def wasserstein_aim(moments: Array) -> tuple[Array, Matrix, Matrix]:
    """μ, Σ and Σ^½ of the style's raw moments."""
    mean, covariance = mean_and_covariance(moments)
    return mean, covariance, matrix_root(covariance)


def wasserstein_distance(moments: Array, aim: Any, positions: int) -> Scalar:
    """mean((μ − μₜ)²) + mean(diag(Σₜ + Σ − 2 (Σₜ^½ Σ Σₜ^½)^½)), means over the C channels.

    The squared 2-Wasserstein distance of two Gaussians (Olkin and Pukelsheim, "The distance between
    two random vectors with given dispersion matrices", 1982) divided by C, as in
    style-transfer-pytorch. Rounding may take it a little below 0 at its target; of features that
    hardly vary in some direction it is somewhat above the distance, as in that program, since
    `matrix_root` takes its 12 steps and no more.

    Args:
        moments: of the picture being made.
        aim: `wasserstein_aim` of the style.
        positions: has no part.

    Example, of variance 4 and of variance 1, whose standard deviations are 1 apart:
        >>> near, far = jnp.array([[0.0], [4.0]]), jnp.array([[0.0], [1.0]])
        >>> round(float(wasserstein_distance(near, wasserstein_aim(far), 1)), 3)
        1.0
    """
    del positions
    target_mean, target, root = aim
    mean, covariance = mean_and_covariance(moments)
    between = jnp.matmul(
        jnp.matmul(root, covariance, precision="highest"), root, precision="highest"
    )
    spread = jnp.diagonal(target + covariance - 2.0 * matrix_root(between))
    return jnp.mean(jnp.square(mean - target_mean)) + jnp.mean(spread)
