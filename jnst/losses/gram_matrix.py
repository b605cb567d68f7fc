"""Gram matrices as the statistic of a style loss, with the normalisations of several programs.

With the features F as an M x C matrix, one row for each of M = H·W positions, and W the diagonal
matrix of the position weights, the sums of products and their derivative are

    G = Fᵀ W F        ⟨Ḡ, dG⟩ = ⟨Ḡ, dFᵀ W F + Fᵀ W dF⟩ = ⟨W F (Ḡ + Ḡᵀ), dF⟩

so the backward pass takes one product of the size of the forward one. Automatic differentiation
would take two, one per factor, because XLA does not see that the two are the same.

In the formulas below G belongs to the generated image and A to the style.
"""

from typing import Any

import jax.numpy as jnp

from ..arrays import Array, FeatureMap, Matrix, Scalar, as_sums
from ..ops.derivative import with_backward
from .style import LEAST_ENERGY, StyleLoss


def gram(features: FeatureMap, weights: Array | None = None) -> Matrix:
    """The Gram matrix F Fᵀ [C, C], a sum over positions (Gatys et al. 2016, eq. 3).

    Computed at the highest matrix precision: the rounding of TF32 or bfloat16 would drown a loss.

    Args:
        features: [h, w, C].
        weights: [h, w], of the positions, at least 0; by default all 1 (Gatys et al., "Controlling
            perceptual factors in neural style transfer", CVPR 2017, eq. 4, weights the features,
            so by their squares).

    Returns:
        [C, C], symmetric, positive semidefinite, of the dtype of `features`, at least float32.
        Differentiable in both arguments.

    Example:
        >>> gram(jnp.ones((2, 3, 2))).tolist()
        [[6.0, 6.0], [6.0, 6.0]]
    """
    flat = as_sums(features).reshape(-1, features.shape[-1])
    return _products(flat, None if weights is None else weights.reshape(-1, 1))


def _forward(flat: Array, weights: Array | None) -> tuple[Matrix, Any]:
    weighted = flat if weights is None else flat * weights
    return jnp.matmul(weighted.T, flat, precision="highest"), (flat, weights)


def _backward(residuals: Any, cotangent: Matrix) -> tuple[Array, Array | None]:
    flat, weights = residuals
    gradient = jnp.matmul(flat, cotangent + cotangent.T, precision="highest")
    if weights is None:
        return gradient, None
    return weights * gradient, 0.5 * jnp.sum(gradient * flat, axis=-1, keepdims=True)


_products = with_backward(_forward, _backward)


def gram_per_position(features: FeatureMap) -> Matrix:
    """F Fᵀ / M, the mean over positions, which makes pictures of different sizes comparable."""
    return GRAM_POSITIONS.of_map(features)


def gram_per_element(features: FeatureMap) -> Matrix:
    """F Fᵀ / (C·M), the normalisation of Johnson's neural-style."""
    return GRAM.of_map(features)


def gatys_distance(statistic: Matrix, target: Matrix, positions: int) -> Scalar:
    """Σ (G − A)² / (4 C² M²) of two raw Gram matrices (Gatys et al. 2016, eq. 4).

    M is the number of positions of the generated image. As in the paper, the style's own number
    is unused, so a style of another size weighs differently.
    """
    # Dividing before squaring keeps the square of a sum over a large picture inside float32.
    return jnp.mean(jnp.square((statistic - target) / (2.0 * positions)))


def relative_distance(statistic: Array, target: Array, positions: int) -> Scalar:
    """Σ (G − A)² / Σ A²: 1 for a picture without any style, 0 for a perfect match.

    Dimensionless, so every layer counts alike, and a pale style as much as a vivid one. Not from a
    paper. The number of positions is unused.
    """
    energy = jnp.maximum(jnp.mean(jnp.square(target)), LEAST_ENERGY)
    return jnp.mean(jnp.square(statistic - target)) / energy


GRAM = StyleLoss(gram, lambda gram, positions: gram / (positions * gram.shape[-1]))
GRAM_POSITIONS = StyleLoss(gram, lambda gram, positions: gram / positions)
GRAM_RELATIVE = GRAM_POSITIONS._replace(distance=relative_distance)
GRAM_GATYS2016 = StyleLoss(gram, lambda gram, positions: gram, gatys_distance)
