"""Oil paint in NumPy: bristle strokes along a flow field, and the light on their relief.

Lengths are in units of the picture's height, so that a painting looks alike at every size.
Painting from coarse to fine brushes along a direction field follows A. Hertzmann,
"Painterly rendering with curved brush strokes of multiple sizes" (SIGGRAPH 1998, section 2).
There strokes follow the normals of a photograph's gradient; here they follow a composed
field, and a stroke is a ribbon of bristles which each carry colour and run dry on their own.
"""

from dataclasses import dataclass

import numpy as np
from palette import Rng

STEPS = 24  # points on a stroke's spine: enough for half a turn without visible corners
SPACING = 0.7  # pixels between samples of a stroke: below 1/sqrt(2) no pixel is missed


@dataclass
class Canvas:
    """Wet paint: `colour` [height, width, 3] in sRGB 0..1 and `relief` [height, width]."""

    colour: np.ndarray
    relief: np.ndarray

    @classmethod
    def primed(cls, ground: np.ndarray) -> "Canvas":
        """A flat canvas whose ground has the colours [height, width, 3]."""
        return cls(ground.astype(np.float32), np.zeros(ground.shape[:2], np.float32))


@dataclass(frozen=True)
class Brush:
    """How one layer of strokes is made: sizes in picture heights, the rest 0..1."""

    width: float
    length: float
    jitter: float = 0.05  # spread of lightness between strokes
    streak: float = 0.10  # spread of lightness between the bristles of a stroke
    load: float = 1.0  # how much of the stroke's length the paint lasts
    body: float = 1.0  # thickness of the paint


def along_contours(field: np.ndarray) -> np.ndarray:
    """Unit vectors [height, width, 2] as (x, y) along the contour lines of `field`."""
    down, right = np.gradient(field)
    flow = np.stack([down, -right], axis=-1)
    return flow / (np.linalg.norm(flow, axis=-1, keepdims=True) + 1e-9)


def at(field: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Values of `field` [height, width, ...] at the pixels nearest to `points` [..., 2]."""
    height, width = field.shape[:2]
    x = np.clip(np.rint(points[..., 0]), 0, width - 1).astype(np.intp)
    y = np.clip(np.rint(points[..., 1]), 0, height - 1).astype(np.intp)
    return field[y, x]


def trace(flow: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Follow `flow` both ways from `starts` [n, 2] for `lengths` [n] pixels: [n, STEPS, 2]."""
    step = (lengths / (STEPS - 1))[:, None]
    points = np.empty((len(starts), STEPS, 2))
    middle = STEPS // 2
    points[:, middle] = starts
    for k in range(middle + 1, STEPS):
        points[:, k] = points[:, k - 1] + step * at(flow, points[:, k - 1])
    for k in range(middle - 1, -1, -1):
        points[:, k] = points[:, k + 1] - step * at(flow, points[:, k + 1])
    return points


def spine_through(points: np.ndarray | list[tuple[float, float]]) -> np.ndarray:
    """A spine [STEPS, 2] that runs evenly through a few given `points` [n, 2]."""
    given = np.asarray(points, float)
    knots, even = np.linspace(0, 1, len(given)), np.linspace(0, 1, STEPS)
    return np.stack([np.interp(even, knots, given[:, axis]) for axis in (0, 1)], axis=-1)


def ribbon(spine: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sample a stroke: points [along, across, 2], along 0..1 and across -1..1."""
    length = np.linalg.norm(np.diff(spine, axis=0), axis=1).sum()
    along = np.linspace(0, 1, max(4, int(length / SPACING)))
    across = np.linspace(-1, 1, max(3, int(width / SPACING)))
    knots = np.linspace(0, 1, len(spine))
    middle = np.stack([np.interp(along, knots, spine[:, axis]) for axis in (0, 1)], axis=-1)
    tangent = np.gradient(middle, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=-1)
    # A brush is pressed down quickly and lifted slowly.
    press = np.minimum(1, (along / 0.08 + 0.25)) * np.clip((1 - along) / 0.35, 0.12, 1) ** 0.5
    reach = 0.5 * width * press[:, None] * across[None, :]
    return middle[:, None] + normal[:, None] * reach[..., None], along, across


def bristles(rng: Rng, count: int, grain: float) -> np.ndarray:
    """Noise across a brush [count] of about unit variance, correlated over `grain` samples."""
    knots = rng.standard_normal(max(3, int(count / grain) + 2))
    return np.interp(np.linspace(0, len(knots) - 1, count), np.arange(len(knots)), knots)


def stroke(
    canvas: Canvas, spine: np.ndarray, width: float, colours: np.ndarray, brush: Brush, rng: Rng
) -> None:
    """Lay one stroke of `width` pixels along `spine` [n, 2]; `colours` [2, 3] load its sides."""
    points, along, across = ribbon(spine, width)
    height, breadth = canvas.relief.shape
    x = np.rint(points[..., 0]).astype(np.intp)
    y = np.rint(points[..., 1]).astype(np.intp)
    inside = (x >= 0) & (x < breadth) & (y >= 0) & (y < height)
    if not inside.any():
        return
    grain = bristles(rng, len(across), 2.5)
    reserve = brush.load * (1.05 + 0.22 * bristles(rng, len(across), 3.5))
    cover = np.clip((reserve - along[:, None]) * 5, 0, 1) * np.clip((1.04 - abs(across)) * 8, 0, 1)
    side = np.clip(0.5 + 0.4 * across + 0.35 * bristles(rng, len(across), 9), 0, 1)[:, None]
    paint = colours[0] * (1 - side) + colours[1] * side + brush.streak * grain[:, None]
    # Paint is pushed to the rims and to the end of a stroke, and bristles plough furrows.
    heap = 0.55 + 0.25 * grain + 0.5 * np.clip(abs(across) - 0.6, 0, 1)
    heap = heap + 0.5 * np.exp(-(((along[:, None] - 0.93) / 0.05) ** 2))
    heap *= brush.body * width**0.6
    y, x, cover = y[inside], x[inside], cover[inside].astype(np.float32)
    tint = np.broadcast_to(paint[None], (*inside.shape, 3))[inside]
    canvas.colour[y, x] += cover[:, None] * (tint - canvas.colour[y, x])
    canvas.relief[y, x] += cover * (heap[inside] - 0.7 * canvas.relief[y, x])


def layer(
    canvas: Canvas,
    picture: np.ndarray,
    flow: np.ndarray,
    brush: Brush,
    count: int,
    rng: Rng,
    where: np.ndarray | None = None,
) -> None:
    """Paint `count` strokes coloured by `picture` [height, width, 3], along `flow`.

    `where` [height, width] in 0..1 is the chance that a stroke starting there is kept.
    """
    height, breadth = canvas.relief.shape
    starts = rng.uniform((0, 0), (breadth, height), (count, 2))
    if where is not None:
        starts = starts[rng.uniform(size=count) < at(where, starts)]
    size = rng.uniform(0.65, 1.35, len(starts))
    spines = trace(flow, starts, size * brush.length * height)
    for spine, start, scale in zip(spines, starts, size, strict=True):
        width = max(1.5, brush.width * height * scale**0.5)
        nearby = start + rng.standard_normal((2, 2)) * width * 0.5
        colours = at(picture, nearby) + brush.jitter * (
            rng.standard_normal() + 0.5 * rng.standard_normal(3)
        )
        stroke(canvas, spine, width, colours, brush, rng)


def weave(shape: tuple[int, int], pitch: float) -> np.ndarray:
    """The relief of a plain-woven canvas with threads `pitch` pixels apart, about -1..1."""
    y = np.sin(np.arange(shape[0]) * np.pi / pitch)[:, None]
    x = np.sin(np.arange(shape[1]) * np.pi / pitch)[None, :]
    return (y * x).astype(np.float32)


def light(canvas: Canvas, strength: float = 0.16) -> np.ndarray:
    """Shade the relief with a light from the upper left: sRGB [height, width, 3] in 0..1."""
    height = canvas.relief.shape[0]
    relief = canvas.relief + 0.25 * weave(canvas.relief.shape, max(1.5, height / 420))
    down, right = np.gradient(relief)
    slope = np.tanh(strength * (down + right))[..., None]
    shine = np.clip(slope, 0, 1) ** 3
    lit = canvas.colour * (1 + 0.38 * slope)
    return np.clip(lit + 0.30 * shine * (1 - lit), 0, 1)
