"""The picture "Harvest": a low sun over hills and round trees, as a mosaic of glass.

The tiles are cells of a jittered grid (S. Worley, "A cellular texture basis function",
SIGGRAPH 1996, section 2), laid in coordinates that bend with what is shown: rings around the
sun and in the crowns of trees, courses along the hills. Lengths are in picture heights.
"""

from dataclasses import dataclass

import numpy as np
from palette import (
    AMBER,
    CADMIUM,
    CARMINE,
    COBALT,
    CREAM,
    CRIMSON,
    GOLD,
    INDIGO,
    LILAC,
    MAGENTA,
    MOSS,
    NIGHT,
    OCHRE,
    ORANGE,
    PLUM,
    SIENNA,
    TEAL,
    TURQUOISE,
    VERMILION,
    VIRIDIAN,
    Pigment,
    Rng,
    ramp,
    smooth_noise,
)
from PIL import Image, ImageFilter

ASPECT = 1.25
TILE = 0.020
LEAF = 0.012
SUN = (0.50, 0.335, 0.125)  # x, y, radius
TREES = (
    (0.155, 0.60, 0.105),
    (0.315, 0.685, 0.060),
    (1.06, 0.63, 0.125),
    (0.90, 0.725, 0.055),
    (1.20, 0.76, 0.065),
)
MORTAR: Pigment = (0.15, 0.08, 0.11)


def cells(u: np.ndarray, v: np.ndarray, rng: Rng, jitter_v: float) -> np.ndarray:
    """Number [...] of the site nearest to each (u, v), with one site in every unit square.

    Nearest in the larger of the two differences, which makes the cells four-sided.
    """
    column, row = np.floor(u).astype(int), np.floor(v).astype(int)
    left, top = column.min() - 1, row.min() - 1
    shape = (row.max() - top + 2, column.max() - left + 2)
    site_u = np.arange(shape[1]) + left + 0.5 + rng.uniform(-0.3, 0.3, shape)
    site_v = np.arange(shape[0])[:, None] + top + 0.5 + rng.uniform(-jitter_v, jitter_v, shape)
    best, owner = np.full(u.shape, np.inf), np.zeros(u.shape, int)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            r, c = row - top + down, column - left + right
            gap = np.maximum(np.abs(site_u[r, c] - u), np.abs(site_v[r, c] - v))
            closer = gap < best
            best[closer] = gap[closer]
            owner[closer] = (r * shape[1] + c)[closer]
    return owner


@dataclass
class Mosaic:
    """A picture cut into tiles: `colour` [h, w, 3], and each pixel's `tile` number [h, w]."""

    colour: np.ndarray
    tile: np.ndarray
    rng: Rng
    count: int = 0

    def courses(
        self, mask: np.ndarray, u: np.ndarray, v: np.ndarray, tone: np.ndarray, jitter: float = 0.3
    ) -> None:
        """Cover `mask` [h, w] with tiles that are units of (u, v), in the colours of `tone`."""
        if not mask.any():
            return
        owner = cells(u[mask], v[mask], self.rng, jitter)
        names, owner = np.unique(owner, return_inverse=True)
        self.tile[mask] = owner + self.count
        self.count += len(names)
        self.colour[mask] = tone[mask]

    def rings(
        self, x: np.ndarray, y: np.ndarray, mask: np.ndarray, tone: np.ndarray, size: float
    ) -> None:
        """Cover `mask` with rings of tiles about the origin; the number of tiles in a ring
        doubles as the rings widen, so that they stay near `size`."""
        ring = np.hypot(x, y) / size
        # Counted from straight below, where hills and trunks hide the joint.
        turn = np.arctan2(-x, -y) / (2 * np.pi) + 0.5
        double = np.ceil(np.log2(np.maximum(np.floor(ring), 1) / 1.4))
        for power in np.unique(double[mask]):
            part = mask & (double == power)
            self.courses(part, turn * np.round(6.3 * 2**power), ring, tone, jitter=0.05)


def lay_sky(mosaic: Mosaic, x: np.ndarray, y: np.ndarray) -> None:
    """The sun and its rays, from gold through vermilion to indigo."""
    x, y, radius = x - SUN[0], y - SUN[1], SUN[2]
    away = np.hypot(x, y)
    rays = np.sin(18 * np.arctan2(y, x) + 2 * np.sin(9 * away))
    heat = away / 0.95 + 0.11 * rays * np.clip(away / 0.25, 0, 1)
    heat = heat + 0.05 * smooth_noise(mosaic.rng, x.shape, 5, 6)
    sky = ramp(heat, [GOLD, AMBER, ORANGE, VERMILION, CARMINE, MAGENTA, INDIGO])
    beam = (np.abs(rays) < 0.24) & (away > 0.22)
    sky[beam] = ramp(away, [CREAM, GOLD, AMBER, TURQUOISE, TEAL])[beam]
    mosaic.rings(x, y, away > radius, sky, TILE)
    disc = ramp(away / radius, [CREAM, CREAM, GOLD, CADMIUM, ORANGE, VERMILION])
    mosaic.rings(x, y, away <= radius, disc, TILE)


def lay_hills(mosaic: Mosaic, x: np.ndarray, y: np.ndarray) -> None:
    """Five ranges one before the other, ploughed aslant."""
    ranges = (
        (0.50 + 0.035 * np.sin(4.6 * x + 0.4), [GOLD, LILAC, INDIGO, MAGENTA]),
        (0.57 + 0.050 * np.sin(3.4 * x + 2.3), [AMBER, VERMILION, CRIMSON, MAGENTA]),
        (0.66 + 0.045 * np.sin(2.9 * x - 0.6), [CREAM, TURQUOISE, TEAL, COBALT]),
        (0.76 + 0.040 * np.sin(3.6 * x + 1.6), [CREAM, GOLD, AMBER, OCHRE]),
        (0.86 + 0.030 * np.sin(4.4 * x + 3.4), [GOLD, ORANGE, VERMILION, CRIMSON]),
    )
    for ridge, pigments in ranges:
        depth = y - ridge
        furrow = 0.10 * np.sin((x + 1.2 * depth) * 55)
        uneven = 0.08 * smooth_noise(mosaic.rng, x.shape, 9, 11)
        tone = ramp(depth / 0.13 + furrow + uneven, pigments)
        mosaic.courses(depth > 0, (x + 0.5 * depth) / TILE, depth / TILE, tone)


def lay_trees(mosaic: Mosaic, x: np.ndarray, y: np.ndarray) -> None:
    """Trees with crowns of coloured rings, brighter on the side of the sun."""
    for cx, cy, radius in TREES:
        right, down = x - cx, y - cy
        girth = 0.012 + 0.05 * np.clip(down - 1.6 * radius, 0, 1)
        trunk = (np.abs(right) < girth) & (down > 0) & (down < 1.9 * radius)
        mosaic.courses(trunk, x / TILE, y / TILE, ramp(right / 0.03 + 0.5, [SIENNA, PLUM, PLUM]))
        away = np.hypot(right, down)
        sunward = 0.5 + 0.9 * ((SUN[0] - cx) * right + (SUN[1] - cy) * down) / radius
        crown = ramp(sunward, [TEAL, VIRIDIAN, TURQUOISE, CREAM])
        ring = np.floor(away / (2 * LEAF)) % 3
        crown[ring == 1] = ramp(sunward, [NIGHT, VIRIDIAN, MOSS])[ring == 1]
        crown[ring == 2] = ramp(sunward, [CRIMSON, ORANGE, GOLD])[ring == 2]
        mosaic.rings(right, down, away < radius, crown, LEAF)


def cut_glass(mosaic: Mosaic) -> np.ndarray:
    """One colour [count, 3] per tile: the mean of what it shows, varied as glass is."""
    tile, rng = mosaic.tile.ravel(), mosaic.rng
    area = np.maximum(np.bincount(tile, minlength=mosaic.count), 1)
    channels = [
        np.bincount(tile, mosaic.colour[..., c].ravel(), minlength=mosaic.count) for c in range(3)
    ]
    glass = np.stack(channels, axis=-1) / area[:, None]
    glass *= 1 + 0.16 * rng.standard_normal((mosaic.count, 1))
    glass += 0.035 * rng.standard_normal((mosaic.count, 3))
    spark = rng.uniform(size=mosaic.count) < 0.04
    glass[spark] += 0.5 * (np.array(CREAM) - glass[spark])
    return glass


def set_tiles(mosaic: Mosaic) -> np.ndarray:
    """Set the tiles in dark mortar, each tilted a little: sRGB [h, w, 3] in 0..1."""
    tile, rng, height = mosaic.tile, mosaic.rng, mosaic.tile.shape[0]
    edge = np.zeros(tile.shape, np.uint8)
    edge[:, 1:][tile[:, 1:] != tile[:, :-1]] = 255
    edge[1:][tile[1:] != tile[:-1]] = 255
    # A seam is at least three pixels wide; where that is too wide for the size, it is fainter.
    wide = max(3, 2 * int(height * 0.00113) + 1)
    faint = min(1, height * 0.00226 / 3)
    seam = Image.fromarray(edge).filter(ImageFilter.MaxFilter(wide))
    mortar, slope = (
        faint * np.asarray(seam.filter(ImageFilter.GaussianBlur(height * radius)), float) / 255
        for radius in (0.0006, 0.0022)
    )
    down, right = np.gradient(-slope, 1 / height)
    tilt = 0.14 * rng.standard_normal(mosaic.count)
    bevel = (np.tanh((down + right) / 260) + tilt[tile])[..., None]
    lit = cut_glass(mosaic)[tile] * (1 + 0.28 * bevel) + 0.12 * np.clip(bevel, 0, 1) ** 2
    lit += 0.03 * smooth_noise(rng, tile.shape, 160, 200)[..., None]
    return np.clip(lit + mortar[..., None] * (np.array(MORTAR) - lit), 0, 1)


def harvest(height: int, rng: Rng) -> np.ndarray:
    """Lay the mosaic: sRGB [height, width, 3] in 0..1, width 5/4 of `height`."""
    y, x = np.mgrid[0:height, 0 : round(height * ASPECT)] / height
    mosaic = Mosaic(np.zeros((*x.shape, 3)), np.zeros(x.shape, int), rng)
    for lay in (lay_sky, lay_hills, lay_trees):
        lay(mosaic, x, y)
    return set_tiles(mosaic)
