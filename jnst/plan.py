"""Which convolution each layer of the network runs on, and in which precision.

Winograd's tiles (`jnst.ops.conv3x3`) pay on CPUs, from 64 channels up and from a certain amount of
work: below it what they save in a run does not bring back the seconds that they take longer to
compile. benchmarks/step.py --layers measures every layer both ways; the figures are in
benchmarks/README.md. On GPUs and TPUs the vendor's own convolution runs, with its own choice of
algorithms.
"""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp

from .config import PRECISIONS
from .ops import transform_kernel
from .vgg import CONVOLUTIONS, Params

_LEAST_CHANNELS = 64
_LEAST_OPERATIONS = 2e9
_LEAST_PIXELS = 256


def prepare(params: Params, height: int, width: int, precision: str = "float32") -> Params:
    """The network, made ready for pictures of about this size: same function, fewer operations.

    Kernels that Winograd's tiles will use are transformed here, once, so that no step has to. The
    result goes wherever Params go; `load_weights` alone gives the plain network.

    Args:
        params: from `jnst.load_weights`.
        height, width: of the picture that will be optimised, in pixels.
        precision: "float32", or "bfloat16": products of bfloat16 numbers, summed in float32, in
            every layer but the first, which reads the picture. "tf32" lets a recent GPU round
            to TF32 before it multiplies; elsewhere it is "float32".

    Returns:
        Params of the same network, name and preprocessing.

    Raises:
        ValueError: for an unknown precision.

    Example:
        >>> import jnst
        >>> ready = prepare(jnst.load_weights("vgg16"), 512, 512)
        >>> sorted(ready.layers["conv1_1"]), sorted(ready.layers["conv3_1"])
        (['bias', 'kernel'], ['bias', 'transformed'])
    """
    if precision not in PRECISIONS:
        raise ValueError(f"unknown precision {precision!r}: choose one of {', '.join(PRECISIONS)}")
    layers = {}
    for name, wide, deep in CONVOLUTIONS[params.network]:
        if name not in params.layers:
            continue
        layer = dict(params.layers[name])
        block = int(name[4])
        if _pays(height >> (block - 1), width >> (block - 1), wide, deep) and "kernel" in layer:
            layer["transformed"] = _transformed(layer.pop("kernel"))
        if precision == "bfloat16" and name != "conv1_1":
            half = partial(jax.tree.map, lambda array: array.astype(jnp.bfloat16))
            layer = {part: a if part == "bias" else half(a) for part, a in layer.items()}
        layers[name] = layer
    return replace(params, layers=layers, precision=precision)


_transformed = jax.jit(transform_kernel)


def _pays(height: int, width: int, wide: int, deep: int) -> bool:
    operations = 2.0 * 9 * wide * deep * height * width
    return (
        jax.default_backend() == "cpu"
        and min(wide, deep) >= _LEAST_CHANNELS
        and height * width >= _LEAST_PIXELS
        and operations >= _LEAST_OPERATIONS
    )
