"""The objective that an image is optimised for: weighted content, style and total variation."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from operator import mul
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ..arrays import AnyImage, Array, Features, Image, Scalar, as_sums, check_image
from ..network import Params, features
from .content import CONTENT_LOSSES, ContentTarget, content_sums
from .gradient_norm import normalizing_maps
from .guidance import Guide
from .registry import style_loss_of
from .style import StyleLoss
from .total_variation import TV_LOSSES
from .weights import Losses, LossWeights

Shapes = Mapping[str, tuple[int, ...]]
"""Layer to the shape [h, w, C] of its map."""


class Terms(NamedTuple):
    """The names and constants that decide how the terms are computed; static under `jit`."""

    content_layers: tuple[str, ...]
    style_layers: tuple[str, ...]
    content_loss: str
    style_loss: str | StyleLoss
    tv_loss: str
    pooling: str
    pixel_range: float
    input_gain: float
    padding: str = "zero"
    normalize_gradients: bool = False

    @property
    def layers(self) -> tuple[str, ...]:
        """Every layer that a loss reads, once."""
        return tuple(dict.fromkeys((*self.style_layers, *self.content_layers)))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Targets:
    """The targets of the optimised image; a pytree of arrays with static `terms`.

    Attributes:
        content: layer to the content's activations [h, w, C], optionally with position weights.
        style: layer to the aim of the style loss (`jnst.losses.style.StyleLoss`), from the blended
            statistics of the styles; [C, C] for the Gram losses. With regions, layer to a tuple of
            one aim per region.
        terms: how the losses are computed.
        guides, shares: of `Guidance`; empty if the styles act on the whole image.
    """

    content: dict[str, ContentTarget]
    style: dict[str, Any]
    terms: Terms = field(metadata={"static": True})
    guides: tuple[Guide, ...] = ()
    shares: tuple[Array, ...] = ()


class Sums(NamedTuple):
    """Sums over the positions of an image's maps: all that the content and style losses read."""

    style: dict[str, Any]  # layer to `StyleLoss.sums`, or to a tuple of one for each region
    content: dict[str, tuple[Array, Array]]  # layer to (Σ (F − P)², Σ P²)


@partial(jax.jit, static_argnames=("layers", "terms"))
def activations(params: Params, image: Image, layers: tuple[str, ...], terms: Terms) -> Features:
    """The maps of an image [H, W, 3], with the pooling, padding and gain of the terms."""
    return features(
        params, image * terms.input_gain, layers, pooling=terms.pooling, padding=terms.padding
    )


def objective(
    image: AnyImage, params: Params, targets: Targets, weights: LossWeights
) -> tuple[Scalar, Losses[Scalar]]:
    """The weighted loss of an image and its terms; differentiable in the image.

    total = content · Σ_l content loss + Σ_l style_l · style distance
            + tv · variation(range · image)

    With `Config.normalize_gradients` the derivative differs, see `jnst.losses.gradient_norm`.

    Args:
        image: [H, W, 3], sRGB, nominally in [0, 1], of the content's size. Half precision is taken
            as float32.
        params: the network's weights.
        targets: from `jnst.make_targets`.
        weights: from `loss_weights`, or any arrays of those shapes.

    Returns:
        (total, Losses) for `jax.value_and_grad(objective, has_aux=True)`.

    Raises:
        TypeError: for an image of integers.
        ValueError: if the image or the weights do not match the targets, or the image is far from
            [0, 1].

    References:
        Gatys, Ecker and Bethge, "Image style transfer using convolutional neural networks",
        CVPR 2016, eq. 7; the total variation term is Johnson's (neural-style).

    Example:
        >>> import jnst
        >>> params = jnst.load_weights("vgg16")
        >>> config = jnst.Config(style_layers=("relu1_1",), content_layers=("relu1_2",))
        >>> black, white = jnp.zeros((16, 16, 3)), jnp.ones((16, 16, 3))
        >>> targets = jnst.make_targets(params, black, [white], config)
        >>> total, terms = jnst.objective(black, params, targets, jnst.loss_weights(config))
        >>> float(terms.content), float(terms.tv), float(terms.style) > 0
        (0.0, 0.0, True)
    """
    check_image("image", image)
    image, terms = as_sums(image), targets.terms
    maps = activations(params, image, terms.layers, terms)
    shapes = {layer: values.shape for layer, values in maps.items()}
    check_fit(image.shape, shapes, targets, weights)
    if terms.normalize_gradients:
        sums = _normalizing_sums(maps, targets, weights)
    else:
        sums = sums_of(maps, targets.content, terms, targets.guides, whole=True)
    return losses_of(sums, shapes, image, targets, weights)


def _normalizing_sums(maps: Features, targets: Targets, weights: LossWeights) -> Sums:
    """The sums of the maps, with gradients normalised as in `jnst.losses.gradient_norm`."""
    terms = targets.terms
    style_maps = normalizing_maps(maps, zip(terms.style_layers, weights.style, strict=True))
    content_maps = normalizing_maps(
        maps, ((layer, weights.content) for layer in terms.content_layers)
    )
    style = sums_of(style_maps, {}, terms, targets.guides, whole=True)
    content = sums_of(content_maps, targets.content, terms._replace(style_layers=()))
    return Sums(style.style, content.content)


def sums_of(
    maps: Features,
    targets: Mapping[str, ContentTarget],
    terms: Terms,
    guides: tuple[Guide, ...] = (),
    *,
    whole: bool = False,
) -> Sums:
    """The sums that the losses read, over all positions of these maps; with `whole`, they are those
    of the entire picture, never added to those of other parts."""
    loss = style_loss_of(terms.style_loss)
    sums = (whole and loss.sums_of_whole) or loss.sums
    style = {
        layer: tuple(sums(maps[layer], guide[layer]) for guide in guides)
        if guides
        else sums(maps[layer], None)
        for layer in maps
        if layer in terms.style_layers
    }
    content = {layer: content_sums(maps[layer], target) for layer, target in targets.items()}
    return Sums(style, content)


def losses_of(
    sums: Sums, shapes: Shapes, image: Image, targets: Targets, weights: LossWeights
) -> tuple[Scalar, Losses[Scalar]]:
    """The total and the terms, from an image and the sums over its maps of these shapes."""
    content, style = weigh(sums, shapes, targets, weights)
    tv = variation(image, weights, targets.terms)
    total = content + style + tv
    return total, Losses(content, style, tv, total)


def weigh(
    sums: Sums, shapes: Shapes, targets: Targets, weights: LossWeights
) -> tuple[Scalar, Scalar]:
    """The weighted content and style losses, from the sums over maps of these shapes."""
    terms, shares = targets.terms, targets.shares
    content_loss, style_loss = CONTENT_LOSSES[terms.content_loss], style_loss_of(terms.style_loss)
    content = jnp.float32(0.0)
    for layer in terms.content_layers:
        content += content_loss.of_sums(*sums.content[layer], math.prod(shapes[layer]))
    style = jnp.float32(0.0)
    for weight, layer in zip(weights.style, terms.style_layers, strict=True):
        # The weights of a region have the mean 1: their sum is the number of positions.
        positions = shapes[layer][0] * shapes[layer][1]
        regions = (sums.style[layer], targets.style[layer])
        distances = [
            style_loss.distance(style_loss.statistic(part, positions), aim, positions)
            for part, aim in (zip(*regions, strict=True) if shares else [regions])
        ]
        style += weight * (sum(map(mul, shares, distances)) if shares else distances[0])
    return weights.content * content, style


def variation(
    image: Image, weights: LossWeights, terms: Terms, whole: tuple[int, int] | None = None
) -> Scalar:
    """The weighted total variation of an image, or of some rows of a `whole` of (H, W)."""
    loss = TV_LOSSES[terms.tv_loss]
    return weights.tv * terms.pixel_range**loss.degree * loss.value(image, whole)


def check_fit(
    image: tuple[int, ...], shapes: Shapes, targets: Targets, weights: LossWeights
) -> None:
    """Raises ValueError unless targets and weights match an image and its maps of these shapes."""
    for layer, target in targets.content.items():
        if target.features.shape != shapes[layer]:
            raise ValueError(
                f"the image of shape {image} gives {layer} of shape {shapes[layer]}, but "
                f"the target has {target.features.shape}: make the targets from a content of its "
                "size"
            )
    for i, guide in enumerate(targets.guides, start=1):
        for layer, guide_weights in guide.items():
            if shapes[layer][:2] != guide_weights.shape:
                raise ValueError(
                    f"the image of shape {image} gives {layer} of shape {shapes[layer]}, but "
                    f"region {i} has {guide_weights.shape}: make the guidance for its size"
                )
    count = len(targets.terms.style_layers)
    if jnp.shape(weights.style) != (count,):
        raise ValueError(
            f"weights.style has shape {jnp.shape(weights.style)} for {count} style layers: "
            "give one number for each"
        )
