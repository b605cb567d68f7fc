"""Winograd's convolution by 3x3 kernels with up to five times fewer products, and its derivative.

Along one axis, m outputs y = (y_0 … y_{m-1}) of a kernel w of three taps read n = m + 2 inputs d.
Transposed, this is a product of two polynomials, of degrees 2 and m - 1. The product has n
coefficients, which its values at n points p_j determine; the last point is ∞, where the value of a
polynomial is its leading coefficient. So n products replace 3m,

    y = Aᵀ [ (G w) ⊙ (Bᵀ d) ]

with Aᵀ the powers p_j^i, G the powers p_j^k / N_j, N_j = Π_{l≠j} (p_j − p_l), and in row j of Bᵀ
the coefficients of Π_{l≠j} (x − p_l); l runs over the finite points.

On an image this applies along rows and along columns, for tiles of m x m outputs from n x n
inputs:

    U = G w Gᵀ        V = Bᵀ d B        M_ij = V_ij U_ij        y = Aᵀ M A

Each output takes n²/m² products instead of 9: 4 with m = 2, 2.25 with m = 4, 1.78 with m = 6.
Larger tiles lose more digits in rounding, since the powers of the points differ more in magnitude.

Every number is a row of channels, and U_ij a C_in x C_out matrix, so that over all tiles M_ij is
one matrix product. The products take most of the time; U depends only on the kernel and is
computed once (`transform_kernel`).

**The derivative** for the input is the transposed map. With ȳ the cotangent of y, transpose each
step, last to first:

    M̄ = A ȳ Aᵀ        V̄_ij = M̄_ij U_ijᵀ        d̄ = B V̄ Bᵀ

and since neighbouring tiles share two rows and two columns of x, x̄ is the sum of the overlapping
d̄. Row m·t + a of x is number a + 1 of tile t; the first row is also number n - 1 of the tile
before, and the last is number 0 of the tile after. In Bᵀ the columns n - 1 and 0 hold a single
number each (only one of the products lacks the factor x of the point 0, only one reaches degree
n - 1), so each of these two sums has one term. Both directions use the same U. For the kernel,
Ū_ij = V_ijᵀ M̄_ij summed over the tiles, and w̄ = Gᵀ Ū G.

The rows i of U, V and M are processed one by one, which needs the least memory and time.

On CPUs each stage below is compiled by itself (`_stage`). XLA would fuse a chain of them into one
loop that recomputes the first stage for every element of the last.

Sources: Lavin and Gray, "Fast algorithms for convolutional neural networks" (CVPR 2016), section
4; Blahut, "Fast algorithms for signal processing" (2010), section 5.2, for the construction from
points; the transposed form of the derivative is derived here.
"""

from collections.abc import Callable
from functools import cache, partial, wraps
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental.xla_metadata import set_xla_metadata
from jaxtyping import Array, Float

from ..arrays import Batch, Kernel
from .derivative import with_backward

TransformedKernel = tuple[Float[Array, "n in_channels out_channels"], ...]
"""n arrays, U_0j to U_{n-1}j: XLA would copy the slices of a single array at every step."""

TILES = (2, 4, 6)
"""The supported sides m of tiles."""

_POINTS = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5)


class _Matrices(NamedTuple):
    """Bᵀ [n, n], G [n, 3], Aᵀ [m, n] of the module's text, and the transposed overlap [m, n + 2].

    The overlap gives the numbers 1 to m of each d̄. Its first n columns take the tile's own
    numbers, its last two take number n - 1 of the tile before and 0 of the one after.
    """

    bt: np.ndarray
    g: np.ndarray
    at: np.ndarray
    overlap: np.ndarray


@cache
def _matrices(m: int) -> _Matrices:
    points, n = np.array(_POINTS[: m + 1]), m + 2
    bt, g, at = np.zeros((n, n)), np.zeros((n, 3)), np.zeros((m, n))
    for j, point in enumerate(points):
        others = np.delete(points, j)
        bt[j, : n - 1] = np.poly(others)[::-1]
        g[j] = point ** np.arange(3) / np.prod(point - others)
        at[:, j] = point ** np.arange(m)
    bt[-1] = np.poly(points)[::-1]
    g[-1, -1] = at[-1, -1] = 1.0
    shared = np.zeros((m, 2))
    shared[0, 0], shared[-1, 1] = bt[-1, -1], bt[0, 0]
    return _Matrices(bt, g, at, np.concatenate([bt[:, 1:-1].T, shared], axis=1))


def transform_kernel(kernel: Kernel, tile: int = 4) -> TransformedKernel:
    """U = G w Gᵀ for each pair of channels, the factor in `conv3x3`.

    Args:
        kernel: [3, 3, in_channels, out_channels], floating.
        tile: the side m of the tiles of outputs, 2, 4 or 6.

    Returns:
        n = tile + 2 arrays [n, in_channels, out_channels] in the dtype of the kernel, which have
        16, 36 or 64 numbers for 9.

    Raises:
        ValueError: unsupported tile.

    >>> round(float(transform_kernel(jnp.ones((3, 3, 1, 1)))[1][1].squeeze()), 6)
    0.25
    """
    if tile not in TILES:
        raise ValueError(f"no points for tiles of side {tile}: choose one of {TILES}")
    g = jnp.asarray(_matrices(tile).g, kernel.dtype)
    return tuple(jnp.einsum("ia,jb,abck->ijck", g, g, kernel, precision="highest"))


def conv3x3(
    x: Batch, transformed: TransformedKernel, bias: Array | None = None, rectify: bool = False
) -> Batch:
    """A 3x3 convolution with stride 1, padding "SAME" and optional ReLU, by Winograd's tiles.

    Args:
        x: [batch, height, width, in_channels], floating.
        transformed: from `transform_kernel`. The products are taken in its dtype and summed in that
            of x: bfloat16 with float32 halves their cost on processors that support bfloat16.
        bias: [out_channels], the dtype of x, or None.
        rectify: whether max(·, 0) is applied to the result.

    Returns:
        [batch, height, width, out_channels] in the dtype of x. In float32 it differs from the
        direct convolution by about 1e-6, 1e-5, 1e-4 of the largest entry for tiles 2, 4, 6.
        Differentiable in x, transformed and bias.

    Raises:
        ValueError: the channels of x, transformed and bias disagree.

    >>> x = jnp.arange(25.0).reshape(1, 5, 5, 1)
    >>> laplacian = jnp.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]).reshape(3, 3, 1, 1)
    >>> float(jnp.abs(conv3x3(x, transform_kernel(laplacian))[0, 1:4, 1:4]).max()) < 1e-4
    True
    """
    shapes, n = [part.shape for part in transformed], len(transformed)
    if n - 2 not in TILES or any(shape[:2] != (n, x.shape[-1]) for shape in shapes):
        raise ValueError(
            f"x of shape {x.shape} needs n arrays [n, {x.shape[-1]}, out_channels], n = 4, 6 or 8, "
            f"got shapes {shapes}: use transform_kernel"
        )
    if bias is not None and bias.shape != shapes[0][2:]:
        raise ValueError(f"bias has shape {bias.shape} for {shapes[0][2]} output channels")
    return _conv3x3(x, transformed, bias, rectify)


def _stage(function: Callable[..., Array], static: tuple[str, ...] = ()) -> Callable[..., Array]:
    """The function as a separate computation on CPUs, which XLA neither inlines nor fuses."""

    @wraps(function)
    def body(*arrays: Any, **options: Any) -> Array:
        # jnp.where and similar functions are jitted calls too, and should be fused.
        with set_xla_metadata(inlineable="true"):
            return function(*arrays, **options)

    jitted = jax.jit(body, static_argnames=static, inline=False)

    def call(*arrays: Any, **options: Any) -> Array:
        if jax.default_backend() != "cpu":
            return function(*arrays, **options)
        with set_xla_metadata(inlineable="false"):
            return jitted(*arrays, **options)

    return call


def _spread(coefficients: Any, parts: list[Array], axis: int) -> Array:
    """Σ_k coefficients[:, k] · parts[k], the rows of the matrix along a new axis."""
    total: Any = 0.0
    for column, part in zip(np.asarray(coefficients).T, parts, strict=True):
        shape = [1] * (part.ndim + 1)
        shape[axis] = -1
        total += jnp.asarray(column, part.dtype).reshape(shape) * jnp.expand_dims(part, axis)
    return total


def _combine(coefficients: Any, parts: list[Array]) -> Array:
    """Σ c·part over the coefficients that are not 0."""
    total: Any = None
    for c, part in zip(coefficients, parts, strict=True):
        if c:
            term = part if c == 1 else -part if c == -1 else float(c) * part
            total = term if total is None else total + term
    return total


def _overlapping(tiles: Array) -> list[Array]:
    """The elements that each tile reads; axis 1 counts tiles, axis 2 a tile's own elements."""
    own = tiles.shape[2]
    return [tiles[:, :-1, k] for k in range(own)] + [tiles[:, 1:, k] for k in range(2)]


@partial(_stage, static=("m",))
def _frame(x: Array, *, m: int) -> Array:
    """Pad x with zeros: one before, and after it up to whole tiles plus one tile."""
    rows, columns = ((1, -(-size // m) * m + m - 1 - size, 0) for size in x.shape[1:3])
    return lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), rows, columns, (0, 0, 0)))


@partial(_stage, static=("m", "i"))
def _input_rows(framed: Array, *, m: int, i: int) -> Array:
    n, height, width, channels = framed.shape
    tiles = framed.reshape(n, height // m, m, width * channels)
    return _combine(_matrices(m).bt[i], _overlapping(tiles)).reshape(-1, width, channels)


@partial(_stage, static=("m", "dtype"))
def _input_columns(rows: Array, *, m: int, dtype: Any) -> Array:
    height, width, channels = rows.shape
    tiles = rows.reshape(height, width // m, m, channels)
    spread = _spread(_matrices(m).bt, _overlapping(tiles), 0)
    return spread.reshape(m + 2, -1, channels).astype(dtype)


@partial(_stage, static=("m", "columns"))
def _output_columns(products: Array, *, m: int, columns: int) -> Array:
    tiles = products.reshape(m + 2, -1, columns, products.shape[-1])
    return _spread(_matrices(m).at, list(tiles), 2).reshape(tiles.shape[1], -1)


@partial(_stage, static=("m", "shape", "rectify"))
def _output_rows(
    parts: list[Array], bias: Array | None, *, m: int, shape: tuple[int, ...], rectify: bool
) -> Array:
    n, height, width, channels = shape
    y = _spread(_matrices(m).at, [part.reshape(n, -1, part.shape[-1]) for part in parts], 2)
    y = y.reshape(n, y.shape[1] * m, -1, channels)[:, :height, :width]
    y = y if bias is None else y + bias.reshape(1, 1, 1, -1)
    return jnp.maximum(y, 0) if rectify else y


def _multiply(a: Array, b: Array, contracted: tuple[int, int], dtype: Any) -> Array:
    """A batch of matrix products over axis 0, summed in `dtype`."""
    axes = (((contracted[0],), (contracted[1],)), ((0,), (0,)))
    return lax.dot_general(a, b, axes, preferred_element_type=dtype)


def _convolve(x: Batch, transformed: TransformedKernel, bias: Array | None, rectify: bool) -> Batch:
    m = len(transformed) - 2
    framed, columns = _frame(x, m=m), -(-x.shape[2] // m)
    parts = []
    for i, kernels in enumerate(transformed):
        tiles = _input_columns(_input_rows(framed, m=m, i=i), m=m, dtype=kernels.dtype)
        products = _multiply(tiles, kernels, (2, 1), x.dtype)
        parts.append(_output_columns(products, m=m, columns=columns))
    shape = (*x.shape[:3], transformed[0].shape[-1])
    return _output_rows(parts, bias, m=m, shape=shape, rectify=rectify)


def _forward(
    x: Batch, transformed: TransformedKernel, bias: Array | None, rectify: bool
) -> tuple[Batch, Any]:
    y = _convolve(x, transformed, bias, rectify)
    return y, (x, transformed, bias, y if rectify else None)


@partial(_stage, static=("m",))
def _whole_tiles(cotangent: Array, rectified: Array | None, *, m: int) -> Array:
    """The cotangent after the ReLU's derivative, padded with zeros to whole tiles."""
    zero = jnp.zeros((), cotangent.dtype)
    if rectified is not None:
        cotangent = jnp.where(rectified > 0, cotangent, zero)
    rows, columns = ((0, -size % m, 0) for size in cotangent.shape[1:3])
    return lax.pad(cotangent, zero, ((0, 0, 0), rows, columns, (0, 0, 0)))


@partial(_stage, static=("m", "i"))
def _cotangent_rows(cotangent: Array, *, m: int, i: int) -> Array:
    n, height, width, channels = cotangent.shape
    tiles = cotangent.reshape(n * height // m, m, width * channels)
    rows = _combine(_matrices(m).at[:, i], [tiles[:, a] for a in range(m)])
    return rows.reshape(-1, width, channels)


@partial(_stage, static=("m", "dtype"))
def _cotangent_columns(rows: Array, *, m: int, dtype: Any) -> Array:
    height, width, channels = rows.shape
    tiles = rows.reshape(height, width // m, m, channels)
    spread = _spread(_matrices(m).at.T, [tiles[:, :, b] for b in range(m)], 0)
    return spread.reshape(m + 2, -1, channels).astype(dtype)


@partial(_stage, static=("m", "columns"))
def _derivative_columns(products: Array, *, m: int, columns: int) -> Array:
    n, tiles, channels = products.shape
    zero = jnp.zeros((), products.dtype)
    place = lax.broadcasted_iota(jnp.int32, (1, columns, 1), 1)
    # A shift by one tile is a slice of the flattened numbers; at the ends it reads another row,
    # which `where` masks. Padding would compile to a branch for every number.
    line, last = products.reshape(-1, channels), (n - 1) * tiles
    before = lax.slice_in_dim(line, last - 1, last - 1 + tiles).reshape(-1, columns, channels)
    after = lax.slice_in_dim(line, 1, 1 + tiles).reshape(-1, columns, channels)
    parts = list(products.reshape(n, -1, columns, channels))
    parts.append(jnp.where(place > 0, before, zero))
    parts.append(jnp.where(place < columns - 1, after, zero))
    return _spread(_matrices(m).overlap, parts, 2).reshape(-1, columns * m * channels)


@partial(_stage, static=("m", "shape"))
def _derivative_rows(parts: list[Array], *, m: int, shape: tuple[int, ...]) -> Array:
    n, height, width, channels = shape
    rows = [part.reshape(n, -1, part.shape[-1]) for part in parts]
    zero = jnp.zeros((), rows[0].dtype)
    before = lax.pad(rows[-1][:, :-1], zero, ((0, 0, 0), (1, 0, 0), (0, 0, 0)))
    after = lax.pad(rows[0][:, 1:], zero, ((0, 0, 0), (0, 1, 0), (0, 0, 0)))
    x = _spread(_matrices(m).overlap, [*rows, before, after], 2)
    return x.reshape(n, x.shape[1] * m, -1, channels)[:, :height, :width]


def _backward(rectify: bool, residuals: Any, cotangent: Batch) -> tuple[Any, Any, Any]:
    x, transformed, bias, rectified = residuals
    m = len(transformed) - 2
    framed, padded = _frame(x, m=m), _whole_tiles(cotangent, rectified, m=m)
    parts, derivatives = [], []
    for i, kernels in enumerate(transformed):
        dtype = kernels.dtype
        tiles = _cotangent_columns(_cotangent_rows(padded, m=m, i=i), m=m, dtype=dtype)
        products = _multiply(tiles, kernels, (2, 2), x.dtype)
        parts.append(_derivative_columns(products, m=m, columns=padded.shape[2] // m))
        inputs = _input_columns(_input_rows(framed, m=m, i=i), m=m, dtype=dtype)
        derivatives.append(_multiply(inputs, tiles, (1, 1), x.dtype).astype(dtype))
    return (
        _derivative_rows(parts, m=m, shape=x.shape),
        tuple(derivatives),
        None if bias is None else jnp.sum(padded, axis=(0, 1, 2)),
    )


_conv3x3 = with_backward(_forward, _backward, constants=(3,))
