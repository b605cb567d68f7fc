"""Two implementations of the convolution: loops, as defined, and one matrix product (im2col).

    y[n, i, j] = b + Σ_{u, v} x[n, s i + d u − p, s j + d v − p] w[u, v]

where x[n, ·, ·] is a row of C_in numbers, w[u, v] a C_in x C_out matrix, s the stride, d the
dilation and p the padding before. Each product x·w in this sum contributes, for the derivative ȳ,

    x̄[n, s i + d u − p, s j + d v − p] += w[u, v] ȳ[n, i, j]
    w̄[u, v] += x[n, s i + d u − p, s j + d v − p] ⊗ ȳ[n, i, j]
    b̄ += ȳ[n, i, j]                                               once for every (n, i, j)

The matrix form puts the pixels that one output reads into one row, so a picture becomes a matrix of
(n, i, j) x (u, v, channel): Chellapilla, Puri and Simard, "High performance convolutional neural
networks for document processing" (2006).
"""

import numpy as np

from .dense import Affine
from .geometry import Floats, Padding, Pair, Windows


class _Convolution(Affine):
    """[batch, height, width, in_channels] → [batch, out_height, out_width, out_channels]: the
    common part of both versions."""

    _axes = "batch height width in_channels"

    def __init__(
        self,
        kernel: Floats,
        bias: Floats | None = None,
        stride: Pair = 1,
        padding: Padding = "SAME",
        dilation: Pair = 1,
    ) -> None:
        super().__init__(kernel, bias, "kernel_height kernel_width in_channels out_channels")
        self._windows = Windows(self.kernel.shape[:2], stride, padding, dilation)

    def _pixels_of(self, i: int, j: int) -> list[tuple[int, int, int, int]]:
        """The elements (u, v) of the kernel, and the row and column of the padded x for each."""
        (s, t), (d, e) = self._windows.stride, self._windows.dilation
        return [(u, v, s * i + d * u, t * j + e * v) for u, v in np.ndindex(self._windows.size)]


class Conv2DLoops(_Convolution):
    """The convolution by plain loops: slow, but exactly the definition.

    >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
    >>> Conv2DLoops(np.ones((2, 2, 1, 1)), padding="VALID").forward(x).squeeze()
    array([[ 8., 12.],
           [20., 24.]])
    """

    def _product(self, x: Floats) -> Floats:
        self._windows.place(x)
        padded, w = self._windows.padded, self.kernel
        y = np.zeros((len(x), *self._windows.count, w.shape[3]), np.result_type(x, w))
        for n, i, j in np.ndindex(y.shape[:3]):
            for u, v, row, column in self._pixels_of(i, j):
                y[n, i, j] += padded[n, row, column] @ w[u, v]
        return y

    def _derive(self, y_gradient: Floats) -> Floats:
        padded, w = self._windows.padded, self.kernel
        x_gradient = np.zeros_like(padded)
        self.kernel_gradient = np.zeros_like(w)
        for n, i, j in np.ndindex(y_gradient.shape[:3]):
            for u, v, row, column in self._pixels_of(i, j):
                x_gradient[n, row, column] += w[u, v] @ y_gradient[n, i, j]
                self.kernel_gradient[u, v] += np.outer(padded[n, row, column], y_gradient[n, i, j])
        return self._windows.crop(x_gradient)


class Conv2D(_Convolution):
    """The convolution as one matrix product; each row holds the pixels that one output reads.

    >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
    >>> layer = Conv2D(np.ones((2, 2, 1, 1)), padding="VALID")
    >>> layer.forward(x).squeeze()
    array([[ 8., 12.],
           [20., 24.]])
    >>> layer.backward(np.ones((1, 2, 2, 1))).squeeze()
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """

    def _product(self, x: Floats) -> Floats:
        self._windows.place(x)
        self._columns = self._windows.taps().reshape(-1, self.kernel[..., 0].size)
        y = self._columns @ self._matrix()
        return y.reshape(len(x), *self._windows.count, self.kernel.shape[3])

    def _derive(self, y_gradient: Floats) -> Floats:
        rows = y_gradient.reshape(-1, self.kernel.shape[3])
        self.kernel_gradient = (self._columns.T @ rows).reshape(self.kernel.shape)
        taps = (rows @ self._matrix().T).reshape(*y_gradient.shape[:3], -1, self.kernel.shape[2])
        return self._windows.fold(taps)

    def _matrix(self) -> Floats:
        return self.kernel.reshape(-1, self.kernel.shape[3])
