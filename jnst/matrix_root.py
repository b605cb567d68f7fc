"""The square root of a symmetric positive definite matrix, by products of matrices alone.

Forward, the Newton-Schulz iteration. With Y₀ = A/‖A‖, Z₀ = I and T = (3I − Z Y)/2 the steps

    Y ← Y T,  Z ← T Z

take Y to (A/‖A‖)^½ and Z to its inverse, quadratically once near; ‖A‖ is the Frobenius norm, so
that all eigenvalues begin in (0, 1], where the iteration converges. Those of Z Y grow by 9/4 in
each step until they are near 1: of an eigenvalue of A below about 1e-4 ‖A‖ they are not there yet
after 12 steps, and its root comes out too small.

Backward, the differential of X X = A is X dX + dX X = dA. With G = ∂loss/∂X, then, ∂loss/∂A is
the Q with

    X Q + Q X = G,

a Lyapunov equation: ⟨G, dX⟩ = ⟨X Q + Q X, dX⟩ = ⟨Q, X dX + dX X⟩ = ⟨Q, dA⟩. The sign function of
the block matrix [[X, G], [0, −X]] is [[I, 2Q], [0, −I]], and Newton-Schulz steps for the sign,
M ← M (3I − M²)/2, keep its form: of the blocks A₀ = X/‖X‖ and Q₀ = G/‖X‖,

    Q ← (Q (3I − A²) − A (A Q − Q A))/2,  A ← A (3I − A²)/2,

A goes to I and Q to twice the answer (Lin and Maji, "Improved bilinear pooling with CNNs", BMVC
2017; style-transfer-pytorch takes 12 steps of each).
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from .arrays import Matrix

STEPS = 12


@jax.custom_vjp
@jax.jit
def matrix_root(a: Matrix) -> Matrix:
    """A^½ of a symmetric positive definite matrix, by 12 steps of Newton and Schulz.

    Differentiable, once and in reverse, by 12 Lyapunov steps; the derivative is that among
    symmetric matrices. Products are of the highest precision.

    Args:
        a: [C, C], symmetric, positive definite. Of zeros the result is NaN; eigenvalues below about
            1e-4 of the largest come out too small.

    Returns:
        [C, C], of the dtype of `a`.

    Example:
        >>> root = matrix_root(jnp.diag(jnp.array([4.0, 9.0])))
        >>> bool(jnp.allclose(root, jnp.diag(jnp.array([2.0, 3.0]))))
        True
        >>> derivative = jax.grad(lambda a: jnp.trace(matrix_root(a)))(4.0 * jnp.eye(2))
        >>> bool(jnp.allclose(derivative, 0.25 * jnp.eye(2)))
        True
    """
    norm = jnp.linalg.norm(a)
    three = 3.0 * jnp.eye(a.shape[-1], dtype=a.dtype)

    def step(_: int, pair: tuple[Matrix, Matrix]) -> tuple[Matrix, Matrix]:
        y, z = pair
        t = 0.5 * (three - _product(z, y))
        return _product(y, t), _product(t, z)

    y, _ = lax.fori_loop(0, STEPS, step, (a / norm, three / 3.0), unroll=True)
    return y * jnp.sqrt(norm)


def _forward(a: Matrix) -> tuple[Matrix, Matrix]:
    root = matrix_root(a)
    return root, root


@jax.jit
def _backward(root: Matrix, gradient: Matrix) -> tuple[Matrix]:
    norm = jnp.linalg.norm(root)
    three = 3.0 * jnp.eye(root.shape[-1], dtype=root.dtype)

    def step(_: int, pair: tuple[Matrix, Matrix]) -> tuple[Matrix, Matrix]:
        a, q = pair
        rest = three - _product(a, a)
        commutator = _product(a, q) - _product(q, a)
        return 0.5 * _product(a, rest), 0.5 * (_product(q, rest) - _product(a, commutator))

    _, q = lax.fori_loop(0, STEPS, step, (root / norm, gradient / norm), unroll=True)
    return (0.5 * q,)


matrix_root.defvjp(_forward, _backward)

_product = partial(jnp.matmul, precision="highest")
