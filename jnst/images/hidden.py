"""Transparent pixels: colours for those that nobody sees, and masks drawn in alpha."""

import numpy as np

from ..arrays import Pixels

_ALIKE = 0.1  # largest difference between numbers that count as one colour, or as gray


def fill_hidden(pixels: Pixels, alpha: Pixels) -> Pixels:
    """The pixels, those with alpha 0 in the colour of the nearest visible one, or black."""
    from scipy import ndimage

    hidden = alpha == 0
    if hidden.all():
        return np.zeros_like(pixels)
    if not hidden.any():
        return pixels
    options = {"return_distances": False, "return_indices": True}
    rows, columns = ndimage.distance_transform_edt(hidden, **options)
    return np.asarray(pixels[rows, columns])


def mask_of(path: object, pixels: Pixels, alpha: Pixels | None) -> Pixels:
    """The mask [h, w] that a picture shows, by its gray, its alpha, or both.

    A picture of one colour shows its shape in its alpha alone; elsewhere what is transparent is
    outside. Raises ValueError for a picture in colour.
    """
    if alpha is not None and alpha.min() < 1:
        visible = pixels[alpha > 0]
        if not len(visible) or np.ptp(visible, axis=0).max() <= _ALIKE:
            return alpha
    if np.ptp(pixels, axis=-1).max() > _ALIKE:
        raise ValueError(f"{path} is in colour: a mask is gray, white inside and black outside")
    gray = np.asarray(pixels.mean(axis=-1), np.float32)
    return gray if alpha is None else gray * alpha
