"""The preparation of a network for a size and a precision: kernels in the algorithms' forms."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ..config.choices import PRECISIONS
from ..ops import transform_kernel
from .algorithms import DIRECT, Tiles, winograd_tiles
from .vgg import Params


def prepare(
    params: Params,
    height: int,
    width: int,
    precision: str = "float32",
    layers: Iterable[str] | None = None,
) -> Params:
    """Prepares a network for pictures of about this size: same function, fewer operations.

    Kernels for Winograd's tiles are transformed here, once, instead of in every step. The result
    can be used wherever `Params` can; `load_weights` alone returns the plain network.

    On an unmeasured kind of processor, the first call for more than a small picture spends about
    5 s on timing the algorithms, once: the timings are stored in the cache folder
    (`jnst.network.processor_figures`, where JNST_PROCESSOR is explained).

    On Linux a step is much faster with large memory pages. They need glibc 2.35 or newer, always or
    madvise in /sys/kernel/mm/transparent_hugepage/enabled, and this setting before the program
    starts:

        GLIBC_TUNABLES=glibc.malloc.hugetlb=1 python script.py

    Args:
        params: from `jnst.load_weights`.
        height, width: of the picture that will be optimised, in pixels.
        precision: "float32", or "bfloat16": products of bfloat16 numbers, summed in float32, in
            every layer but the first, which reads the picture. "tf32" lets a recent GPU round
            to TF32 before it multiplies; elsewhere it is "float32".
        layers: the activations that will be requested, None for all: layers behind the deepest of
            them get no tiles.

    Returns:
        Params of the same network, name and preprocessing.

    Raises:
        ValueError: for an unknown precision.

    Example:
        >>> import jnst
        >>> ready = prepare(jnst.load_weights("vgg16"), 512, 512)
        >>> ready.name, sorted(ready.layers["conv1_1"])
        ('vgg16.h5', ['bias', 'kernel'])
    """
    if precision not in PRECISIONS:
        raise ValueError(f"unknown precision {precision!r}: choose one of {', '.join(PRECISIONS)}")
    tiles = winograd_tiles(params.network, height, width, precision, layers)
    ready = {}
    for name, layer in params.layers.items():
        kernel = _plain_kernel(layer)
        if kernel is not None:
            layer = {"bias": layer["bias"], **_forms(kernel, tiles.get(name, DIRECT))}
        if precision == "bfloat16" and name != "conv1_1":
            half = partial(jax.tree.map, lambda array: array.astype(jnp.bfloat16))
            layer = {part: a if part == "bias" else half(a) for part, a in layer.items()}
        ready[name] = layer
    return replace(params, layers=ready, precision=precision)


def _plain_kernel(layer: dict[str, Any]) -> Array | None:
    """The plain kernel, None if only transformed ones are left."""
    back = layer.get("back")
    return layer.get("kernel", None if isinstance(back, tuple) else back)


def _forms(kernel: Array, tiles: Tiles) -> dict[str, Any]:
    """The kernel in the forms that its algorithms read; "back" if the two differ."""
    forward, back = (_transformed(kernel, tile=tile) if tile else kernel for tile in tiles)
    forms = {"transformed" if tiles.forward else "kernel": forward}
    return forms if tiles.forward == tiles.back else {**forms, "back": back}


_transformed = jax.jit(transform_kernel, static_argnames="tile")
