"""A clip of known flow and occlusion: a picture under a homography, a textured disc before it.

Frame t shows the background picture at the place H_t⁻¹ p and, inside a disc that moves on a line,
another picture. So the way from a pixel of a frame to any other frame is a formula.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates


def texture(height, width, seed, finest=1.5):
    """A colourful random picture [height, width, 3] in [0, 1] with detail at several scales."""
    rng = np.random.default_rng(seed)
    layers = [
        gaussian_filter(rng.standard_normal((height, width, 3)), (s, s, 0), mode="wrap") * s
        for s in (finest, 3 * finest, 9 * finest)
    ]
    sums = np.sum(layers, axis=0)
    return np.clip(0.5 + 0.22 * (sums - sums.mean()) / sums.std(), 0, 1).astype(np.float32)


@dataclass(frozen=True)
class MovingClip:
    """`background` and `disc` are pictures; coordinates are (row, column) in pixels."""

    background: np.ndarray  # [h, w, 3], larger than the frames
    disc: np.ndarray  # [h, w, 3], at least as large as the disc
    size: tuple[int, int]
    radius: float
    start: tuple[float, float]  # the disc's centre in frame 0
    step: tuple[float, float]  # its way in each frame
    shift: tuple[float, float] = (0.6, 1.1)  # of the background in each frame
    turn: float = 0.004  # radians in each frame
    zoom: float = 0.002
    tilt: float = 1e-5  # of the perspective

    def homography(self, t):
        """The 3x3 matrix from frame t to the background's coordinates (row, column, 1)."""
        a, s = self.turn * t, 1 + self.zoom * t
        middle = np.array(self.size) / 2
        to_middle, back = np.eye(3), np.eye(3)
        to_middle[:2, 2] = -middle
        back[:2, 2] = np.array(self.background.shape[:2]) / 2 + t * np.array(self.shift)
        turn = np.array([[s * np.cos(a), -s * np.sin(a), 0], [s * np.sin(a), s * np.cos(a), 0],
                         [self.tilt * t, -self.tilt * t, 1]])  # fmt: skip
        return back @ turn @ to_middle

    def centre(self, t):
        """The disc's centre in frame t."""
        return np.array(self.start) + t * np.array(self.step)

    def in_disc(self, points, t):
        """Which points [2, …] of frame t lie in the disc."""
        centre = self.centre(t).reshape(2, *[1] * (points.ndim - 1))
        return np.sum((points - centre) ** 2, axis=0) < self.radius**2

    def frame(self, t):
        """Frame t, [H, W, 3] float32 in [0, 1]; the disc's edge is one pixel soft."""
        points = np.indices(self.size, np.float64)
        back = _mapped(self.homography(t), points)
        offset = points - self.centre(t)[:, None, None]
        inside = offset + np.array(self.disc.shape[:2])[:, None, None] / 2
        edge = np.clip(self.radius + 0.5 - np.sqrt(np.sum(offset**2, axis=0)), 0, 1)[..., None]
        picture = (1 - edge) * _read(self.background, back) + edge * _read(self.disc, inside)
        return np.clip(picture, 0, 1).astype(np.float32)

    def motion(self, t, other):
        """(flow, visible) from frame t to another: [H, W, 2] (right, down), and [H, W] booleans,
        False where what frame t shows is hidden in the other frame or outside of it."""
        points = np.indices(self.size, np.float64)
        to_other = np.linalg.inv(self.homography(other)) @ self.homography(t)
        places = _mapped(to_other, points)
        disc = self.in_disc(points, t)
        moved = points + (self.centre(other) - self.centre(t))[:, None, None]
        hidden = ~disc & self.in_disc(places, other)
        places = np.where(disc, moved, places)
        limits = np.array(self.size)[:, None, None] - 1
        inside = np.all((places >= 0) & (places <= limits), axis=0)
        flow = np.moveaxis(places - points, 0, -1)[..., ::-1]
        return flow.astype(np.float32), inside & ~hidden


def _mapped(matrix, points):
    rows, columns, scale = np.tensordot(matrix, np.stack([*points, np.ones_like(points[0])]), 1)
    return np.stack([rows / scale, columns / scale])


def _read(picture, points):
    planes = [map_coordinates(picture[..., k], points, order=3, mode="mirror") for k in range(3)]
    return np.stack(planes, axis=-1)
