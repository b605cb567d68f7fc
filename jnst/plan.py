"""Which convolution each layer of the network runs on, and in which precision.

Winograd's tiles (`jnst.ops.conv3x3`) pay on CPUs, from 64 channels up and from a certain amount of
work: below it what they save in a run does not bring back the seconds that they take longer to
compile. benchmarks/step.py --layers measures every layer both ways; the figures are in
benchmarks/README.md. On GPUs and TPUs the vendor's own convolution runs, with its own choice of
algorithms.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp

from .config import PRECISIONS
from .ops import transform_kernel
from .vgg import CONVOLUTIONS, LAYERS, Params

_LEAST_CHANNELS = 64
_LEAST_OPERATIONS = 2e9
_LEAST_PIXELS = 256


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
        >>> sorted(ready.layers["conv1_1"]), sorted(ready.layers["conv3_1"])
        (['bias', 'kernel'], ['bias', 'transformed'])
    """
    if precision not in PRECISIONS:
        raise ValueError(f"unknown precision {precision!r}: choose one of {', '.join(PRECISIONS)}")
    chosen = winograd_layers(params.network, height, width, layers)
    ready = {}
    for name, layer in params.layers.items():
        if name in chosen and "kernel" in layer:
            layer = {"bias": layer["bias"], "transformed": _transformed(layer["kernel"])}
        if precision == "bfloat16" and name != "conv1_1":
            half = partial(jax.tree.map, lambda array: array.astype(jnp.bfloat16))
            layer = {part: a if part == "bias" else half(a) for part, a in layer.items()}
        ready[name] = layer
    return replace(params, layers=ready, precision=precision)


_transformed = jax.jit(transform_kernel)


def winograd_layers(
    network: str, height: int, width: int, layers: Iterable[str] | None = None
) -> tuple[str, ...]:
    """The convolutions that `prepare` chooses Winograd's tiles for; arguments as there.

    Example:
        >>> winograd_layers("vgg16", 128, 128)
        ()
        >>> winograd_layers("vgg19", 512, 512, ["relu2_1"])
        ('conv1_2', 'conv2_1')
    """
    if jax.default_backend() != "cpu":
        return ()
    order = LAYERS[network]
    last = max((order.index(layer) for layer in layers), default=-1) if layers else len(order)
    chosen = []
    for name, wide, deep in CONVOLUTIONS[network]:
        pixels = (height >> (int(name[4]) - 1)) * (width >> (int(name[4]) - 1))
        enough = pixels >= _LEAST_PIXELS and 2.0 * 9 * wide * deep * pixels >= _LEAST_OPERATIONS
        if enough and min(wide, deep) >= _LEAST_CHANNELS and order.index(name) <= last:
            chosen.append(name)
    return tuple(chosen)
