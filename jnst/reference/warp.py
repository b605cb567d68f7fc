"""Warping by a flow, one output pixel after another."""

import numpy as np

from .geometry import Floats, check_floats, check_gradient


class Warp:
    """A picture read at positions displaced by a flow, with bilinear interpolation.

    >>> layer = Warp()
    >>> layer.forward(np.array([0.0, 2.0]).reshape(1, 1, 2, 1), np.full((1, 1, 2, 2), 0.25)).ravel()
    array([0.5, 2. ])
    >>> layer.backward(np.ones((1, 1, 2, 1))).ravel(), layer.flow_gradient[0, 0, 0]
    (array([0.75, 1.25]), array([2., 0.]))
    """

    def __init__(self) -> None:
        self._x: Floats = np.zeros((0, 0, 0, 0))
        self._flow: Floats = np.zeros((0, 0, 0, 2))
        self.flow_gradient: Floats = np.zeros((0, 0, 0, 2))

    def forward(self, x: Floats, flow: Floats) -> Floats:
        """x [batch, height, width, channels] at (row + flow[…, 1], column + flow[…, 0])."""
        self._x = check_floats(x, "x", "batch height width channels")
        self._flow = check_floats(flow, "flow", "batch height width 2")
        y = np.zeros_like(self._x)
        for place in np.ndindex(y.shape[:3]):
            for corner, weight, _ in self._taps(place):
                y[place] += weight * self._x[corner]
        return y

    def backward(self, y_gradient: Floats) -> Floats:
        """Derivative of a loss by y → that by x; that by the flow is stored in `flow_gradient`."""
        y_gradient = check_gradient(y_gradient, self._x.shape)
        x_gradient, self.flow_gradient = np.zeros_like(self._x), np.zeros_like(self._flow)
        for place in np.ndindex(self._x.shape[:3]):
            for corner, weight, slopes in self._taps(place):
                x_gradient[corner] += weight * y_gradient[place]
                self.flow_gradient[place] += slopes * (self._x[corner] @ y_gradient[place])
        return x_gradient

    def _taps(self, place: tuple[int, ...]) -> list[tuple[tuple[int, int, int], float, Floats]]:
        """The pixels that an output reads: where, their weight, its slopes by (right, down)."""
        batch, i, j = place
        right, down = self._flow[place]
        axes = [_taps_of(i + down, self._x.shape[1]), _taps_of(j + right, self._x.shape[2])]
        return [
            ((batch, row, column), a * b, np.array([a * slope_b, slope_a * b]))
            for row, a, slope_a in axes[0]
            for column, b, slope_b in axes[1]
        ]


def _taps_of(position: float, size: int) -> list[tuple[int, float, float]]:
    """(index, weight, slope of the weight) of the pixels of an axis around a position."""
    if position < 0 or size == 1:
        return [(0, 1.0, 0.0)]
    if position >= size - 1:
        # Exactly at the last pixel the slope is that of the cell before it.
        slope = 1.0 if position == size - 1 else 0.0
        return [(size - 2, 0.0, -slope), (size - 1, 1.0, slope)]
    first = int(position)
    return [(first, 1 - (position - first), -1.0), (first + 1, position - first, 1.0)]
