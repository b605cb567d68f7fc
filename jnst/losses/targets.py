"""The targets of an image: the content's activations and the statistics of the styles."""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import add, mul
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..arrays import AnyImage, Array, Image, check_image
from ..config import Config
from ..network import Params
from ..network.architecture import check_layers, map_shapes
from .content import ContentTarget, content_targets, weighted
from .guidance import EVERYWHERE, Guidance, Guide
from .objective import Shapes, Targets, Terms, activations
from .registry import style_loss_of
from .style import StyleLoss, unchanged

StyleCache = dict[tuple[Any, ...], dict[str, Array]]
"""A cache of computed style statistics for `make_targets`."""


def make_targets(
    params: Params,
    content: AnyImage,
    styles: AnyImage | Sequence[AnyImage],
    config: Config,
    *,
    style_cache: StyleCache | None = None,
    guidance: Guidance = EVERYWHERE,
) -> Targets:
    """Computes the activations of the content and the statistics of the styles, once per run.

    Args:
        params: from `jnst.load_weights`.
        content: [H, W, 3], sRGB in [0, 1], JAX or NumPy, of the size of the image to be optimised.
        styles: one or more images of any sizes; statistics are averaged with
            `config.style_weights`, normalised to a sum of 1 (as neural-style does).
        config: names the layers, losses and pooling.
        style_cache: an empty dict at first, which keeps the statistics of each style for the next
            call with the same `params`.
        guidance: which style acts where, and which part of each picture counts, from
            `jnst.losses.guidance.guidance`; by default every style, everywhere.

    Returns:
        Targets for `jnst.objective`.

    Raises:
        TypeError: for a picture of integers.
        ValueError: for an unknown layer, a wrong shape, a picture far from [0, 1], or a number of
            style weights that is neither one nor the number of styles.
    """
    several = styles if isinstance(styles, list | tuple) else [styles]
    check_image("content", content)
    for i, style in enumerate(several, start=1):
        check_image(f"style {i}", style)
    picture = jnp.asarray(content)

    def content_maps(terms: Terms) -> dict[str, ContentTarget]:
        return _content_maps(params, picture, terms, config)

    def style_statistics(style: Image, guide: Guide, terms: Terms) -> dict[str, Any]:
        statistics = _looked_up(style_cache, params, style, guide, terms)
        if style_loss_of(terms.style_loss).by_sums:
            return statistics
        shapes = map_shapes(params.network, terms.style_layers, *picture.shape[:2])
        positions = tuple((layer, math.prod(shapes[layer][:2])) for layer in statistics)
        return _fitted(statistics, positions, terms.style_loss)

    pictures = [jnp.asarray(style) for style in several]
    return gather_targets(content_maps, style_statistics, params, pictures, config, guidance)


def gather_targets(
    content_maps: Callable[[Terms], dict[str, ContentTarget]],
    style_statistics: Callable[[Any, Guide, Terms], dict[str, Any]],
    params: Params,
    styles: Sequence[Any],
    config: Config,
    guidance: Guidance,
) -> Targets:
    """The targets, by an engine's functions; the other arguments are those of `make_targets`."""
    terms, blend = check_inputs(params, styles, config)
    maps = _visible(content_maps(terms), guidance)
    statistics = (
        style_statistics(style, guidance.of_style(i), terms) for i, style in enumerate(styles)
    )
    matched: dict[str, Any] = {}
    if guidance.content:
        aims = [_aimed(region, terms.style_loss) for region in statistics]
        matched = {layer: tuple(aim[layer] for aim in aims) for layer in aims[0]}
    else:
        for weight, style in zip(blend, statistics, strict=True):
            matched = _added(matched, style, jnp.asarray(weight, jnp.float32))
        matched = _aimed(matched, terms.style_loss)
    return Targets(maps, matched, terms, guidance.content, guidance.shares)


def replace_content(
    params: Params, targets: Targets, content: AnyImage, config: Config, guidance: Guidance
) -> Targets:
    """The targets of the same styles and another content of the same size."""
    maps = _content_maps(params, jnp.asarray(content), targets.terms, config)
    return replace(targets, content=_visible(maps, guidance))


def _content_maps(
    params: Params, picture: Image, terms: Terms, config: Config
) -> dict[str, ContentTarget]:
    maps = activations(params, picture, terms.content_layers, terms)
    return content_targets(maps, picture, config.preserve, params.network)


def _visible(maps: dict[str, ContentTarget], guidance: Guidance) -> dict[str, ContentTarget]:
    """The content's targets, weighted by what is visible of the content."""
    hidden = guidance.visible
    return {n: weighted(m, hidden[n]) if n in hidden else m for n, m in maps.items()}


def check_inputs(
    params: Params, styles: Sequence[Any], config: Config
) -> tuple[Terms, tuple[float, ...]]:
    """The terms of a config and the share of each style; raises as `make_targets` does."""
    check_layers(params.network, config.layers)
    if not styles:
        raise ValueError("no style image was given: give at least one")
    terms = Terms(**{name: getattr(config, name) for name in Terms._fields})
    return terms, config.weights_per_style(len(styles))


@jax.jit
def _added(matched: dict[str, Any], statistics: dict[str, Any], weight: Array) -> dict[str, Any]:
    weighted = jax.tree.map(partial(mul, weight), statistics)
    return jax.tree.map(add, matched, weighted) if matched else weighted


def _aimed(statistics: dict[str, Any], style_loss: str | StyleLoss) -> dict[str, Any]:
    aim = style_loss_of(style_loss).aim
    return statistics if aim is unchanged else _computed(statistics, aim)


@partial(jax.jit, static_argnames="aim")
def _computed(statistics: dict[str, Any], aim: Callable[[Any], Any]) -> dict[str, Any]:
    return {layer: aim(values) for layer, values in statistics.items()}


@partial(jax.jit, static_argnames=("positions", "style_loss"))
def _fitted(
    statistics: dict[str, Any], positions: tuple[tuple[str, int], ...], style_loss: str | StyleLoss
) -> dict[str, Any]:
    fit: Any = style_loss_of(style_loss).fit
    return {layer: fit(statistics[layer], count) for layer, count in positions}


def _looked_up(
    cache: StyleCache | None, params: Params, style: Image, guide: Guide, terms: Terms
) -> dict[str, Array]:
    if cache is None:
        return _statistics(params, style, guide, terms)
    arrays = [np.asarray(style), *(np.asarray(guide[layer]) for layer in sorted(guide))]
    hashes = (hashlib.sha256(array.tobytes()).digest() for array in arrays)
    key = (terms, arrays[0].shape, str(arrays[0].dtype), *hashes)
    if key not in cache:
        cache[key] = _statistics(params, style, guide, terms)
    return cache[key]


@partial(jax.jit, static_argnames="terms")
def _statistics(params: Params, image: Image, guide: Guide, terms: Terms) -> dict[str, Array]:
    maps = activations(params, image, terms.style_layers, terms)
    loss = style_loss_of(terms.style_loss)
    return {name: loss.of_map(m, guide.get(name)) for name, m in maps.items()}


def statistics_of(
    sums: Mapping[str, Any], shapes: Shapes, guide: Guide, terms: Terms
) -> dict[str, Array]:
    """The style statistics of a picture, from the sums over its maps of these shapes."""
    statistic = style_loss_of(terms.style_loss).statistic
    return {
        layer: statistic(total[0] if guide else total, math.prod(shapes[layer][:2]))
        for layer, total in sums.items()
    }
