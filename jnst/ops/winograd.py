"""Winograd's convolution by 3x3 kernels: four times fewer multiplications, and its derivative.

Along one axis, four outputs y = (y_0 … y_3) of a kernel of three taps w read six inputs
d = (d_0 … d_5). Both are coefficients of polynomials, and a polynomial of degree 5 is known from
its values at six points; at the points 0, 1, −1, 2, −2 and ∞

    y = Aᵀ [ (G w) ⊙ (Bᵀ d) ]

needs 6 products instead of 12. On an image the same is done along rows and along columns, 36
products instead of 144, for tiles of 4x4 outputs that read 6x6 inputs:

    U = G w Gᵀ        V = Bᵀ d B        M_ij = V_ij U_ij        y = Aᵀ M A

Every number is a row of channels, and U_ij a C_in x C_out matrix, so that over all tiles M_ij is
one matrix product. The products are where the time goes; U depends on the kernel alone and is
computed once (`transform_kernel`).

**The derivative** for the input is the transposed map. With ȳ the cotangent of y, transposing each
of the steps in turn, last to first:

    M̄ = A ȳ Aᵀ        V̄_ij = M̄_ij U_ijᵀ        d̄ = B V̄ Bᵀ

and as neighbouring tiles share two rows and two columns of x, x̄ is the sum of the d̄ that overlap
there. Row 4t + a of x is number a + 1 of tile t; the first row is also number 5 of the tile before,
and the last is number 0 of the tile after. In Bᵀ the columns 5 and 0 hold a single number each, 1
and 4, so that each of these two sums has one term. U serves both directions as it is. For the
kernel, Ū_ij = V_ijᵀ M̄_ij summed over the tiles, and w̄ = Gᵀ Ū G.

Each stage below is compiled by itself (`_stage`). XLA would fuse a chain of them into one loop that
computes the first stage again for every element of the last.

Sources: Lavin and Gray, "Fast algorithms for convolutional neural networks" (CVPR 2016), section
4, F(4x4, 3x3); the transposed form of the derivative is worked out here.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental.xla_metadata import set_xla_metadata
from jaxtyping import Array, Float

from ..arrays import Batch, Kernel

TransformedKernel = tuple[Float[Array, "6 in_channels out_channels"], ...]
"""Six arrays, U_0j to U_5j: a slice of one array would be copied at every step."""

_BT = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    np.float64,
)
_G = (
    np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], np.float64)
    / 24.0
)
_AT = np.array(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    np.float64,
)


def transform_kernel(kernel: Kernel) -> TransformedKernel:
    """U = G w Gᵀ for each pair of channels: what `conv3x3` multiplies with.

    Args:
      kernel: [3, 3, in_channels, out_channels], floating.

    Returns:
      Six arrays [6, in_channels, out_channels] in the dtype of the kernel: four times its size.

    >>> round(float(transform_kernel(jnp.ones((3, 3, 1, 1)))[1][1].squeeze()), 6)
    0.25
    """
    g = jnp.asarray(_G, kernel.dtype)
    return tuple(jnp.einsum("ia,jb,abck->ijck", g, g, kernel, precision="highest"))


def conv3x3(
    x: Batch, transformed: TransformedKernel, bias: Array | None = None, rectify: bool = False
) -> Batch:
    """A 3x3 convolution with stride 1 and padding "SAME", by Winograd's tiles, and perhaps a ReLU.

    Args:
      x: [batch, height, width, in_channels], floating.
      transformed: from `transform_kernel`. The products are taken in its dtype and summed in that
        of x: bfloat16 beside float32 halves what they cost where the processor knows bfloat16.
      bias: [out_channels], the dtype of x, or None.
      rectify: whether max(·, 0) is applied to the result.

    Returns:
      [batch, height, width, out_channels] in the dtype of x. In float32 it differs from the direct
      convolution by about 1e-5 of the largest entry. Differentiable in x, transformed and bias.

    Raises:
      ValueError: the channels of x, transformed and bias disagree.

    >>> x = jnp.arange(25.0).reshape(1, 5, 5, 1)
    >>> laplacian = jnp.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]).reshape(3, 3, 1, 1)
    >>> float(jnp.abs(conv3x3(x, transform_kernel(laplacian))[0, 1:4, 1:4]).max()) < 1e-4
    True
    """
    shapes = [part.shape for part in transformed]
    if len(shapes) != 6 or any(shape[:2] != (6, x.shape[-1]) for shape in shapes):
        raise ValueError(
            f"x of shape {x.shape} needs six arrays [6, {x.shape[-1]}, out_channels], got shapes "
            f"{shapes}: use transform_kernel"
        )
    if bias is not None and bias.shape != shapes[0][2:]:
        raise ValueError(f"bias has shape {bias.shape} for {shapes[0][2]} output channels")
    return _conv3x3(x, transformed, bias, rectify)


def _stage(function: Callable[..., Array], static: tuple[str, ...] = ()) -> Callable[..., Array]:
    """The function as a computation of its own, into which XLA fuses nothing and which it keeps."""
    jitted = jax.jit(function, static_argnames=static, inline=False)

    def call(*arrays: Any, **options: Any) -> Array:
        if jax.default_backend() != "cpu":
            return function(*arrays, **options)
        with set_xla_metadata(inlineable="false"):
            return jitted(*arrays, **options)

    return call


def _combine(coefficients: Any, parts: list[Array]) -> Array:
    """Σ c·part over the coefficients that are not 0."""
    total: Any = None
    for c, part in zip(coefficients, parts, strict=True):
        if c:
            term = part if c == 1 else -part if c == -1 else float(c) * part
            total = term if total is None else total + term
    return total


def _spread(coefficients: Any, parts: list[Array], axis: int) -> Array:
    """Σ_k coefficients[:, k] · parts[k], the rows of the matrix along a new axis."""
    total: Any = 0.0
    for column, part in zip(np.asarray(coefficients).T, parts, strict=True):
        shape = [1] * (part.ndim + 1)
        shape[axis] = -1
        total += jnp.asarray(column, part.dtype).reshape(shape) * jnp.expand_dims(part, axis)
    return total


def _overlapping(tiles: Array) -> list[Array]:
    """The six elements that each tile reads; axis 1 counts the tiles, axis 2 their own four."""
    return [tiles[:, :-1, k] for k in range(4)] + [tiles[:, 1:, k] for k in range(2)]


@_stage
def _frame(x: Array) -> Array:
    """Zeros around x: one before, and after it up to whole tiles and one tile more."""
    rows, columns = ((1, -(-size // 4) * 4 + 3 - size, 0) for size in x.shape[1:3])
    return lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), rows, columns, (0, 0, 0)))


@partial(_stage, static=("i",))
def _input_rows(framed: Array, *, i: int) -> Array:
    n, height, width, channels = framed.shape
    tiles = framed.reshape(n, height // 4, 4, width * channels)
    return _combine(_BT[i], _overlapping(tiles)).reshape(-1, width, channels)


@partial(_stage, static=("dtype",))
def _input_columns(rows: Array, *, dtype: Any) -> Array:
    height, width, channels = rows.shape
    tiles = rows.reshape(height, width // 4, 4, channels)
    return _spread(_BT, _overlapping(tiles), 0).reshape(6, -1, channels).astype(dtype)


@partial(_stage, static=("columns",))
def _output_columns(products: Array, *, columns: int) -> Array:
    tiles = products.reshape(6, -1, columns, products.shape[-1])
    return _spread(_AT, list(tiles), 2).reshape(tiles.shape[1], -1)


@partial(_stage, static=("shape", "rectify"))
def _output_rows(
    parts: list[Array], bias: Array | None, *, shape: tuple[int, ...], rectify: bool
) -> Array:
    n, height, width, channels = shape
    y = _spread(_AT, [part.reshape(n, -1, part.shape[-1]) for part in parts], 2)
    y = y.reshape(n, y.shape[1] * 4, -1, channels)[:, :height, :width]
    y = y if bias is None else y + bias.reshape(1, 1, 1, -1)
    return jnp.where(y <= 0, jnp.zeros((), y.dtype), y) if rectify else y


def _multiply(a: Array, b: Array, contracted: tuple[int, int], dtype: Any) -> Array:
    """Six matrix products, summed in `dtype`."""
    axes = (((contracted[0],), (contracted[1],)), ((0,), (0,)))
    return lax.dot_general(a, b, axes, preferred_element_type=dtype)


def _convolve(x: Batch, transformed: TransformedKernel, bias: Array | None, rectify: bool) -> Batch:
    framed, columns = _frame(x), -(-x.shape[2] // 4)
    parts = []
    for i, kernels in enumerate(transformed):
        tiles = _input_columns(_input_rows(framed, i=i), dtype=kernels.dtype)
        products = _multiply(tiles, kernels, (2, 1), x.dtype)
        parts.append(_output_columns(products, columns=columns))
    shape = (*x.shape[:3], transformed[0].shape[-1])
    return _output_rows(parts, bias, shape=shape, rectify=rectify)


def _forward(
    x: Batch, transformed: TransformedKernel, bias: Array | None, rectify: bool
) -> tuple[Batch, Any]:
    y = _convolve(x, transformed, bias, rectify)
    return y, (x, transformed, bias, y if rectify else None)


@_stage
def _whole_tiles(cotangent: Array, rectified: Array | None) -> Array:
    """The cotangent, where the ReLU let through, with zeros after it up to whole tiles."""
    zero = jnp.zeros((), cotangent.dtype)
    if rectified is not None:
        cotangent = jnp.where(rectified > 0, cotangent, zero)
    rows, columns = ((0, -size % 4, 0) for size in cotangent.shape[1:3])
    return lax.pad(cotangent, zero, ((0, 0, 0), rows, columns, (0, 0, 0)))


@partial(_stage, static=("i",))
def _cotangent_rows(cotangent: Array, *, i: int) -> Array:
    n, height, width, channels = cotangent.shape
    tiles = cotangent.reshape(n * height // 4, 4, width * channels)
    return _combine(_AT[:, i], [tiles[:, a] for a in range(4)]).reshape(-1, width, channels)


@partial(_stage, static=("dtype",))
def _cotangent_columns(rows: Array, *, dtype: Any) -> Array:
    height, width, channels = rows.shape
    tiles = rows.reshape(height, width // 4, 4, channels)
    parts = [tiles[:, :, b] for b in range(4)]
    return _spread(_AT.T, parts, 0).reshape(6, -1, channels).astype(dtype)


# Numbers 1 to 4 of each tile are its own; then number 5 of the tile before and 0 of the one after.
_OVERLAP = np.concatenate(
    [_BT[:, 1:5].T, np.array([[_BT[5, 5], 0, 0, 0], [0, 0, 0, _BT[0, 0]]]).T], axis=1
)


def _overlapped(parts: list[Array]) -> Array:
    """Sums where tiles overlap; axis 1 counts the tiles, a new axis 2 the four of each."""
    zero = jnp.zeros((), parts[0].dtype)
    none = ((0, 0, 0),) * (parts[0].ndim - 2)
    before = lax.pad(parts[5][:, :-1], zero, ((0, 0, 0), (1, 0, 0), *none))
    after = lax.pad(parts[0][:, 1:], zero, ((0, 0, 0), (0, 1, 0), *none))
    return _spread(_OVERLAP, [*parts, before, after], 2)


@partial(_stage, static=("columns",))
def _derivative_columns(products: Array, *, columns: int) -> Array:
    tiles = products.reshape(6, -1, columns, products.shape[-1])
    return _overlapped(list(tiles)).reshape(tiles.shape[1], -1)


@partial(_stage, static=("shape",))
def _derivative_rows(parts: list[Array], *, shape: tuple[int, ...]) -> Array:
    n, height, width, channels = shape
    x = _overlapped([part.reshape(n, -1, part.shape[-1]) for part in parts])
    return x.reshape(n, x.shape[1] * 4, -1, channels)[:, :height, :width]


def _backward(rectify: bool, residuals: Any, cotangent: Batch) -> tuple[Any, Any, Any]:
    x, transformed, bias, rectified = residuals
    framed, whole = _frame(x), _whole_tiles(cotangent, rectified)
    parts, derivatives = [], []
    for i, kernels in enumerate(transformed):
        dtype = kernels.dtype
        tiles = _cotangent_columns(_cotangent_rows(whole, i=i), dtype=dtype)
        products = _multiply(tiles, kernels, (2, 2), x.dtype)
        parts.append(_derivative_columns(products, columns=whole.shape[2] // 4))
        inputs = _input_columns(_input_rows(framed, i=i), dtype=dtype)
        derivatives.append(_multiply(inputs, tiles, (1, 1), x.dtype).astype(dtype))
    return (
        _derivative_rows(parts, shape=x.shape),
        tuple(derivatives),
        None if bias is None else jnp.sum(whole, axis=(0, 1, 2)),
    )


_conv3x3 = jax.custom_vjp(_convolve, nondiff_argnums=(3,))
_conv3x3.defvjp(_forward, _backward)
