"""Optical flow between two frames, and where it can be relied upon.

The flow is that of DIS (Kroeger et al., "Fast optical flow using dense inverse search", ECCV 2016),
by OpenCV. Where it holds is found by the rules of Ruder, Dosovitskiy and Brox ("Artistic style
transfer for videos", GCPR 2016, eqs. 4 to 6, after Sundaram, Brox and Keutzer, ECCV 2010). With
the flow w from this frame to the other one, and the flow ŵ back, sampled at p + w(p):

    disoccluded       |w + ŵ|² ≥ 0.01 (|w|² + |ŵ|²) + 0.5, or p + w(p) lies outside the picture
    motion boundary   |∇u|² + |∇v|² > 0.01 |w|² + 0.002                (optional)
    other colours     |frame − other(p + w)|² > 0.15², mean of the channels, smoothed (not theirs)

The reliability is 0 at these and 1 elsewhere, softened by a Gaussian of 0.8 pixels. The second rule
was made for a smoother flow: of DIS it keeps too little. The third finds what DIS calls consistent
by mistake, such as a flat picture before a cut, or a lamp switched on.
"""

from importlib import import_module
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from ..arrays import Pixels
from ..ops import warp

_SOFTENING = 0.8  # pixels
_OTHER_COLOR = 0.15
_CUT = 0.25  # a mean reliability below this is a cut; within shots it is 0.7 and more
_SMALLEST = 16  # pixels: DIS refuses smaller pictures
_MISSING = "films need OpenCV for the flow between frames: pip install 'jnst[video]'"


class Motion(NamedTuple):
    """The motion from a frame to another one.

    Attributes:
        flow: [H, W, 2] float32, (right, down) in pixels: where each pixel lies in the other frame.
        reliability: [H, W] float32 in [0, 1].
    """

    flow: Pixels
    reliability: Pixels

    @property
    def is_cut(self) -> bool:
        """Whether the frames seem to be of different shots: nearly nothing is reliable."""
        return bool(self.reliability.mean() < _CUT)


def motion(frame: Pixels, other: Pixels, *, boundaries: bool = False) -> Motion:
    """The motion from a frame to another one, by DIS.

    Args:
        frame, other: [H, W, 3] in [0, 1], of one size.
        boundaries: whether motion boundaries are unreliable too.

    Raises:
        ModuleNotFoundError: without OpenCV.

    Example:
        >>> frame = np.random.default_rng(0).random((64, 64, 3), np.float32)
        >>> found = motion(frame, frame)
        >>> float(abs(found.flow).max()), float(found.reliability.min())
        (0.0, 1.0)
    """
    here, there = _gray(frame), _gray(other)
    flow, back = dis(here, there), dis(there, here)
    hard = consistent(flow, back, boundaries=boundaries) & _same_colors(frame, other, flow)
    return Motion(flow, gaussian_filter(hard.astype(np.float32), _SOFTENING))


def consistent(flow: Pixels, back: Pixels, *, boundaries: bool = False) -> NDArray[np.bool_]:
    """Where a flow [H, W, 2] agrees with that in the other direction, [H, W]."""
    height, width, _ = flow.shape
    sampled = warped(back, flow)
    difference = np.sum((flow + sampled) ** 2, axis=-1)
    squares = np.sum(flow**2, axis=-1)
    good = difference < 0.01 * (squares + np.sum(sampled**2, axis=-1)) + 0.5
    rows, columns = np.indices((height, width), np.float32) + np.moveaxis(flow[..., ::-1], -1, 0)
    good &= (rows >= 0) & (rows <= height - 1) & (columns >= 0) & (columns <= width - 1)
    if boundaries:
        slopes = [np.sum(slope**2, axis=-1) for slope in np.gradient(flow, axis=(0, 1))]
        good &= slopes[0] + slopes[1] <= 0.01 * squares + 0.002
    return good


def _same_colors(frame: Pixels, other: Pixels, flow: Pixels) -> NDArray[np.bool_]:
    squares = np.mean((frame - warped(other, flow)) ** 2, axis=-1)
    return gaussian_filter(squares, 1.0) <= _OTHER_COLOR**2


def warped(picture: Pixels, flow: Pixels) -> Pixels:
    """A picture [H, W, C] read at the places to which a flow [H, W, 2] leads."""
    return np.asarray(_warp(jnp.asarray(picture), jnp.asarray(flow)))


_warp = jax.jit(lambda picture, flow: warp(picture[None], flow[None])[0])


def dis(frame: NDArray[np.uint8], other: NDArray[np.uint8]) -> Pixels:
    """The flow of DIS between gray pictures [H, W], in pixels (right, down), [H, W, 2]."""
    try:
        cv2: Any = import_module("cv2")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(_MISSING) from error
    finder = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    # Down to single pixels, in small patches: by default the flow of a moving thing spreads some
    # pixels beyond its edge, and paints an outline there. Half to a third of those remain.
    finder.setFinestScale(0)
    finder.setPatchSize(6)
    finder.setPatchStride(2)
    height, width = frame.shape
    margins = [(0, max(0, _SMALLEST - side)) for side in (height, width)]
    padded = (np.pad(picture, margins, mode="edge") for picture in (frame, other))
    return np.asarray(finder.calc(*padded, None), np.float32)[:height, :width]


def _gray(frame: Pixels) -> NDArray[np.uint8]:
    luma = frame @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.rint(255 * np.clip(luma, 0, 1)).astype(np.uint8)
