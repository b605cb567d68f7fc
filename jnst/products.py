"""The sums of products that Gram matrices and covariances are made of, and their derivative.

With the features F as an M x C matrix, a row for each position, and W the diagonal of the weights,

    G = Fᵀ W F        ⟨Ḡ, dG⟩ = ⟨Ḡ, dFᵀ W F + Fᵀ W dF⟩ = ⟨W F (Ḡ + Ḡᵀ), dF⟩

so that the way back takes one product as large as the one forward. Derived from the two factors of
the product, it would take two, for XLA does not see that they are the same.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .arrays import FeatureMap, Matrix


def products(features: FeatureMap, weights: Array | None = None) -> Matrix:
    """Σ w f fᵀ over the positions of a map.

    Computed at the highest matrix precision: TF32 or bfloat16 products would drown a loss.

    Args:
        features: [h, w, C].
        weights: [h, w] of the positions, by default all 1.

    Returns:
        [C, C], symmetric, of the dtype of `features`. Differentiable in both, in reverse.

    Example, the derivative of the sum of all entries (Σ_c f_c)²:
        >>> ones = jnp.ones((2, 3, 2))
        >>> products(ones).tolist()
        [[6.0, 6.0], [6.0, 6.0]]
        >>> jax.grad(lambda f: products(f).sum())(ones)[0, 0].tolist()
        [4.0, 4.0]
    """
    flat = features.reshape(-1, features.shape[-1])
    return _products(flat, None if weights is None else weights.reshape(-1, 1))


@jax.custom_vjp
def _products(flat: Array, weights: Array | None) -> Matrix:
    weighted = flat if weights is None else flat * weights
    return jnp.matmul(weighted.T, flat, precision="highest")


def _forward(flat: Array, weights: Array | None) -> tuple[Matrix, Any]:
    return _products(flat, weights), (flat, weights)


def _backward(residuals: Any, by_sums: Matrix) -> tuple[Array, Array | None]:
    flat, weights = residuals
    by_flat = jnp.matmul(flat, by_sums + by_sums.T, precision="highest")
    if weights is None:
        return by_flat, None
    return weights * by_flat, 0.5 * jnp.sum(by_flat * flat, axis=-1, keepdims=True)


_products.defvjp(_forward, _backward)
