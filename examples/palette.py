"""Pigments, and the ways to mix and vary them, that the example paintings share."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

Rng = np.random.Generator
Pigment = tuple[float, float, float]

# sRGB in 0..1
CREAM: Pigment = (0.99, 0.96, 0.83)
LEMON: Pigment = (0.98, 0.92, 0.50)
GOLD: Pigment = (0.97, 0.83, 0.36)
CADMIUM: Pigment = (0.99, 0.76, 0.12)
AMBER: Pigment = (0.98, 0.68, 0.14)
ORANGE: Pigment = (0.96, 0.50, 0.08)
OCHRE: Pigment = (0.74, 0.48, 0.14)
APRICOT: Pigment = (0.98, 0.74, 0.46)
ROSE: Pigment = (0.86, 0.45, 0.42)
VERMILION: Pigment = (0.86, 0.22, 0.10)
CRIMSON: Pigment = (0.60, 0.06, 0.14)
CARMINE: Pigment = (0.74, 0.10, 0.22)
MAGENTA: Pigment = (0.52, 0.10, 0.38)
LILAC: Pigment = (0.55, 0.42, 0.66)
VIOLET: Pigment = (0.24, 0.13, 0.38)
PLUM: Pigment = (0.20, 0.06, 0.18)
SIENNA: Pigment = (0.42, 0.20, 0.12)
LIME: Pigment = (0.80, 0.84, 0.40)
MOSS: Pigment = (0.50, 0.66, 0.22)
EMERALD: Pigment = (0.30, 0.62, 0.36)
VIRIDIAN: Pigment = (0.05, 0.40, 0.36)
PINE: Pigment = (0.04, 0.27, 0.30)
MINT: Pigment = (0.42, 0.76, 0.66)
TURQUOISE: Pigment = (0.45, 0.77, 0.74)
TEAL: Pigment = (0.05, 0.40, 0.44)
CERULEAN: Pigment = (0.16, 0.55, 0.76)
COBALT: Pigment = (0.08, 0.30, 0.70)
ULTRAMARINE: Pigment = (0.07, 0.13, 0.50)
INDIGO: Pigment = (0.26, 0.20, 0.52)
NIGHT: Pigment = (0.04, 0.05, 0.20)


def ramp(t: np.ndarray | float, pigments: Sequence[Pigment]) -> np.ndarray:
    """Mix evenly spaced `pigments` by `t` [...], held to 0..1: sRGB [..., 3].

    >>> ramp(0.5, [(0.0, 0.0, 0.0), (1.0, 0.5, 0.0)]).tolist()
    [0.5, 0.25, 0.0]
    """
    knots = np.linspace(0, 1, len(pigments))
    return np.stack([np.interp(t, knots, channel) for channel in np.transpose(pigments)], axis=-1)


def blend(below: np.ndarray, above: np.ndarray | Pigment, cover: np.ndarray) -> np.ndarray:
    """Lay colours `above` [..., 3] over `below` [..., 3] with opacity `cover` [...]."""
    return below + np.clip(cover, 0, 1)[..., None] * (np.asarray(above) - below)


def smooth_noise(rng: Rng, shape: tuple[int, int], rows: int, columns: int) -> np.ndarray:
    """Bicubic noise of about unit variance: `rows` x `columns` random knots over `shape`."""
    knots = rng.standard_normal((rows + 1, columns + 1)).astype(np.float32)
    smooth = Image.fromarray(knots).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(smooth)
