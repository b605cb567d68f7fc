"""The total variation of a picture and its derivative, exactly, by bands of rows.

At once, the differences in all directions and their derivatives are a dozen pictures in memory.
But a total variation is a sum over neighbours: what two bands that share a row count twice is what
this row counts alone,

    TV(A ∪ B) = TV(A) + TV(B) − TV(A ∩ B),

also where the border is repeated, as the nine-point one does: then each band repeats the shared row
once, and it alone repeats itself twice.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Array
from numpy.typing import ArrayLike, NDArray

from ...arrays import Image, Scalar
from ...losses import LossWeights
from ...losses.objective import Terms, variation

Map = NDArray[np.float32]


def variation_by_bands(
    image: ArrayLike, weights: LossWeights, terms: Terms, *, rows: int
) -> np.float32:
    """What `jnst.losses.objective.variation` gives, up to rounding; summed up in float64.

    Args:
        image: [H, W, 3].
        weights, terms: of the objective.
        rows: of a band, and one more.
    """
    values = np.asarray(image, np.float32)
    parts = (
        float(_value(band, below, weights, terms, values.shape[:2]))
        for _, band, below in _bands(values, rows)
    )
    return np.float32(sum(parts))


def add_variation(
    gradient: Map, image: ArrayLike, weights: LossWeights, terms: Terms, *, rows: int
) -> None:
    """Adds the derivative of the total variation by the image to `gradient`, in its place."""
    values = np.asarray(image, np.float32)
    for start, band, below in _bands(values, rows):
        part = _derivative(band, below, weights, terms, values.shape[:2])
        gradient[start : start + len(band)] += np.asarray(part)


def _bands(image: Map, rows: int) -> Iterator[tuple[int, Map, np.float32]]:
    """First row, band, and whether another lies above, whose last row is this one's first."""
    for start in range(0, max(len(image) - 1, 1), rows):
        yield start, image[start : start + rows + 1], np.float32(start > 0)


def _part(
    band: Image, below: Array, weights: LossWeights, terms: Terms, whole: tuple[int, int]
) -> Scalar:
    of = partial(variation, weights=weights, terms=terms, whole=whole)
    return of(band) - below * of(band[:1])


_value: Any = jax.jit(_part, static_argnames=("terms", "whole"))
_derivative: Any = jax.jit(jax.grad(_part), static_argnames=("terms", "whole"))
