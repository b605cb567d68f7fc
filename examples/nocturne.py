"""The painting "Nocturne": a moonlit bay with a sail, under a sky of eddies.

Places and lengths are in picture heights; y runs down from 0 to 1, x from 0 to `ASPECT`.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from brush import Brush, Canvas, along_contours, layer, light, spine_through, stroke
from palette import (
    APRICOT,
    CADMIUM,
    CERULEAN,
    COBALT,
    CREAM,
    EMERALD,
    INDIGO,
    LEMON,
    LILAC,
    LIME,
    MINT,
    MOSS,
    NIGHT,
    ORANGE,
    PINE,
    ROSE,
    SIENNA,
    TURQUOISE,
    ULTRAMARINE,
    VERMILION,
    VIOLET,
    VIRIDIAN,
    Rng,
    blend,
    ramp,
    smooth_noise,
)

ASPECT = 1.25
SHORE = 0.70
MOON = (0.94, 0.22, 0.062)  # x, y, radius
STARS = (
    *((0.10, 0.13, 0.017), (0.30, 0.075, 0.013), (0.52, 0.12, 0.019), (0.70, 0.06, 0.012)),
    *((1.17, 0.08, 0.014), (0.17, 0.42, 0.014), (0.66, 0.50, 0.011), (1.12, 0.47, 0.016)),
    *((0.74, 0.27, 0.012), (0.055, 0.30, 0.010)),
)
LAMPS = (MOON, *STARS)
EDDIES = ((0.38, 0.30, 0.13, 2.6), (0.62, 0.385, 0.075, -2.4), (1.18, 0.29, 0.06, -1.6))
WINDOWS = (0.585, 0.655, 0.685, 0.775, 1.10, 1.135, 1.19, 0.085, 0.125)
LOADED = Brush(0.01, 0.1, streak=0.06, load=1.35, body=1.2)

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Scene:
    """What to paint at each pixel: `colour` and `flow` [h, w, 3 and 2], masks [h, w] in 0..1."""

    colour: np.ndarray
    flow: np.ndarray
    detail: np.ndarray
    swirl: np.ndarray


def paint_sky(x: np.ndarray, y: np.ndarray, rng: Rng) -> Pair:
    """Colours of the sky, and the field whose contour lines its strokes follow."""
    noise = partial(smooth_noise, rng, x.shape)
    field = 0.9 * y + 0.055 * noise(3, 4) + 0.012 * noise(7, 9)
    eddy = np.zeros(x.shape)
    for cx, cy, radius, strength in EDDIES:
        near = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * radius**2))
        field += strength * radius * near
        eddy += near
    for cx, cy, radius in LAMPS:
        field += 3 * radius * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2.4 * radius) ** 2)
    bands = 0.5 + 0.5 * np.sin(field * 40 + 0.8 * noise(6, 8))
    low = np.clip(y / SHORE, 0, 1)
    tone = 0.12 + 0.26 * low**2 + 0.42 * bands * (0.6 + 0.4 * low)
    tone += 0.22 * eddy + 0.05 * noise(9, 12)
    colour = ramp(tone, [NIGHT, ULTRAMARINE, COBALT, CERULEAN, TURQUOISE, LEMON])
    dusk = ramp((y - 0.43) / 0.13, [TURQUOISE, CREAM, APRICOT, ROSE, ROSE])
    haze = np.exp(-(((y - 0.60) / 0.085) ** 2)) * np.clip((y - 0.44) / 0.06, 0, 1)
    return blend(colour, dusk, haze * (0.62 + 0.33 * bands)), field


def light_lamps(x: np.ndarray, y: np.ndarray, colour: np.ndarray, rng: Rng) -> np.ndarray:
    """Moon and stars in broken haloes, which pass from yellow to blue by way of green."""
    tremble = 0.9 * smooth_noise(rng, x.shape, 12, 15)
    for cx, cy, radius in LAMPS:
        away = np.hypot(x - cx, y - cy) / radius
        halo = ramp(away / 4.6, [CREAM, LEMON, CADMIUM, LIME, MINT, CERULEAN])
        rings = np.where(away < 1.3, 1, 0.75 + 0.5 * np.cos(2.6 * away + tremble))
        cover = rings * np.exp(-((away / 3.3) ** 3))
        colour = blend(blend(colour, MINT, 1.9 * cover), halo, 2.2 * cover - 0.7)
    return colour


def paint_hills(x: np.ndarray, y: np.ndarray, sky: Pair, rng: Rng) -> Pair:
    """Three ranges over the sky, lit along their ridges."""
    colour, field = sky
    rough = 0.010 * smooth_noise(rng, (1, x.shape[1]), 1, 9)
    ranges = (
        (0.600 + 0.028 * np.sin(5.2 * x + 0.6) + rough, [LILAC, VIOLET, INDIGO]),
        (0.632 + 0.036 * np.sin(3.9 * x + 2.6) - rough, [EMERALD, VIRIDIAN, PINE, VIRIDIAN]),
        (0.672 + 0.024 * np.sin(2.6 * x - 1.2) + rough, [MOSS, PINE, NIGHT, VIOLET]),
    )
    for ridge, pigments in ranges:
        land = y > ridge
        tone = (y - ridge) / 0.10 + 0.16 * smooth_noise(rng, x.shape, 20, 20)
        contour = 2 + y - 0.6 * ridge + 0.004 * smooth_noise(rng, x.shape, 16, 16)
        colour = np.where(land[..., None], ramp(tone, pigments), colour)
        field = np.where(land, contour, field)
    return colour, field


def paint_water(x: np.ndarray, y: np.ndarray, above: Pair, rng: Rng) -> Pair:
    """The bay: what is above the shore mirrored, darkened, and broken into ripples."""
    colour, field = above
    height, width = x.shape
    ripple = smooth_noise(rng, x.shape, 90, 10)
    row = np.clip((2 * SHORE - y - 0.12 * ripple * (y - SHORE)) * height, 0, height - 1)
    column = np.clip((x + 0.02 * ripple) * height, 0, width - 1)
    mirror = colour[row.astype(int), column.astype(int)]
    deep = ramp((y - SHORE) / 0.3 + 0.15 * ripple, [CERULEAN, COBALT, ULTRAMARINE, NIGHT])
    sea = blend(mirror, deep, 0.38 + 0.2 * ripple)
    below = y > SHORE
    swell = 4 + y + 0.006 * smooth_noise(rng, x.shape, 24, 8)
    return np.where(below[..., None], sea, colour), np.where(below, swell, field)


def compose(height: int, rng: Rng) -> Scene:
    """Draw the whole picture as smooth colours and directions, for the brushes to follow."""
    y, x = np.mgrid[0:height, 0 : round(height * ASPECT)] / height
    colour, field = paint_sky(x, y, rng)
    hills = paint_hills(x, y, (light_lamps(x, y, colour, rng), field), rng)
    colour, field = paint_water(x, y, hills, rng)
    flow = along_contours(field)
    swirl = np.zeros(x.shape)
    for cx, cy, radius in LAMPS:
        away = np.hypot(x - cx, y - cy) + 1e-9
        pull = np.exp(-((away / (3.6 * radius)) ** 4))
        flow = blend(flow, np.stack([cy - y, x - cx], axis=-1) / away[..., None], pull)
        swirl = np.maximum(swirl, pull)
    for cx, cy, radius, _ in EDDIES:
        swirl = np.maximum(swirl, np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (0.4 * radius) ** 2))
    flow /= np.linalg.norm(flow, axis=-1, keepdims=True) + 1e-9
    edges = np.abs(np.gradient(colour.mean(axis=-1), 1 / height)).sum(axis=0)
    return Scene(colour, flow, np.clip(edges / 8, 0.15, 1), swirl)


def touch(
    canvas: Canvas,
    rng: Rng,
    points: np.ndarray | list[tuple[float, float]],
    width: float,
    tones: np.ndarray,
) -> None:
    """One deliberate stroke through `points`, full of thick paint, `tones` [2, 3] on its sides."""
    height = canvas.relief.shape[0]
    spine = spine_through(points) * height
    stroke(canvas, spine, max(1.5, width * height), tones, LOADED, rng)


def touch_lamps(canvas: Canvas, rng: Rng) -> None:
    """Moon and stars: short arcs of thick paint, palest in the middle."""
    for cx, cy, radius in LAMPS:
        for _ in range(8 + int(radius * 700)):
            reach = radius * rng.uniform() ** 0.6
            turn = rng.uniform(0, 2 * np.pi) + np.linspace(0, rng.uniform(0.8, 1.8), 9)
            reaches = reach * (1 + 0.12 * rng.standard_normal() * np.linspace(-1, 1, 9))
            arc = np.stack([cx + reaches * np.cos(turn), cy + reaches * np.sin(turn)], axis=-1)
            pale = 1.1 - reach / radius + 0.25 * rng.standard_normal(2)
            touch(canvas, rng, arc, max(0.009, radius * 0.24), ramp(pale, [CADMIUM, LEMON, CREAM]))


def touch_windows(canvas: Canvas, rng: Rng) -> None:
    """Lit windows along the shore and their trembling reflections."""
    for x in WINDOWS:
        y = SHORE - 0.012 - 0.02 * rng.uniform()
        glow = ramp(rng.uniform(size=2), [ORANGE, CADMIUM, LEMON])
        touch(canvas, rng, [(x - 0.006, y), (x + 0.007, y)], 0.016, glow)
        for k in range(rng.integers(4, 9)):
            y = SHORE + 0.010 + 0.011 * k * rng.uniform(0.8, 1.3)
            reach = rng.uniform(0.007, 0.020) / (1 + 0.1 * k)
            middle = x + 0.006 * rng.standard_normal()
            glow = ramp(rng.uniform(size=2), [VERMILION, ORANGE, CADMIUM])
            touch(canvas, rng, [(middle - reach, y), (middle + reach, y)], 0.008, glow)


def touch_moon_road(canvas: Canvas, rng: Rng) -> None:
    """The moon's road on the water: broken dabs, wider and sparser towards the viewer."""
    for _ in range(120):
        depth = rng.uniform()
        y = SHORE + 0.012 + 0.28 * depth
        x = MOON[0] + rng.standard_normal() * (0.022 + 0.06 * depth)
        reach = rng.uniform(0.008, 0.026) * (0.7 + 0.8 * depth)
        glow = ramp(
            0.5 * rng.uniform(size=2) + 0.5 * rng.uniform(), [ORANGE, CADMIUM, LEMON, CREAM]
        )
        bow = [(x - reach, y), (x, y + 0.003), (x + reach, y)]
        touch(canvas, rng, bow, 0.007 + 0.006 * depth, glow)


def touch_boat(canvas: Canvas, rng: Rng, x: float = 0.36, y: float = 0.80) -> None:
    """A boat under two sails that take the moon's light from the right, and its reflection."""
    put = partial(touch, canvas, rng)
    for depth in np.linspace(0, 1, 26):
        reach = 0.075 * (1 - 0.65 * depth) * rng.uniform(0.6, 1.1)
        middle, low = x + 0.012 + 0.012 * rng.standard_normal(), y + 0.006 + 0.12 * depth
        bow = [(middle - reach, low), (middle, low + 0.003), (middle + reach, low)]
        put(bow, 0.008, ramp(rng.uniform(size=2), [VERMILION, ORANGE, CADMIUM, VIOLET]))
    for t in np.linspace(0, 1, 12):
        foot, head = x - 0.080 + 0.098 * t, x + 0.010 + 0.008 * t
        waist = foot - 0.02 * np.sin(np.pi * t) - 0.012 + 0.03 * (1 - t)
        sail = [(foot, y - 0.02), (waist, y - 0.09), (head, y - 0.215 - 0.03 * t)]
        tones = ramp(
            t + rng.uniform(-0.12, 0.12, 2), [VIOLET, VERMILION, VERMILION, ORANGE, CADMIUM]
        )
        put(sail, 0.020, tones)
    for t in np.linspace(0, 1, 8):
        foot, head = x + 0.032 + 0.075 * t, x + 0.026 + 0.004 * t
        jib = [(foot, y - 0.018), (foot - 0.012, y - 0.08), (head, y - 0.205 + 0.02 * t)]
        put(jib, 0.017, ramp(t + rng.uniform(-0.15, 0.15, 2), [ORANGE, CADMIUM, LEMON, CREAM]))
    put([(x - 0.082, y - 0.022), (x + 0.11, y - 0.024)], 0.011, np.array([SIENNA, VIOLET]))
    put([(x + 0.022, y), (x + 0.022, y - 0.255)], 0.006, np.array([SIENNA, NIGHT]))
    planks = ramp(np.array([(0, 0), (0, 1), (0.5, 1), (1, 1)]), [SIENNA, VIOLET, NIGHT])
    for d, tones in zip(0.0075 * np.arange(4), planks, strict=True):
        hull = [(x - 0.088 + d, y - 0.014 + d), (x, y - 0.002 + d), (x + 0.10 - d, y - 0.018 + d)]
        put(hull, 0.013, tones)


def nocturne(height: int, rng: Rng) -> np.ndarray:
    """Paint the picture: sRGB [height, width, 3] in 0..1, width 5/4 of `height`."""
    scene = compose(height, rng)
    # A warm ground glints between the strokes; pure sienna would look like holes in the sky.
    canvas = Canvas.primed(blend(scene.colour, SIENNA, np.full(scene.swirl.shape, 0.3)))
    paint = partial(layer, canvas, scene.colour, scene.flow)
    paint(Brush(0.045, 0.22), 900, rng, 1 - 0.7 * scene.swirl)
    paint(Brush(0.024, 0.16, load=0.95), 3000, rng, 1 - 0.7 * scene.swirl)
    paint(Brush(0.014, 0.10, load=0.9), 7000, rng, scene.detail)
    paint(Brush(0.013, 0.055, streak=0.08, body=1.2), 6000, rng, scene.swirl)
    for finish in (touch_windows, touch_moon_road, touch_boat, touch_lamps):
        finish(canvas, rng)
    return light(canvas)
