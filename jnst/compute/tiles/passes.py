"""The forward and backward pass of one window through a stage.

Forward gives the sums over the core's positions and the map that enters the next stage. Backward
takes the derivatives of the loss by both, and gives the derivative by the window. Since the kernels
are constants, it needs no activation for a convolution, one bit per activation for a ReLU (whether
it was positive), and two bits per maximum (which input won). A ReLU before a maximum needs only one
bit per maximum: the winning input is positive if the maximum is. Activations that the losses read,
and the bits before them, are recomputed; later bits are stored by `forward`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.tree_util import Partial

from ...arrays import Array, Batch, FeatureMap, Features
from ...losses.content import ContentTarget
from ...losses.guidance import Guide
from ...losses.objective import Sums, Terms, sums_of
from ...network import Params
from ...network.architecture import CONVOLUTIONS, halvings
from ...network.preprocessing import preprocess
from ...network.vgg import convolve, pool, propagate
from .cutting import stored_layers


def _stored(layers: tuple[str, ...], terms: Terms) -> tuple[str, ...]:
    return stored_layers(layers, {*terms.style_layers, *terms.content_layers}, terms.pooling)


class WindowView(NamedTuple):
    """What a window sees of maps, targets and guides; a pytree."""

    values: Any  # [h, w, C] of the map that enters the stage; of the image for the first one
    targets: dict[str, ContentTarget]  # by content layer
    guides: tuple[Guide, ...]  # of each region, by style layer
    core: Any  # [4] int32, top, bottom, left and right of the core in the window


@partial(jax.jit, static_argnames=("layers", "terms", "keep"))
def forward(
    params: Params, view: WindowView, layers: tuple[str, ...], terms: Terms, keep: bool
) -> tuple[Sums, FeatureMap, Any]:
    """The sums over the core; the last layer's map; and, with `keep`, the residuals of the layers
    that `backward` does not recompute."""
    maps, bits = _run(params, view.values, layers, terms)
    stored = _stored(layers, terms) if keep else ()
    residuals = {name: bits[name] for name in stored if name in bits}
    return _sums(maps, view, layers, terms), maps[layers[-1]], residuals


@partial(jax.jit, static_argnames=("layers", "terms"))
def backward(
    params: Params,
    view: WindowView,
    residuals: Any,
    by_sums: Sums,
    by_output: FeatureMap | None,
    layers: tuple[str, ...],
    terms: Terms,
) -> FeatureMap:
    """The derivative of the loss by a window of the image or map, from those by the sums and by
    the last layer's map (None in the last stage; values outside the core are unused)."""
    recomputed = layers[: len(layers) - len(_stored(layers, terms))]
    maps, bits = _run(params, view.values, recomputed, terms)
    bits = bits | residuals
    _, pull = jax.vjp(lambda maps: _sums(maps, view, layers, terms), maps)
    (by_maps,) = pull(by_sums)
    by_maps = {layer: values[None] for layer, values in by_maps.items()}
    flow = jnp.zeros((), view.values.dtype)
    if by_output is not None:
        flow = _inside(by_output, view.core, halvings(layers, layers[-1]))[None]
    for name in reversed(layers):
        flow = flow + by_maps[name] if name in by_maps else flow
        if name.startswith("conv"):
            flow = _convolve_back(params, name, terms.padding, flow)
        elif name in bits:
            flow = bits[name](flow)
    if layers[0] != "conv1_1":
        return flow[0]
    gain, preprocessing = terms.input_gain, params.preprocessing
    _, back = jax.vjp(lambda x: preprocess(x * gain, preprocessing), view.values)
    return back(flow[0])[0]


def _convolve(params: Params, name: str, padding: str, x: Batch, *, rectify: bool = False) -> Batch:
    # Where a window ends inside the picture, the padding affects positions outside its core.
    padding = padding if name == "conv1_1" else "zero"
    return convolve(x, params.layers[name], params.precision, rectify, padding)


def _convolve_back(params: Params, name: str, padding: str, flow: Batch) -> Batch:
    # A convolution is linear in its input, so any input gives the derivative.
    channels = next(wide for layer, wide, _ in CONVOLUTIONS[params.network] if layer == name)
    zeros = jnp.zeros((*flow.shape[:3], channels), flow.dtype)
    return jax.vjp(partial(_convolve, params, name, padding), zeros)[1](flow)[0]


def _run(
    params: Params, window: FeatureMap, layers: tuple[str, ...], terms: Terms
) -> tuple[Features, dict[str, Any]]:
    """The maps that the losses read and the last map; and each layer's backward function."""
    if layers and layers[0] == "conv1_1":
        window = preprocess(window * terms.input_gain, params.preprocessing)
    read = {*terms.style_layers, *terms.content_layers, *layers[-1:]}
    maps: Features = {}
    bits: dict[str, Any] = {}

    def convolution(x: Batch, name: str, rectify: bool) -> Batch:
        return _convolve(params, name, terms.padding, x, rectify=rectify)

    def pooling(x: Batch, name: str) -> Batch:
        y, bits[name] = _pooled(x, terms.pooling)
        return y

    walk = propagate(layers, window[None], convolution, pooling, read)
    for (name, x), following in zip(walk, (*layers[1:], ""), strict=False):
        before_maximum = terms.pooling == "max" and following.startswith("pool")
        if name.startswith("relu") and (name in read or not before_maximum):
            bits[name] = _positive(x)
        if name in read:
            maps[name] = x[0]
    return maps, bits


def _positive(x: Batch) -> Callable[[Batch], Batch]:
    """The backward function of a ReLU with output x, from one bit per activation."""
    return Partial(_where_positive, jnp.packbits(x > 0, axis=-1))


def _where_positive(bits: Array, flow: Batch) -> Batch:
    positive = jnp.unpackbits(bits, axis=-1, count=flow.shape[-1])
    return jnp.where(positive == 1, flow, jnp.zeros((), flow.dtype))


def _pooled(x: Batch, kind: str) -> tuple[Batch, Callable[[Batch], Batch]]:
    """The result of `pool` and its backward function, for "max" including the ReLU before it."""
    y, back = jax.vjp(partial(pool, kind=kind), x)
    if kind != "max":
        return y, Partial(_through_pool, back)
    return y, Partial(_to_winners, _positive(y), jax.tree.map(_four_in_a_byte, back))


def _through_pool(back: Callable[[Batch], tuple[Batch]], flow: Batch) -> Batch:
    return back(flow)[0]


def _to_winners(positive: Callable[[Batch], Batch], packed: Any, flow: Batch) -> Batch:
    return jax.tree.map(_one_in_a_byte, packed)(positive(flow))[0]


def _four_in_a_byte(winners: Array) -> Array:
    quarters = jnp.split(winners, 4, axis=-1)
    return sum((part << 2 * n for n, part in enumerate(quarters[1:], 1)), quarters[0])


def _one_in_a_byte(packed: Array) -> Array:
    return jnp.concatenate([packed >> 2 * n & 3 for n in range(4)], axis=-1)


def _sums(maps: Features, view: WindowView, layers: tuple[str, ...], terms: Terms) -> Sums:
    def inside(maps: dict[str, Any]) -> dict[str, Any]:
        keep = {n: partial(_inside, core=view.core, depth=halvings(layers, n)) for n in maps}
        return {n: jax.tree.map(keep[n], values) for n, values in maps.items()}

    return sums_of(inside(maps), inside(view.targets), terms, view.guides)


def _inside(values: FeatureMap, core: Array, depth: int) -> FeatureMap:
    """The map, 0 outside the core; `core` counts positions before `depth` halvings."""
    top, bottom, left, right = core >> depth
    rows, columns = jnp.arange(values.shape[0])[:, None], jnp.arange(values.shape[1])[None, :]
    inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
    return jnp.where(inside[..., None], values, jnp.zeros((), values.dtype))
