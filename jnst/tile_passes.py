"""One window of a stage, forward and backward: the sums that the losses are made of, and back.

Forward gives the sums over the core's positions and the map that enters the next stage. Backward
takes the derivatives of the loss by both, and gives the derivative by the window. The kernels being
constants, the way back through a convolution needs no activation, through a ReLU one bit for each
(was it positive?) and through a pooling layer which of its inputs won: so these are kept from the
way forward, and only the activations that the losses read are computed again.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .arrays import Batch, FeatureMap, Features
from .objective import Sums, Terms, sums_of
from .ops import relu
from .regions import Guide
from .tile_plan import halvings
from .vgg import CONVOLUTIONS, Params, convolve, convolve_first, pool, preprocess


def last_read(layers: tuple[str, ...], terms: Terms) -> int:
    """How many of a stage's layers lead up to the last one that the losses read; 0 if none."""
    read = {*terms.style_layers, *terms.content_layers}
    return max((i for i, name in enumerate(layers, start=1) if name in read), default=0)


@partial(jax.jit, static_argnames=("layers", "terms", "keep"))
def forward(
    params: Params,
    window: FeatureMap,
    targets: Features,
    guides: tuple[Guide, ...],
    core: Array,
    layers: tuple[str, ...],
    terms: Terms,
    keep: bool,
) -> tuple[Sums, FeatureMap, Any]:
    """Computes a window.

    Args:
        params: the weights of at least these layers.
        window: [h, w, C] of the map that enters the stage; of the image for the first one.
        targets: content layer to that window of its target.
        guides: for each region, style layer to that window of its weights.
        core: [4] int32, top, bottom, left and right of the core in the window.
        layers: of the stage.
        terms: of the objective.
        keep: whether what `backward` needs is returned.

    Returns:
        The sums over the core; the last layer's map; and what `backward` needs, or None.
    """
    maps, kept = _run(params, window, layers, terms)
    return (
        _sums(maps, targets, guides, core, layers, terms),
        maps[layers[-1]],
        kept if keep else None,
    )


@partial(jax.jit, static_argnames=("layers", "terms"))
def backward(
    params: Params,
    window: FeatureMap,
    targets: Features,
    guides: tuple[Guide, ...],
    core: Array,
    kept: Any,
    by_sums: Sums,
    by_output: FeatureMap | None,
    layers: tuple[str, ...],
    terms: Terms,
) -> FeatureMap:
    """The derivative by a window of the image or map.

    Args:
        params, window, targets, guides, core, layers, terms: as for `forward`.
        kept: from `forward`, or None to compute everything again.
        by_sums: derivative of the loss by the sums.
        by_output: derivative by the last layer's map; what lies outside the core has no part. None
            in the last stage.
    """
    count = len(layers) if kept is None else last_read(layers, terms)
    maps, computed = _run(params, window, layers[:count], terms)
    kept = computed if kept is None else kept
    _, pull = jax.vjp(lambda maps: _sums(maps, targets, guides, core, layers, terms), maps)
    (by_maps,) = pull(by_sums)
    by_maps = {layer: values[None] for layer, values in by_maps.items()}
    flow = jnp.zeros((), window.dtype)
    if by_output is not None:
        flow = _inside(by_output, core, halvings(layers, layers[-1]))[None]
    for name in reversed(layers):
        flow = flow + by_maps[name] if name in by_maps else flow
        if name.startswith("relu"):
            positive = jnp.unpackbits(kept[name], axis=-1, count=flow.shape[-1])
            flow = jnp.where(positive == 1, flow, jnp.zeros((), flow.dtype))
        elif name.startswith("pool"):
            (flow,) = kept[name](flow)
        else:
            flow = _convolve_back(params, name, terms.padding, flow)
    if layers[0] != "conv1_1":
        return flow[0]
    _, back = jax.vjp(lambda x: preprocess(x * terms.input_gain, params.preprocessing), window)
    return back(flow[0])[0]


def _convolve(params: Params, name: str, padding: str, x: Batch) -> Batch:
    if name == "conv1_1":
        # Where a window ends inside the picture, what is padded lies in its margin.
        return convolve_first(x, params.layers[name], params.precision, padding)
    return convolve(x, params.layers[name], params.precision)


def _convolve_back(params: Params, name: str, padding: str, flow: Batch) -> Batch:
    # A convolution is linear in its input: which one does not matter to the derivative.
    channels = next(wide for layer, wide, _ in CONVOLUTIONS[params.network] if layer == name)
    anything = jnp.zeros((*flow.shape[:3], channels), flow.dtype)
    return jax.vjp(partial(_convolve, params, name, padding), anything)[1](flow)[0]


def _run(
    params: Params, window: FeatureMap, layers: tuple[str, ...], terms: Terms
) -> tuple[Features, dict[str, Any]]:
    """The maps that the losses read and the last one; and what the way back needs."""
    if layers and layers[0] == "conv1_1":
        window = preprocess(window * terms.input_gain, params.preprocessing)
    x = window[None]
    read = {*terms.style_layers, *terms.content_layers, *layers[-1:]}
    maps: Features = {}
    kept: dict[str, Any] = {}
    for name in layers:
        if name.startswith("conv"):
            x = _convolve(params, name, terms.padding, x)
        elif name.startswith("relu"):
            x = relu(x)
            kept[name] = jnp.packbits(x > 0, axis=-1)
        else:
            x, kept[name] = jax.vjp(partial(pool, kind=terms.pooling), x)
        if name in read:
            maps[name] = x[0]
    return maps, kept


def _sums(
    maps: Features,
    targets: Features,
    guides: tuple[Guide, ...],
    core: Array,
    layers: tuple[str, ...],
    terms: Terms,
) -> Sums:
    def inside(values: Features) -> Features:
        return {n: _inside(v, core, halvings(layers, n)) for n, v in values.items()}

    return sums_of(inside(maps), inside(targets), terms, guides)


def _inside(values: FeatureMap, core: Array, depth: int) -> FeatureMap:
    """The map, 0 outside the core; `core` is in the positions from before `depth` halvings."""
    top, bottom, left, right = core >> depth
    rows, columns = jnp.arange(values.shape[0])[:, None], jnp.arange(values.shape[1])[None, :]
    inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
    return jnp.where(inside[..., None], values, jnp.zeros((), values.dtype))
