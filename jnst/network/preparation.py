"""The preparation of a network for a size and a precision: kernels in the algorithms' forms."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp

from ..config.choices import PRECISIONS
from ..ops import transform_kernel
from .algorithms import DIRECT, winograd_tiles
from .vgg import Params


def prepare(
    params: Params,
    height: int,
    width: int,
    precision: str = "float32",
    layers: Iterable[str] | None = None,
) -> Params:
    """Prepares a network for pictures of about this size: same function, fewer operations.

    Kernels for Winograd's tiles are transformed here, once, instead of in every step. On an
    unmeasured kind of processor, the first call for more than a small picture spends about 5 s on
    timing the algorithms, once (`jnst.network.timings`, where JNST_PROCESSOR is explained).

    On Linux a step is much faster with large memory pages: set GLIBC_TUNABLES to
    glibc.malloc.hugetlb=1 before Python starts (glibc 2.35 or newer).

    Args:
        params: from `jnst.load_weights`.
        height, width: of the picture that will be optimised, in pixels.
        precision: "float32", or "bfloat16": products of bfloat16 numbers, summed in float32, in
            every layer but the first, which reads the picture. "tf32" lets a recent GPU round
            to TF32 before it multiplies; elsewhere it is "float32".
        layers: the activations that will be requested, None for all.

    Returns:
        Params of the same network, which can be used wherever those of `load_weights` can.

    Raises:
        ValueError: for an unknown precision.

    Example:
        >>> import jnst
        >>> ready = prepare(jnst.load_weights("vgg16"), 512, 512)
        >>> ready.name, sorted(ready.layers["conv1_1"])
        ('vgg16.h5', ['bias', 'kernel'])
    """
    _check(precision)
    tiles = winograd_tiles(params.network, height, width, precision, layers)
    ready = {}
    for name, layer in params.layers.items():
        back = layer.get("back")
        kernel = layer.get("kernel", None if isinstance(back, tuple) else back)
        if kernel is not None:  # else only transformed ones are left
            sides = tiles.get(name, DIRECT)
            forward, back = (_transformed(kernel, tile=tile) if tile else kernel for tile in sides)
            layer = {"bias": layer["bias"], "transformed" if sides.forward else "kernel": forward}
            layer |= {} if sides.forward == sides.back else {"back": back}
        ready[name] = layer
    return _rounded(replace(params, layers=ready), precision)


def prepare_once(params: Params, precision: str = "float32") -> Params:
    """The network in a precision, for one evaluation at each size.

    Its convolutions are direct where those of `prepare` would be Winograd's: these consist of many
    small programs, which take longer to compile than they save in a single evaluation.
    """
    _check(precision)
    return _rounded(params, precision)


def _check(precision: str) -> None:
    if precision not in PRECISIONS:
        raise ValueError(f"unknown precision {precision!r}: choose one of {', '.join(PRECISIONS)}")


def _rounded(params: Params, precision: str) -> Params:
    layers = params.layers
    if precision == "bfloat16":
        half = partial(jax.tree.map, lambda array: array.astype(jnp.bfloat16))
        layers = {
            name: layer
            if name == "conv1_1"
            else {part: a if part == "bias" else half(a) for part, a in layer.items()}
            for name, layer in layers.items()
        }
    return replace(params, layers=layers, precision=precision)


_transformed = jax.jit(transform_kernel, static_argnames="tile")
