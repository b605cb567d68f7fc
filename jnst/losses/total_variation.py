"""Total variation: how much neighbouring pixels differ, in three published forms."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax.numpy as jnp

from ..arrays import Array, Image, Scalar, as_sums


def tv_l1(image: Image, whole: tuple[int, int] | None = None) -> Scalar:
    """Total variation Σ|dx| + Σ|dy| over all neighbouring pixels (neural-style-pt).

    Example, a checkerboard of 0 and 1, four unit steps in each channel of 2x2 pixels:
        >>> board = jnp.array([[0.0, 1.0], [1.0, 0.0]])[..., None]
        >>> float(tv_l1(board))
        4.0
    """
    image = as_sums(image, "image")
    return jnp.sum(jnp.abs(jnp.diff(image, axis=0))) + jnp.sum(jnp.abs(jnp.diff(image, axis=1)))


def tv_l2(image: Image, whole: tuple[int, int] | None = None) -> Scalar:
    """½ Σ (dx² + dy²) over the pixels that have both neighbours (Johnson's neural-style).

    The sum runs over i < H − 1 and j < W − 1 for both differences, as the Torch program's
    gradient does; the Torch program leaves the value out of the loss that it prints.

    Example:
        >>> board = jnp.array([[0.0, 1.0], [1.0, 0.0]])[..., None]
        >>> float(tv_l2(board))
        1.0
    """
    image = as_sums(image, "image")
    corner = image[:-1, :-1]
    right, down = image[:-1, 1:] - corner, image[1:, :-1] - corner
    return 0.5 * (jnp.sum(jnp.square(right)) + jnp.sum(jnp.square(down)))


def tv_nine_point(image: Image, whole: tuple[int, int] | None = None) -> Scalar:
    """2 (dx²/3 + dy²/3 + d²/12 + d'²/12), means over pixels, d and d' the diagonal differences.

    The border is repeated once, so a border pixel counts like any other. Being a mean, it does not
    depend on the size of the picture (style-transfer-pytorch; nine-point stencil of the Laplacian).

    Args:
        image: [H, W, C].
        whole: (H, W) of the whole picture, if `image` is some of its rows; returns their part.

    Example, a ramp of slope 1 to the right, whose last difference is 0:
        >>> ramp = jnp.tile(jnp.arange(4.0)[None, :, None], (4, 1, 3))
        >>> round(float(tv_nine_point(ramp)), 3)
        0.6
    """
    image = as_sums(image, "image")
    padded = jnp.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = whole or image.shape[:2]

    def mean_square(differences: Array, down: int, right: int) -> Scalar:
        count = (height + 2 - down) * (width + 2 - right) * image.shape[-1]
        return jnp.sum(jnp.square(differences)) / count

    axial = mean_square(padded[:, 1:] - padded[:, :-1], 0, 1)
    axial += mean_square(padded[1:] - padded[:-1], 1, 0)
    diagonal = mean_square(padded[1:, 1:] - padded[:-1, :-1], 1, 1)
    diagonal += mean_square(padded[1:, :-1] - padded[:-1, 1:], 1, 1)
    return 2.0 * (axial / 3.0 + diagonal / 12.0)


class TotalVariation(NamedTuple):
    """A total variation: of an image, or the part of some rows of a whole of (H, W)."""

    value: Callable[[Image, tuple[int, int] | None], Scalar]
    degree: int  # scaling the image by s scales the value by s^degree


TV_LOSSES: Mapping[str, TotalVariation] = {
    "l1": TotalVariation(tv_l1, 1),
    "l2": TotalVariation(tv_l2, 2),
    "nine-point": TotalVariation(tv_nine_point, 2),
}
