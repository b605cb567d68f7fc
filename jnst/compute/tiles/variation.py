"""The total variation of a picture and its derivative, exactly, by bands of rows.

For the whole picture, the differences and their derivatives take as much memory as a dozen
pictures. But two bands that share a row count the variation of this row twice, also where it
repeats the border: TV(A ∪ B) = TV(A) + TV(B) − TV(A ∩ B).
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import numpy as np

from ...arrays import Array, ArrayLike, Image, Pixels, Scalar
from ...losses import LossWeights
from ...losses.objective import Terms, variation


def variation_by_bands(
    image: ArrayLike, weights: LossWeights, terms: Terms, *, rows: int
) -> np.float32:
    """`jnst.losses.objective.variation` up to rounding; `rows` counts without the shared row."""
    values = np.asarray(image, np.float32)
    parts = (
        float(_value(band, below, weights, terms, values.shape[:2]))
        for _, band, below in _bands(values, rows)
    )
    return np.float32(sum(parts))


def add_variation(
    gradient: Pixels, image: ArrayLike, weights: LossWeights, terms: Terms, *, rows: int
) -> None:
    """Adds the derivative of the total variation by the image to `gradient` in place."""
    values = np.asarray(image, np.float32)
    for start, band, below in _bands(values, rows):
        part = _derivative(band, below, weights, terms, values.shape[:2])
        gradient[start : start + len(band)] += np.asarray(part)


def _bands(image: Pixels, rows: int) -> Iterator[tuple[int, Pixels, np.float32]]:
    """Yields first row, band, and 1 if a band above shares this band's first row, else 0."""
    for start in range(0, max(len(image) - 1, 1), rows):
        yield start, image[start : start + rows + 1], np.float32(start > 0)


def _part(
    band: Image, below: Array, weights: LossWeights, terms: Terms, whole: tuple[int, int]
) -> Scalar:
    tv = partial(variation, weights=weights, terms=terms, whole=whole)
    return tv(band) - below * tv(band[:1])


_value: Any = jax.jit(_part, static_argnames=("terms", "whole"))
_derivative: Any = jax.jit(jax.grad(_part), static_argnames=("terms", "whole"))
