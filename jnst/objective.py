"""The objective that an image is optimised for: weighted content, style and total variation."""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import add, mul
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .arrays import Features, Image, Scalar
from .config import Config
from .losses import CONTENT_LOSSES, STYLE_LOSSES, TV_LOSSES
from .normalize import normalizing_maps
from .preserve import content_sums, with_weights
from .regions import EVERYWHERE, Guidance, Guide
from .style_loss import unchanged
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
    padding: str = "zero"
    normalize_gradients: bool = False


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["content", "style", "guides", "shares"],
    meta_fields=["terms"],
)
@dataclass(frozen=True)
class Targets:
    """What the optimised image is compared with; a pytree of arrays and the static `terms`.

    Attributes:
        content: layer to activations [h, w, C] of the content image; [h, w, C + 1] where positions
            have weights, which are behind them (see `jnst.preserve`).
        style: layer to the aim of the style loss (`jnst.style_loss.StyleLoss`), from the blended
            statistics of the styles; [C, C] for the Gram losses. Of regions, layer to a tuple, the
            aim of each.
        terms: how the losses are computed.
        guides, shares: of `Guidance`; empty where the styles act on the whole image.
    """

    content: Features
    style: dict[str, Any]
    terms: Terms
    guides: tuple[Guide, ...] = ()
    shares: tuple[Array, ...] = ()


class Sums(NamedTuple):
    """Sums over the positions of an image's maps: all that its losses depend on.

    Attributes:
        style: layer to the sums of its style loss (`jnst.losses.StyleLoss.sums`; some losses need
            the positions themselves); to a tuple of them, one for each region, if there are any.
        content: layer to (Σ (F − P)², Σ P²).
    """

    style: dict[str, Any]
    content: dict[str, tuple[Array, Array]]


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


Known = dict[tuple[Any, ...], dict[str, Array]]
"""The statistics of styles that have been computed, for `make_targets` to look up."""


def make_targets(
    params: Params,
    content: Image,
    styles: Sequence[Image],
    config: Config,
    *,
    known: Known | None = None,
    guidance: Guidance = EVERYWHERE,
) -> Targets:
    """Takes the activations of the content and the statistics of the styles, once per run.

    Args:
        params: from `jnst.load_weights`.
        content: [H, W, 3], sRGB in [0, 1], of the size of the image to be optimised.
        styles: one or more images of any sizes; statistics are averaged with
            `config.style_weights`, normalised to a sum of 1 (as neural-style does).
        config: names the layers, losses and pooling.
        known: a dict of the caller's, empty at first, in which the statistics of each style are
            kept for the next call with the same `params`.
        guidance: which style acts where, and which part of each style counts; from
            `jnst.regions.guidance`, by default all of everything.

    Returns:
        Targets for `objective`.

    Raises:
        ValueError: for an unknown layer, a wrong shape, or a number of style weights that is
            neither one nor the number of styles.
    """
    terms, blend = check_inputs(params, styles, config)
    kept = _features(params, content, terms.content_layers, terms)
    kept = with_weights(kept, content, config.preserve, params.network)
    found: Iterable[Any] = (
        _looked_up(known, params, style, guidance.of_style(i), terms)
        for i, style in enumerate(styles)
    )
    if not STYLE_LOSSES[terms.style_loss].by_sums:
        positions = _positions(params, content, terms)
        found = (_fitted(each, positions, terms.style_loss) for each in found)
    matched = combined(found, blend, guidance, terms)
    return Targets(kept, matched, terms, guidance.content, guidance.shares)


def combined(
    statistics: Iterable[dict[str, Any]],
    blend: Sequence[float],
    guidance: Guidance,
    terms: Terms,
) -> dict[str, Any]:
    """The targets' style: of the statistics, blended, or one by one for regions, the loss's aim."""
    if guidance.content:
        found = [_aimed(each, terms.style_loss) for each in statistics]
        return {layer: tuple(each[layer] for each in found) for layer in found[0]}
    matched: dict[str, Any] = {}
    for weight, each in zip(blend, statistics, strict=True):
        matched = _added(matched, each, jnp.asarray(weight, jnp.float32))
    return _aimed(matched, terms.style_loss)


def check_inputs(
    params: Params, styles: Sequence[Any], config: Config
) -> tuple[Terms, tuple[float, ...]]:
    """The terms of a config and the share of each style; raises as `make_targets` says."""
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
        config.padding,
        config.normalize_gradients,
    )
    return terms, config.weights_per_style(len(styles))


@jax.jit
def _added(matched: dict[str, Any], statistics: dict[str, Any], weight: Array) -> dict[str, Any]:
    weighted = jax.tree.map(partial(mul, weight), statistics)
    return jax.tree.map(add, matched, weighted) if matched else weighted


def _aimed(statistics: dict[str, Any], style_loss: str) -> dict[str, Any]:
    aim = STYLE_LOSSES[style_loss].aim
    return statistics if aim is unchanged else _computed(statistics, aim)


@partial(jax.jit, static_argnames="aim")
def _computed(statistics: dict[str, Any], aim: Callable[[Any], Any]) -> dict[str, Any]:
    return {layer: aim(values) for layer, values in statistics.items()}


def _positions(params: Params, image: Image, terms: Terms) -> tuple[tuple[str, int], ...]:
    """The style layers and how many positions their maps have for an image of that size."""
    only_style = partial(_features, layers=terms.style_layers, terms=terms)
    maps = jax.eval_shape(only_style, params, image)
    return tuple((layer, math.prod(found.shape[:2])) for layer, found in maps.items())


@partial(jax.jit, static_argnames=("positions", "style_loss"))
def _fitted(
    statistics: dict[str, Any], positions: tuple[tuple[str, int], ...], style_loss: str
) -> dict[str, Any]:
    fit = STYLE_LOSSES[style_loss].fit
    assert fit is not None
    return {layer: fit(statistics[layer], count) for layer, count in positions}


def _looked_up(
    known: Known | None, params: Params, style: Image, guide: Guide, terms: Terms
) -> dict[str, Array]:
    if known is None:
        return _statistics(params, style, guide, terms.style_layers, terms)
    arrays = [np.asarray(style), *(np.asarray(guide[layer]) for layer in sorted(guide))]
    hashes = (hashlib.sha256(array.tobytes()).digest() for array in arrays)
    key = (terms, arrays[0].shape, str(arrays[0].dtype), *hashes)
    if key not in known:
        known[key] = _statistics(params, style, guide, terms.style_layers, terms)
    return known[key]


@partial(jax.jit, static_argnames=("layers", "terms"))
def _features(params: Params, image: Image, layers: tuple[str, ...], terms: Terms) -> Features:
    return features(
        params, image * terms.input_gain, layers, pooling=terms.pooling, padding=terms.padding
    )


@partial(jax.jit, static_argnames=("layers", "terms"))
def _statistics(
    params: Params, image: Image, guide: Guide, layers: tuple[str, ...], terms: Terms
) -> dict[str, Array]:
    maps = features(
        params, image * terms.input_gain, layers, pooling=terms.pooling, padding=terms.padding
    )
    loss = STYLE_LOSSES[terms.style_loss]
    return {name: loss.of_map(m, guide.get(name)) for name, m in maps.items()}


def objective(
    image: Image, params: Params, targets: Targets, weights: LossWeights
) -> tuple[Scalar, Losses]:
    """The weighted loss of an image and its terms; differentiable in the image.

    total = content · Σ_l content loss + Σ_l style_l · style distance
            + tv · variation(range · image)

    With `Config.normalize_gradients` the derivative is another, see `jnst.normalize`.

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
    shapes = {layer: values.shape for layer, values in maps.items()}
    check_fit(image.shape, shapes, targets, weights)
    if terms.normalize_gradients:
        sums = _normalizing_sums(maps, targets, weights)
    else:
        sums = sums_of(maps, targets.content, terms, targets.guides)
    content, style = weigh(sums, shapes, targets.style, weights, terms, targets.shares)
    tv = variation(image, weights, terms)
    total = content + style + tv
    return total, Losses(content, style, tv, total)


def _normalizing_sums(maps: Features, targets: Targets, weights: LossWeights) -> Sums:
    """The sums of the maps, each loss with a gradient of its own size (`jnst.normalize`)."""
    terms = targets.terms
    matched = normalizing_maps(maps, zip(terms.style_layers, weights.style, strict=True))
    kept = normalizing_maps(maps, ((layer, weights.content) for layer in terms.content_layers))
    style = sums_of(matched, {}, terms, targets.guides)
    content = sums_of(kept, targets.content, terms._replace(style_layers=()))
    return Sums(style.style, content.content)


def sums_of(
    maps: Features, targets: Features, terms: Terms, guides: tuple[Guide, ...] = ()
) -> Sums:
    """The sums over all positions of those of the maps that the losses read.

    Args:
        maps: layer to activations.
        targets: content layer to its target, of the same shape, or with weights behind it.
        terms: name the losses.
        guides: of the targets, for the positions of these maps.
    """
    loss = STYLE_LOSSES[terms.style_loss]
    style = {
        layer: tuple(loss.sums(maps[layer], guide[layer]) for guide in guides)
        if guides
        else loss.sums(maps[layer])
        for layer in maps
        if layer in terms.style_layers
    }
    content = {layer: content_sums(maps[layer], target) for layer, target in targets.items()}
    return Sums(style, content)


def weigh(
    sums: Sums,
    shapes: Mapping[str, tuple[int, ...]],
    matched: Mapping[str, Any],
    weights: LossWeights,
    terms: Terms,
    shares: tuple[Array, ...] = (),
) -> tuple[Scalar, Scalar]:
    """The weighted content and style losses of an image with those sums.

    Args:
        sums: over all positions.
        shapes: layer to the shape [h, w, C] of its map.
        matched: the targets' style.
        weights: of the losses.
        terms: name the losses.
        shares: of the targets' regions.
    """
    content_loss, style_loss = CONTENT_LOSSES[terms.content_loss], STYLE_LOSSES[terms.style_loss]
    content = jnp.float32(0.0)
    for layer in terms.content_layers:
        content += content_loss.of_sums(*sums.content[layer], math.prod(shapes[layer]))
    style = jnp.float32(0.0)
    for weight, layer in zip(weights.style, terms.style_layers, strict=True):
        positions = shapes[layer][0] * shapes[layer][1]

        def distance(found: Any, target: Any, positions: int = positions) -> Scalar:
            # The weights of a region have the mean 1: their sum is the number of positions.
            statistic = style_loss.statistic(found, positions)
            return style_loss.distance(statistic, target, positions)

        if shares:
            parts = map(distance, sums.style[layer], matched[layer])
            style += weight * sum(map(mul, shares, parts))
        else:
            style += weight * distance(sums.style[layer], matched[layer])
    return weights.content * content, style


def variation(
    image: Image, weights: LossWeights, terms: Terms, whole: tuple[int, int] | None = None
) -> Scalar:
    """The weighted total variation of an image, or of some rows of a `whole` of (H, W)."""
    loss = TV_LOSSES[terms.tv_loss]
    return weights.tv * terms.pixel_range**loss.degree * loss.value(image, whole)


def check_fit(
    image: tuple[int, ...],
    shapes: Mapping[str, tuple[int, ...]],
    targets: Targets,
    weights: LossWeights,
) -> None:
    """Raises ValueError unless targets and weights go with an image of that shape.

    Args:
        image: its shape.
        shapes: layer to the shape of its map of that image.
        targets, weights: of the objective.
    """
    for layer, target in targets.content.items():
        height, width, channels = shapes[layer]
        # With or without a weight of each position.
        if target.shape not in (shapes[layer], (height, width, channels + 1)):
            raise ValueError(
                f"the image of shape {image} gives {layer} of shape {shapes[layer]}, but "
                f"the target has {target.shape}: make the targets from a content of its size"
            )
    for i, guide in enumerate(targets.guides, start=1):
        for layer, weights_there in guide.items():
            if shapes[layer][:2] != weights_there.shape:
                raise ValueError(
                    f"the image of shape {image} gives {layer} of shape {shapes[layer]}, but "
                    f"region {i} has {weights_there.shape}: make the guidance for its size"
                )
    count = len(targets.terms.style_layers)
    if jnp.shape(weights.style) != (count,):
        raise ValueError(
            f"weights.style has shape {jnp.shape(weights.style)} for {count} style layers: "
            "give one number for each"
        )
