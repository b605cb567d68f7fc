"""Content losses: distances between a layer's feature map and that of the photograph.

F is the generated map and P the content map, with M = H·W positions and C channels. A content loss
depends on the maps only through sums over positions, so it can be computed from the sums of parts
of a map.

The photograph's fine structure may weight the positions. A few strokes ruin a face, a hand or a
line of text but do not harm a sky. So the weight of a position is the detail around it: the root
mean square of the photograph's slopes, in a neighbourhood of a few hundredths of the picture. The
weights have mean 1, which preserves the scale of the loss. Not from a paper.

Judged by eye at 192 pixels: in a portrait painted like a night sky, at six times the default
content weight, eyes and mouth are clearer and the sky looks more like a sky; at the default content
weight the face is lost either way; a page of print is no easier to read, because faint print has
little detail.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array
from numpy.typing import ArrayLike

from ..arrays import FeatureMap, Features, Image, Scalar
from ..network.architecture import LAYERS, halvings
from .style import LEAST_ENERGY

_NEIGHBOURHOOD = 0.02
# Upper limit of the slope, in units of its mean.
_MOST = 3.0


def content_mean(features: FeatureMap, target: FeatureMap) -> Scalar:
    """Mean of (F − P)², as in Johnson's neural-style.

    Args:
        features: [h, w, C], of the generated image.
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

    Dimensionless, so one weight suits every layer, picture and network. Not from a paper.

    Example:
        >>> float(content_relative(jnp.zeros((2, 2, 3)), jnp.ones((2, 2, 3))))
        1.0
    """
    return CONTENT_LOSSES["relative"](features, target)


class ContentLoss(NamedTuple):
    """A content loss as a function of sums; calling it with a map and its target computes them.

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
        lambda lost, energy, size: (lost / size) / jnp.maximum(energy / size, LEAST_ENERGY)
    ),
}


@jax.jit
def detail(image: Image) -> Array:
    """The amount of fine structure around each pixel, [H, W], with mean 1.

    Args:
        image: [H, W, 3].

    Example, flat on the left, stripes on the right:
        >>> row = jnp.arange(64)
        >>> stripes = jnp.tile((row % 4 > 1) & (row > 31), (64, 1)) * 1.0
        >>> structure = detail(jnp.stack([stripes] * 3, -1))
        >>> round(float(structure[:, :16].max()), 3), round(float(structure[:, 48:60].min()), 1)
        (0.0, 2.0)
    """
    gray = jnp.mean(image, axis=-1)
    padded = jnp.pad(gray, 1, mode="edge")
    down, across = padded[2:, 1:-1] - padded[:-2, 1:-1], padded[1:-1, 2:] - padded[1:-1, :-2]
    energy = jnp.square(down) + jnp.square(across)
    reach = max(1, round(_NEIGHBOURHOOD * max(gray.shape) / 2))
    # Three successive box filters approximate a Gaussian.
    for _ in range(3):
        energy = _box(_box(energy, reach).T, reach).T
    slope = jnp.sqrt(jnp.maximum(energy, 0.0))
    return _of_mean_one(jnp.minimum(slope, _MOST * jnp.mean(slope)))


@partial(jax.jit, static_argnames="depth")
def position_weights(image: Image, strength: Array | float, depth: int) -> Array:
    """The position weights of a layer, [h, w], with mean 1: (1 − s) + s · detail.

    Args:
        image: [H, W, 3].
        strength: s, 0 for none, up to 1.
        depth: number of poolings before that layer.
    """
    structure = detail(image)
    for _ in range(depth):
        height, width = (side // 2 for side in structure.shape)
        squares = structure[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
        structure = jnp.mean(squares, axis=(1, 3))
    return 1.0 - strength + strength * _of_mean_one(structure)


class ContentTarget(NamedTuple):
    """The target of a layer's map; a pytree.

    Attributes:
        features: [h, w, C], the content's activations.
        weights: [h, w, 1], the position weights, with mean 1; None if all are equal.
    """

    features: Array
    weights: Array | None = None


def content_targets(
    maps: Features, image: ArrayLike, strength: float, network: str
) -> dict[str, ContentTarget]:
    """The content's maps, with position weights from its fine structure.

    Args:
        maps: layer to [h, w, C], NumPy or JAX.
        image: [H, W, 3], the content.
        strength: strength of the weights, see `position_weights`; 0 for none.
        network: "vgg16" or "vgg19".
    """
    if not strength:
        return {layer: ContentTarget(features) for layer, features in maps.items()}
    pixels = jnp.asarray(image)
    depths = {layer: halvings(LAYERS[network], layer) for layer in maps}
    return {
        layer: ContentTarget(features, position_weights(pixels, strength, depths[layer])[..., None])
        for layer, features in maps.items()
    }


def content_sums(features: FeatureMap, target: ContentTarget) -> tuple[Array, Array]:
    """Σ w (F − P)² and Σ P² over a map [h, w, C], with the target's weights w, or w = 1.

    Example:
        >>> target = ContentTarget(jnp.array([[[1.0], [1.0]]]), jnp.array([[[2.0], [0.0]]]))
        >>> [float(total) for total in content_sums(jnp.array([[[4.0], [5.0]]]), target)]
        [18.0, 2.0]
    """
    squares = jnp.square(features - target.features)
    if target.weights is not None:
        squares = target.weights * squares
    return jnp.sum(squares), jnp.sum(jnp.square(target.features))


def _of_mean_one(values: Array) -> Array:
    mean = jnp.mean(values)
    return jnp.where(mean > 0, values / jnp.where(mean > 0, mean, 1.0), 1.0)


def _box(values: Array, reach: int) -> Array:
    """Means over `reach` rows on both sides; the border row is repeated outwards."""
    padded = jnp.pad(values, ((reach + 1, reach), (0, 0)), mode="edge")
    # Subtract the mean, since its running sum would cost float32 digits.
    mean = jnp.mean(values)
    sums = jnp.cumsum(padded - mean, axis=0)
    width = 2 * reach + 1
    return mean + (sums[width:] - sums[:-width]) / width
