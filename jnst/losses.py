"""The losses of neural style transfer: pure functions of feature maps and of images.

A style loss is a pair: a `statistic` of a feature map, and a `distance` between the statistic of
the picture being made and that of the style. Statistics are taken once from the style and may be
averaged over several styles. Most depend on a map only through sums over its positions: those can
be put together from the sums of parts of a map, as content losses can, too.

Notation of the formulas: F is the generated map and P the content map, as C x M matrices with
M = H·W positions; A is the style's statistic.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from .arrays import FeatureMap, Image, Matrix, Scalar
from .moments import (
    GaussianAim,
    covariance_distance,
    mean_and_covariance,
    moment_sums,
    moments_of,
    moments_or_positions,
    raw_moments,
    wasserstein_aim,
    wasserstein_distance,
    wasserstein_relative_aim,
)
from .products import products
from .slices import HISTOGRAM, SLICED_WASSERSTEIN
from .style_loss import StyleLoss as StyleLoss
from .style_loss import mean_of, mean_square_distance

# A black picture has no energy: below this the relative losses are measured against it instead.
_TINY = 1e-12


def content_mean(features: FeatureMap, target: FeatureMap) -> Scalar:
    """Mean of (F − P)², as in Johnson's neural-style.

    Args:
        features: [h, w, C], of the picture being made.
        target: the same shape, of the content.

    Example:
        >>> float(content_mean(jnp.ones((2, 2, 3)), jnp.zeros((2, 2, 3))))
        1.0
    """
    return CONTENT_LOSSES["mean"](features, target)


def content_half_sum(features: FeatureMap, target: FeatureMap) -> Scalar:
    """½ Σ (F − P)² (Gatys, Ecker and Bethge, CVPR 2016, eq. 1).

    Example:
        >>> float(content_half_sum(jnp.ones((2, 2, 3)), jnp.zeros((2, 2, 3))))
        6.0
    """
    return CONTENT_LOSSES["half-sum"](features, target)


def content_relative(features: FeatureMap, target: FeatureMap) -> Scalar:
    """Σ (F − P)² / Σ P²: the share of the content's energy that is lost.

    Has no unit, so that one weight suits every layer, picture and network. Not from a paper.

    Example:
        >>> float(content_relative(jnp.zeros((2, 2, 3)), jnp.ones((2, 2, 3))))
        1.0
    """
    return CONTENT_LOSSES["relative"](features, target)


class ContentLoss(NamedTuple):
    """A content loss, as a function of sums: called with a map and its target it sums by itself.

    Attributes:
        of_sums: (Σ (F − P)², Σ P², number of elements C·M) -> scalar.

    Example:
        >>> float(ContentLoss(lambda lost, energy, size: lost / size)(jnp.ones((1, 2, 3)), 0.0))
        1.0
    """

    of_sums: Callable[[Scalar, Scalar, int], Scalar]

    def __call__(self, features: FeatureMap, target: FeatureMap | float) -> Scalar:
        lost, energy = jnp.square(features - target), jnp.square(target)
        return self.of_sums(jnp.sum(lost), jnp.sum(energy), features.size)


CONTENT_LOSSES: Mapping[str, ContentLoss] = {
    "mean": ContentLoss(lambda lost, energy, size: lost / size),
    "half-sum": ContentLoss(lambda lost, energy, size: 0.5 * lost),
    "relative": ContentLoss(
        lambda lost, energy, size: (lost / size) / jnp.maximum(energy / size, _TINY)
    ),
}


def gram(features: FeatureMap, weights: Array | None = None) -> Matrix:
    """The Gram matrix F Fᵀ [C, C], a sum over positions (Gatys et al. 2016, eq. 3).

    Args:
        features: [h, w, C].
        weights: [h, w] of the positions, at least 0; by default all 1 (Gatys et al., "Controlling
            perceptual factors in neural style transfer", CVPR 2017, eq. 4, weights the features,
            so by their squares).

    Returns:
        [C, C], symmetric, positive semidefinite, of the dtype of `features`.

    Example:
        >>> gram(jnp.ones((2, 3, 2))).tolist()
        [[6.0, 6.0], [6.0, 6.0]]
    """
    return products(features, weights)


def gram_per_position(features: FeatureMap) -> Matrix:
    """F Fᵀ / M, the mean over positions, so that pictures of different sizes compare."""
    return STYLE_LOSSES["gram-positions"].of_map(features)


def gram_per_element(features: FeatureMap) -> Matrix:
    """F Fᵀ / (C·M), the normalisation of Johnson's neural-style."""
    return STYLE_LOSSES["gram"].of_map(features)


def gatys_distance(statistic: Matrix, target: Matrix, positions: int) -> Scalar:
    """Σ (G − A)² / (4 C² M²) of two raw Gram matrices (Gatys et al. 2016, eq. 4).

    M is the number of positions of the picture being made; as in the paper, the style's own
    number has no part, so a style of another size weighs differently.
    """
    # Dividing before squaring keeps the square of a sum over a large picture inside float32.
    return jnp.mean(jnp.square((statistic - target) / (2.0 * positions)))


def relative_distance(statistic: Array, target: Array, positions: int) -> Scalar:
    """Σ (G − A)² / Σ A²: 1 for a picture without any style, 0 for a perfect match.

    Has no unit, so that every layer counts alike and a pale style as much as a vivid one. Not from
    a paper.
    """
    del positions
    energy = jnp.maximum(jnp.mean(jnp.square(target)), _TINY)
    return jnp.mean(jnp.square(statistic - target)) / energy


def _raw(gram: Matrix, positions: int) -> Matrix:
    del positions
    return gram


def _per_position(gram: Matrix, positions: int) -> Matrix:
    return gram / positions


def _per_element(gram: Matrix, positions: int) -> Matrix:
    return gram / (positions * gram.shape[-1])


def _gaussians(aim: Callable[[Array], GaussianAim]) -> StyleLoss:
    return StyleLoss(
        moment_sums, moments_of, wasserstein_distance, aim, sums_of_whole=moments_or_positions
    )


_GRAM_RELATIVE = StyleLoss(gram, _per_position, relative_distance)

STYLE_LOSSES: Mapping[str, StyleLoss] = {
    "gram": StyleLoss(gram, _per_element, mean_square_distance),
    "gram-positions": StyleLoss(gram, _per_position, mean_square_distance),
    "gram-relative": _GRAM_RELATIVE,
    "gram-gatys2016": StyleLoss(gram, _raw, gatys_distance),
    "covariance": StyleLoss(moment_sums, raw_moments, covariance_distance, mean_and_covariance),
    "wasserstein": _gaussians(wasserstein_aim),
    "wasserstein-relative": _gaussians(wasserstein_relative_aim),
    "sliced-wasserstein": SLICED_WASSERSTEIN,
    "histogram": HISTOGRAM,
    "gram+histogram": mean_of(_GRAM_RELATIVE, HISTOGRAM),
}


def tv_l1(image: Image, whole: tuple[int, int] | None = None) -> Scalar:
    """Total variation Σ|dx| + Σ|dy| over all neighbouring pixels (neural-style-pt).

    Example, a checkerboard of 0 and 1, four unit steps in each channel of 2x2 pixels:
        >>> board = jnp.array([[0.0, 1.0], [1.0, 0.0]])[..., None]
        >>> float(tv_l1(board))
        4.0
    """
    del whole
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
    del whole
    corner = image[:-1, :-1]
    right, down = image[:-1, 1:] - corner, image[1:, :-1] - corner
    return 0.5 * (jnp.sum(jnp.square(right)) + jnp.sum(jnp.square(down)))


def tv_nine_point(image: Image, whole: tuple[int, int] | None = None) -> Scalar:
    """2 (dx²/3 + dy²/3 + d²/12 + d'²/12), means over pixels, d and d' the diagonal differences.

    The border is repeated once, so a border pixel counts like any other. Being a mean, it does not
    depend on the size of the picture (style-transfer-pytorch; nine-point stencil of the Laplacian).

    Args:
        image: [H, W, C].
        whole: (H, W) of a picture of which these are some rows: what they add to its means.

    Example, a flat picture and a ramp of slope 1 to the right, whose last difference is 0:
        >>> float(tv_nine_point(jnp.ones((3, 3, 3))))
        0.0
        >>> ramp = jnp.tile(jnp.arange(4.0)[None, :, None], (4, 1, 3))
        >>> round(float(tv_nine_point(ramp)), 3)
        0.6
    """
    padded = jnp.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = whole or image.shape[:2]

    def mean_square(differences: Array, down: int, right: int) -> Scalar:
        count = (height + 2 - down) * (width + 2 - right) * image.shape[-1]
        return jnp.sum(jnp.square(differences)) / count

    along = mean_square(padded[:, 1:] - padded[:, :-1], 0, 1)
    along += mean_square(padded[1:] - padded[:-1], 1, 0)
    across = mean_square(padded[1:, 1:] - padded[:-1, :-1], 1, 1)
    across += mean_square(padded[1:, :-1] - padded[:-1, 1:], 1, 1)
    return 2.0 * (along / 3.0 + across / 12.0)


class TotalVariation(NamedTuple):
    """A total variation and its degree: scaling the image by s scales the value by s^degree.

    Attributes:
        value: of an image, or what some rows add to that of a whole of (H, W); of rows that overlap
            by one, less what the shared rows have alone (see `jnst.tile_variation`).
        degree: 1 or 2.
    """

    value: Callable[[Image, tuple[int, int] | None], Scalar]
    degree: int


TV_LOSSES: Mapping[str, TotalVariation] = {
    "l1": TotalVariation(tv_l1, 1),
    "l2": TotalVariation(tv_l2, 2),
    "nine-point": TotalVariation(tv_nine_point, 2),
}
