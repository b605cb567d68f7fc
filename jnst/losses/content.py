"""Content losses: how far the maps of a layer are from the photograph's.

F is the generated map and P the content map, M = H·W positions of C channels. A content loss
depends on them only through sums over the positions, so it can be put together from the sums of
parts of a map.

The positions may be weighted by the photograph's fine structure. A face, a hand or a line of text
is lost by a few strokes that would do a sky no harm. So a position counts by how much detail the
photograph has around it: the root of the mean square of its slopes, in a neighbourhood of some
hundredths of the picture. The weights have the mean 1, and the loss as a whole keeps its size. Not
from a paper.

Looked at at 192 pixels: in a portrait painted like a night sky, at six times the default content
weight, eyes and mouth are clearer and the sky is more of a sky; at the default content weight the
face is lost either way; a page of print is no easier to read, as faint print has little detail.
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

# A black picture has no energy: below this the relative loss is measured against it instead.
_TINY = 1e-12
_NEIGHBOURHOOD = 0.02
# Beyond this many times the mean, more detail does not count as more.
_MOST = 3.0


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


@jax.jit
def detail(image: Image) -> Array:
    """How much fine structure there is around each pixel, [H, W], of mean 1.

    Args:
        image: [H, W, 3].

    Example, flat on the left, stripes on the right:
        >>> row = jnp.arange(64)
        >>> stripes = jnp.tile((row % 4 > 1) & (row > 31), (64, 1)) * 1.0
        >>> found = detail(jnp.stack([stripes] * 3, -1))
        >>> round(float(found[:, :16].max()), 3), round(float(found[:, 48:60].min()), 1)
        (0.0, 2.0)
    """
    gray = jnp.mean(image, axis=-1)
    padded = jnp.pad(gray, 1, mode="edge")
    down, across = padded[2:, 1:-1] - padded[:-2, 1:-1], padded[1:-1, 2:] - padded[1:-1, :-2]
    energy = jnp.square(down) + jnp.square(across)
    reach = max(1, round(_NEIGHBOURHOOD * max(gray.shape) / 2))
    # Three boxes after one another are nearly a Gaussian.
    for _ in range(3):
        energy = _box(_box(energy, reach).T, reach).T
    slope = jnp.sqrt(jnp.maximum(energy, 0.0))
    return _of_mean_one(jnp.minimum(slope, _MOST * jnp.mean(slope)))


@partial(jax.jit, static_argnames="depth")
def position_weights(image: Image, strength: Array | float, depth: int) -> Array:
    """The weights of the positions of a layer, [h, w], of mean 1: (1 − s) + s · detail.

    Args:
        image: [H, W, 3].
        strength: s, 0 for none, up to 1.
        depth: how often the network pools before that layer.
    """
    found = detail(image)
    for _ in range(depth):
        height, width = (side // 2 for side in found.shape)
        squares = found[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
        found = jnp.mean(squares, axis=(1, 3))
    return 1.0 - strength + strength * _of_mean_one(found)


class ContentTarget(NamedTuple):
    """What a layer's map is compared with; a pytree.

    Attributes:
        features: [h, w, C], the content's activations.
        weights: [h, w, 1], how much each position counts, of mean 1; None if all count alike.
    """

    features: Array
    weights: Array | None = None


def content_targets(
    maps: Features, image: ArrayLike, strength: float, network: str
) -> dict[str, ContentTarget]:
    """The content's maps, with weights by its fine structure.

    Args:
        maps: layer to [h, w, C], NumPy or JAX.
        image: [H, W, 3], the content.
        strength: of the weights, see `position_weights`; 0 for none.
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
    """Σ w (F − P)² and Σ P² over a map [h, w, C], with the weights w of the target, or 1.

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
    """Means over `reach` rows to both sides; beyond the border its row is repeated."""
    padded = jnp.pad(values, ((reach + 1, reach), (0, 0)), mode="edge")
    # Relative to the mean: a running sum of it would cost digits.
    mean = jnp.mean(values)
    sums = jnp.cumsum(padded - mean, axis=0)
    width = 2 * reach + 1
    return mean + (sums[width:] - sums[:-width]) / width
