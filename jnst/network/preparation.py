"""A network made ready for a size and a precision: its kernels as the algorithms read them."""

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
    """The network, made ready for pictures of about this size: same function, fewer operations.

    Kernels that Winograd's tiles will use are transformed here, once, so that no step has to. The
    result goes wherever Params go; `load_weights` alone gives the plain network.

    On a kind of processor that nobody has measured, the first call for more than a small picture
    takes about 5 s to do so, once: what it finds is kept in the cache folder
    (`jnst.network.processor_figures`, where JNST_PROCESSOR is explained).

    On Linux a step is a good deal shorter with large pages of memory, which the C library (glibc
    2.35 or newer) must be told before the program starts, where
    /sys/kernel/mm/transparent_hugepage/enabled says always or madvise:

        GLIBC_TUNABLES=glibc.malloc.hugetlb=1 python script.py

    Args:
        params: from `jnst.load_weights`.
        height, width: of the picture that will be optimised, in pixels.
        precision: "float32", or "bfloat16": products of bfloat16 numbers, summed in float32, in
            every layer but the first, which reads the picture. "tf32" lets a recent GPU round
            to TF32 before it multiplies; elsewhere it is "float32".
        layers: the activations that will be asked for, None for all: what lies behind the deepest
            of them is left as it is.

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
    """The kernel itself, None where only transformed ones are left."""
    back = layer.get("back")
    return layer.get("kernel", None if isinstance(back, tuple) else back)


def _forms(kernel: Array, tiles: Tiles) -> dict[str, Any]:
    """The kernel as both algorithms read it; "back" where they differ."""
    forward, back = (_transformed(kernel, tile=tile) if tile else kernel for tile in tiles)
    found = {"transformed" if tiles.forward else "kernel": forward}
    return found if tiles.forward == tiles.back else {**found, "back": back}


_transformed = jax.jit(transform_kernel, static_argnames="tile")
