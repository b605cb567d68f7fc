"""The objective that an image is optimised for: weighted content, style and total variation."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .arrays import Features, Image, Scalar
from .config import Config
from .losses import CONTENT_LOSSES, STYLE_LOSSES, TV_LOSSES
from .vgg import Params, check_layers, features


class LossWeights(NamedTuple):
    """The weights of the terms; arrays, so that another weight never compiles again.

    Attributes:
        content: scalar, on the sum over content layers.
        style: [number of style layers], in the order of the config's layers.
        tv: scalar; total variation counts pixels in units of the config's pixel range.
    """

    content: Scalar
    style: Array
    tv: Scalar


class Losses(NamedTuple):
    """The weighted terms of an objective; `total` is their sum. Scalars, or one entry per step."""

    content: Any
    style: Any
    tv: Any
    total: Any


class Terms(NamedTuple):
    """The names and constants that decide how the terms are computed; static under `jit`."""

    content_layers: tuple[str, ...]
    style_layers: tuple[str, ...]
    content_loss: str
    style_loss: str
    tv_loss: str
    pooling: str
    pixel_range: float
    input_gain: float


@partial(jax.tree_util.register_dataclass, data_fields=["content", "style"], meta_fields=["terms"])
@dataclass(frozen=True)
class Targets:
    """What the optimised image is compared with; a pytree of arrays and the static `terms`.

    Attributes:
        content: layer to activations [h, w, C] of the content image.
        style: layer to statistic of the styles, blended; [C, C] for the Gram losses.
        terms: how the losses are computed.
    """

    content: Features
    style: dict[str, Array]
    terms: Terms


def loss_weights(config: Config) -> LossWeights:
    """The weights of a config as arrays.

    Example:
        >>> loss_weights(Config(style_weight=10.0)).style.tolist()
        [10.0, 10.0, 10.0, 10.0, 10.0]
    """
    # In NumPy: each product in JAX would be a program to compile.
    per_layer = np.asarray(config.weights_per_style_layer, np.float32)
    weights = (config.content_weight, config.style_weight * per_layer, config.tv_weight)
    return LossWeights(*(jnp.asarray(np.asarray(weight, np.float32)) for weight in weights))


def make_targets(
    params: Params, content: Image, styles: Sequence[Image], config: Config
) -> Targets:
    """Takes the activations of the content and the statistics of the styles, once per run.

    Args:
        params: from `jnst.load_weights`.
        content: [H, W, 3], sRGB in [0, 1], of the size of the image to be optimised.
        styles: one or more images of any sizes; statistics are averaged with
            `config.style_weights`, normalised to a sum of 1 (as neural-style does).
        config: names the layers, losses and pooling.

    Returns:
        Targets for `objective`.

    Raises:
        ValueError: for an unknown layer, a wrong shape, or a number of style weights that is
            neither one nor the number of styles.
    """
    check_layers(params.network, (*config.content_layers, *config.style_layers))
    if not styles:
        raise ValueError("no style image was given: give at least one")
    terms = Terms(
        config.content_layers,
        config.style_layers,
        config.content_loss,
        config.style_loss,
        config.tv_loss,
        config.pooling,
        config.pixel_range,
        config.input_gain,
    )
    blend = config.weights_per_style(len(styles))
    kept = _features(params, content, terms.content_layers, terms)
    matched: dict[str, Array] = {}
    for weight, style in zip(blend, styles, strict=True):
        statistics = _statistics(params, style, terms.style_layers, terms)
        matched = _added(matched, statistics, jnp.asarray(weight, jnp.float32))
    return Targets(kept, matched, terms)


@jax.jit
def _added(
    matched: dict[str, Array], statistics: dict[str, Array], weight: Array
) -> dict[str, Array]:
    return {name: matched.get(name, 0.0) + weight * values for name, values in statistics.items()}


@partial(jax.jit, static_argnames=("layers", "terms"))
def _features(params: Params, image: Image, layers: tuple[str, ...], terms: Terms) -> Features:
    return features(params, image * terms.input_gain, layers, pooling=terms.pooling)


@partial(jax.jit, static_argnames=("layers", "terms"))
def _statistics(
    params: Params, image: Image, layers: tuple[str, ...], terms: Terms
) -> dict[str, Array]:
    maps = features(params, image * terms.input_gain, layers, pooling=terms.pooling)
    return {name: STYLE_LOSSES[terms.style_loss].statistic(m) for name, m in maps.items()}


def objective(
    image: Image, params: Params, targets: Targets, weights: LossWeights
) -> tuple[Scalar, Losses]:
    """The weighted loss of an image and its terms; differentiable in the image.

    total = content · Σ_l content loss + Σ_l style_l · style distance
            + tv · variation(range · image)

    Args:
        image: [H, W, 3], sRGB, nominally in [0, 1], of the content's size.
        params: the network's weights.
        targets: from `make_targets`.
        weights: from `loss_weights`, or any arrays of those shapes; one style weight for each of
            the config's style layers, in its order.

    Returns:
        (total, Losses) for `jax.value_and_grad(objective, has_aux=True)`.

    Raises:
        ValueError: for an image of another size than the content's, or a wrong number of style
            weights.

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
    terms = targets.terms
    layers = tuple(dict.fromkeys((*terms.style_layers, *terms.content_layers)))
    maps = _features(params, image, layers, terms)
    _check_fit(image, maps, targets, weights)
    content_loss = CONTENT_LOSSES[terms.content_loss]
    style_loss = STYLE_LOSSES[terms.style_loss]
    content = jnp.float32(0.0)
    for layer in terms.content_layers:
        content += content_loss(maps[layer], targets.content[layer])
    style = jnp.float32(0.0)
    for weight, layer in zip(weights.style, terms.style_layers, strict=True):
        height, width, _ = maps[layer].shape
        statistic = style_loss.statistic(maps[layer])
        style += weight * style_loss.distance(statistic, targets.style[layer], height * width)
    variation = TV_LOSSES[terms.tv_loss]
    tv = weights.tv * terms.pixel_range**variation.degree * variation.value(image)
    content = weights.content * content
    total = content + style + tv
    return total, Losses(content, style, tv, total)


def _check_fit(image: Image, maps: Features, targets: Targets, weights: LossWeights) -> None:
    for layer, target in targets.content.items():
        if maps[layer].shape != target.shape:
            raise ValueError(
                f"the image of shape {image.shape} gives {layer} of shape {maps[layer].shape}, but "
                f"the target has {target.shape}: make the targets from a content of its size"
            )
    count = len(targets.terms.style_layers)
    if jnp.shape(weights.style) != (count,):
        raise ValueError(
            f"weights.style has shape {jnp.shape(weights.style)} for {count} style layers: "
            "give one number for each"
        )
