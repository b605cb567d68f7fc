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

from abc import ABC, abstractmethod

import numpy as np

from .geometry import (
    Floats,
    Padding,
    Pads,
    Pair,
    as_pads,
    as_pair,
    check_floats,
    check_gradient,
    crop,
    output_size,
    pad,
)


class _Convolution(ABC):
    """The common part of both versions: parameters, their gradients, and the checks."""

    def __init__(
        self,
        kernel: Floats,
        bias: Floats | None = None,
        stride: Pair = 1,
        padding: Padding = "SAME",
        dilation: Pair = 1,
    ) -> None:
        axes = "kernel_height kernel_width in_channels out_channels"
        self.kernel = check_floats(kernel, "kernel", axes)
        self.bias = None if bias is None else check_floats(bias, "bias", "out_channels")
        if self.bias is not None and self.bias.shape != self.kernel.shape[3:]:
            raise ValueError(
                f"bias of shape {self.bias.shape} does not fit kernel of shape {self.kernel.shape}"
            )
        self.stride, self.dilation = as_pair(stride, "stride"), as_pair(dilation, "dilation")
        self.padding = padding
        self.kernel_gradient = np.zeros_like(self.kernel)
        self.bias_gradient = None if self.bias is None else np.zeros_like(self.bias)
        self._padded: Floats = np.zeros((0, 0, 0, 0))
        self._pads: Pads = ((0, 0), (0, 0))
        self._output: tuple[int, ...] = ()

    def forward(self, x: Floats) -> Floats:
        """[batch, height, width, in_channels] → [batch, out_height, out_width, out_channels].

        Raises TypeError if x is not floating, ValueError if its channels are not the kernel's or
        the kernel does not fit.
        """
        x = check_floats(x, "x", "batch height width in_channels")
        if x.shape[3] != self.kernel.shape[2]:
            raise ValueError(
                f"x of shape {x.shape} has {x.shape[3]} channels, kernel of shape "
                f"{self.kernel.shape} takes {self.kernel.shape[2]}"
            )
        extents = (
            self.dilation[0] * (self.kernel.shape[0] - 1) + 1,
            self.dilation[1] * (self.kernel.shape[1] - 1) + 1,
        )
        self._pads = as_pads(self.padding, x.shape[1:3], extents, self.stride)
        rows, columns = output_size(x.shape, extents, self.stride, self._pads)
        self._output = (x.shape[0], rows, columns, self.kernel.shape[3])
        self._padded = pad(x, self._pads)
        y = self._correlate()
        return y if self.bias is None else y + self.bias

    def backward(self, y_gradient: Floats) -> Floats:
        """Derivative of a loss by y → that by x; sets `kernel_gradient` and `bias_gradient`.

        Raises ValueError if the shape is not that of the last forward's result.
        """
        y_gradient = check_gradient(y_gradient, self._output)
        if self.bias is not None:
            self.bias_gradient = y_gradient.sum(axis=(0, 1, 2))
        return crop(self._derive(y_gradient), self._pads)

    @abstractmethod
    def _correlate(self) -> Floats:
        """The sum of the definition, without the bias, from the padded x."""

    @abstractmethod
    def _derive(self, y_gradient: Floats) -> Floats:
        """Set `kernel_gradient` and return the derivative by the padded x."""


class Conv2DLoops(_Convolution):
    """The convolution by plain loops: slow, but exactly the definition.

    >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
    >>> Conv2DLoops(np.ones((2, 2, 1, 1)), padding="VALID").forward(x).squeeze()
    array([[ 8., 12.],
           [20., 24.]])
    """

    def _correlate(self) -> Floats:
        x, w = self._padded, self.kernel
        y = np.zeros(self._output, np.result_type(x, w))
        for n, i, j in np.ndindex(self._output[:3]):
            for u, v in np.ndindex(w.shape[:2]):
                row = self.stride[0] * i + self.dilation[0] * u
                column = self.stride[1] * j + self.dilation[1] * v
                y[n, i, j] += x[n, row, column] @ w[u, v]
        return y

    def _derive(self, y_gradient: Floats) -> Floats:
        x, w = self._padded, self.kernel
        x_gradient = np.zeros_like(x)
        self.kernel_gradient = np.zeros_like(w)
        for n, i, j in np.ndindex(self._output[:3]):
            for u, v in np.ndindex(w.shape[:2]):
                row = self.stride[0] * i + self.dilation[0] * u
                column = self.stride[1] * j + self.dilation[1] * v
                x_gradient[n, row, column] += w[u, v] @ y_gradient[n, i, j]
                self.kernel_gradient[u, v] += np.outer(x[n, row, column], y_gradient[n, i, j])
        return x_gradient


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

    def _correlate(self) -> Floats:
        taps = [self._padded[view] for view in self._views()]
        self._columns = np.stack(taps, axis=3).reshape(-1, self.kernel[..., 0].size)
        return (self._columns @ self._matrix()).reshape(self._output)

    def _derive(self, y_gradient: Floats) -> Floats:
        rows = y_gradient.reshape(-1, self.kernel.shape[3])
        self.kernel_gradient = (self._columns.T @ rows).reshape(self.kernel.shape)
        taps = (rows @ self._matrix().T).reshape(*self._output[:3], -1, self.kernel.shape[2])
        x_gradient = np.zeros_like(self._padded)
        for tap, view in enumerate(self._views()):
            x_gradient[view] += taps[..., tap, :]
        return x_gradient

    def _matrix(self) -> Floats:
        return self.kernel.reshape(-1, self.kernel.shape[3])

    def _views(self) -> list[tuple[slice, slice, slice]]:
        """For every tap (u, v), the rows and columns of the padded x that it reads."""
        views = []
        for taps in np.ndindex(self.kernel.shape[:2]):
            rows, columns = (
                slice(d * tap, d * tap + s * (size - 1) + 1, s)
                for d, tap, s, size in zip(
                    self.dilation, taps, self.stride, self._output[1:3], strict=True
                )
            )
            views.append((slice(None), rows, columns))
        return views
