"""The trace of the square root of a positive definite matrix, and its derivative by the same steps.

For a matrix B the trace of (B Bᵀ)^½ is the sum of its singular values, its nuclear norm. The
differential of tr K^½ follows from X X = K with X = K^½: X dX + dX X = dK, and, multiplied by X⁻¹
under the trace, 2 tr dX = tr (X⁻¹ dK). So

    ∂ tr K^½ / ∂K = ½ K^-½,

and with K = B Bᵀ the derivative by B is K^-½ B, the polar factor of B: for B = U S Vᵀ it is U Vᵀ,
B with all its singular values set to 1. No Lyapunov equation has to be solved, unlike for the
derivative of the root itself, and the coupled Newton-Schulz iteration computes K^-½ anyway. With
Y₀ = K/n, Z₀ = I and n = ‖K‖, the Frobenius norm, the steps

    T = ½ β (3 α I − α³ Z Y),   Y ← Y T,   Z ← T Z

keep Y = Z K/n, and take Y to (K/n)^½ and Z to its inverse. Each is a function of K, so it suffices
to look at one eigenvalue: with s the square root of that of Z Y, a step is s ← p(s),

    p(s) = ½ β (3 α s − (α s)³).

Newton and Schulz have α = β = 1, which enlarges a small s by 3/2 in each step. Here α and β are
those of the odd cubic polynomial that is nearest to 1 on the interval [l, u] in which all s lie:
p rises to its maximum β at s = 1/α, and is as far below 1 at both ends as it is above 1 there if

    α² = 3 / (u² + u l + l²),   β = 2 / (1 + ½ (3 α l − (α l)³)).

The next interval is [2 − β, β]. A small s grows by up to 2.6 in a step: ten steps serve where
Newton and Schulz take twenty (Amsel, Persson, Musco and Gower, "The Polar Express", 2025, use such
polynomials of degree 5; Higham, "Functions of matrices", 2008, section 6.7, the coupled form).
"""

import math
from functools import partial

import jax.numpy as jnp

from ..arrays import Matrix, Scalar
from ..ops.derivative import with_backward

_SMALLEST = 2e-3
_ERROR = 1e-6


def _coefficients(smallest: float, error: float) -> tuple[tuple[float, float], ...]:
    """(α, β) of each step, until all s in [smallest, 1] are within `error` of 1."""
    coefficients, low, high = [], smallest, 1.0
    while high - low > error:
        alpha = math.sqrt(3 / (high**2 + high * low + low**2))
        beta = 2 / (1 + 0.5 * (3 * alpha * low - (alpha * low) ** 3))
        coefficients.append((alpha, beta))
        low, high = 2 - beta, beta
    return tuple(coefficients)


_STEPS = _coefficients(_SMALLEST, _ERROR)
product = partial(jnp.matmul, precision="highest")


def _trace_and_inverse_root(k: Matrix) -> tuple[Scalar, Matrix]:
    """tr K^½ and K^-½."""
    norm = jnp.linalg.norm(k)
    identity = jnp.eye(k.shape[-1], dtype=k.dtype)
    y, z = k / norm, identity
    for number, (alpha, beta) in enumerate(_STEPS):
        # The first Z is I, and only the trace of the last Y is needed.
        zy = y if number == 0 else product(z, y)
        t = (1.5 * alpha * beta) * identity - (0.5 * alpha**3 * beta) * zy
        if number == len(_STEPS) - 1:
            trace = jnp.sum(y * t)
        else:
            y = product(y, t)
        z = t if number == 0 else product(t, z)
    return trace * jnp.sqrt(norm), z / jnp.sqrt(norm)


def root_trace(k: Matrix) -> Scalar:
    """tr K^½ of a symmetric positive definite matrix [N, N], in its dtype.

    The smallest eigenvalue should be at least 4e-6 of the Frobenius norm: smaller ones make value
    and derivative too small. A matrix of zeros gives NaN. The second derivative differentiates the
    iteration.

    >>> round(float(root_trace(jnp.diag(jnp.array([4.0, 9.0])))), 4)
    5.0
    """
    return _root_trace(k)


def _backward(inverse_root: Matrix, gradient: Scalar) -> tuple[Matrix]:
    return (0.5 * gradient * inverse_root,)


_root_trace = with_backward(_trace_and_inverse_root, _backward)
