"""VGG-16 and VGG-19 as feature extractors: image in, named maps out.

The convolutions and the pooling are the project's own (`jnst.ops`); Flax Linen holds the parameter
tree and its shapes. The network ends at the deepest requested layer.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import flax.linen as nn
import jax
import jax.numpy as jnp

from ..arrays import AnyImage, Array, Batch, Features, check_image
from ..config.choices import POOLINGS
from ..ops import avg_pool, conv2d, conv3x3, conv3x3_apart, l2_pool, max_pool, pad, relu
from .architecture import CONVOLUTIONS, check_layers, layers_to, smallest_side
from .preprocessing import Preprocessing, preprocess

_POOLINGS = {"max": max_pool, "average": avg_pool, "l2": l2_pool}
# style-transfer-pytorch's factors, which keep inputs of deeper layers near those of training.
_FACTORS = {"average": 2.0, "l2": 0.78}
_STATIC = {"static": True}


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Params:
    """A network's weights together with the preprocessing that belongs to them.

    A JAX pytree: the arrays in `layers` are its leaves, all else is static, so it passes through
    `jit` and `grad` as one argument.

    Attributes:
        layers: layer name to {"kernel": [3, 3, in, out], "bias": [out]}, float32. After
            `jnst.prepare` some have "transformed", n arrays [n, in, out], instead of "kernel". With
            "back", in either form, the derivative uses another algorithm than the value.
        network: "vgg16" or "vgg19".
        preprocessing: see `Preprocessing`.
        name: a readable name of these weights, for messages and metadata.
        sha256: of the file that they were loaded from, "" if none.
        precision: "float32", "bfloat16" or "tf32", as given to `jnst.prepare`.
    """

    layers: dict[str, dict[str, Array]]
    network: str = field(metadata=_STATIC)
    preprocessing: Preprocessing = field(metadata=_STATIC)
    name: str = field(default="", metadata=_STATIC)
    sha256: str = field(default="", metadata=_STATIC)
    precision: str = field(default="float32", metadata=_STATIC)


def convolve(
    x: Batch, layer: Mapping[str, Any], precision: str, rectify: bool, padding: str = "zero"
) -> Batch:
    """The convolution of x [N, H, W, in] by a layer of `Params`, with its ReLU if `rectify`.

    The forms of the layer's kernels decide on the algorithms. The padding of one pixel is "zero",
    "replicate" or "reflect".
    """
    if padding != "zero":
        # Every algorithm pads with zeros, which affect only the rim of the padded picture: cut it.
        padded = pad(x, 1, cast(Any, padding))
        return convolve(padded, layer, precision, rectify)[:, 1:-1, 1:-1]
    # By default JAX multiplies float32 in TF32 on recent GPUs and in bfloat16 on TPUs.
    products = "tensorfloat32" if precision == "tf32" else "highest"
    forward, bias = layer.get("transformed", layer.get("kernel")), layer["bias"]
    if "back" in layer:
        return conv3x3_apart(x, forward, layer["back"], bias, rectify, products)
    if "transformed" in layer:
        return conv3x3(x, forward, bias, rectify)
    kernel = layer["kernel"]
    operands = (x.astype(kernel.dtype), kernel, bias.astype(kernel.dtype))
    y = conv2d(*operands, precision=products).astype(x.dtype)
    return relu(y) if rectify else y


def _new_layer(key: Array, inputs: int, outputs: int) -> dict[str, Array]:
    kernel = nn.initializers.he_normal()(key, (3, 3, inputs, outputs))
    return {"kernel": kernel, "bias": jnp.zeros(outputs)}


class VGG(nn.Module):
    """VGG-16 or VGG-19 without its classifier; the attributes are the arguments of `features`."""

    network: str
    layers: tuple[str, ...]
    pooling: str = "max"
    precision: str = "float32"
    padding: str = "zero"

    @nn.compact
    def __call__(self, x: Batch) -> dict[str, Batch]:
        """Maps a preprocessed batch [N, H, W, 3] to the requested activations, [N, h, w, C]."""
        widths = {name: width for name, _, width in CONVOLUTIONS[self.network]}
        read = set(self.layers)

        def convolution(x: Batch, name: str, rectify: bool) -> Batch:
            layer: Any
            if self.has_variable("params", name):
                layer = self.get_variable("params", name)
            else:
                layer = self.param(name, _new_layer, x.shape[-1], widths[name])
            padding = self.padding if name == "conv1_1" else "zero"
            return convolve(x, layer, self.precision, rectify, padding)

        order = layers_to(self.network, read)
        walk = propagate(order, x, convolution, lambda x, _: pool(x, self.pooling), read)
        return {name: x for name, x in walk if name in read}


def propagate(
    order: Iterable[str],
    x: Batch,
    convolve: Callable[[Batch, str, bool], Batch],
    pool: Callable[[Batch, str], Batch],
    read: Container[str],
) -> Iterator[tuple[str, Batch]]:
    """Yields each layer's name and its output, in order.

    A convolution that is not in `read` is fused with its ReLU, which saves one pass over memory:
    `convolve` is then asked to rectify, and both names come with the output of the ReLU.

    >>> walk = propagate(("conv1_1", "relu1_1"), jnp.ones((1, 1, 1, 1)),
    ...                  lambda x, name, rectify: -2 * x, lambda x, name: x, {"conv1_1"})
    >>> [(name, float(x.squeeze())) for name, x in walk]
    [('conv1_1', -2.0), ('relu1_1', 0.0)]
    """
    rectified = False
    for name in order:
        if name.startswith("conv"):
            rectified = name not in read
            x = convolve(x, name, rectified)
        elif name.startswith("relu"):
            x = x if rectified else relu(x)
        else:
            x = pool(x, name)
        yield name, x


def pool(x: Batch, kind: str = "max") -> Batch:
    """The network's pooling: windows of 2x2, "max", "average" or "l2"; an odd last row is dropped.

    With the suffix "-rescaled", the average times 2 and the norm times 0.78: the network was
    trained on maxima, for which averages are too small and norms too large.
    """
    plain, rescaled, _ = kind.partition("-rescaled")
    y = _POOLINGS[plain](x, 2)
    return _FACTORS[plain] * y if rescaled else y


def features(
    params: Params,
    image: AnyImage,
    layers: str | Iterable[str],
    *,
    pooling: str = "max",
    padding: str = "zero",
) -> Features:
    """Computes the named activations of one image.

    Args:
        params: from `jnst.load_weights`; its preprocessing is applied here.
        image: [height, width, 3], sRGB, nominally in [0, 1], JAX or NumPy, any float dtype.
        layers: one name or several, such as "relu4_2" (see `LAYERS`). "conv…" is before the ReLU.
        pooling: "max", "average" or "l2"; "average-rescaled" or "l2-rescaled" (see `pool`).
        padding: around the picture at the first convolution: "zero" as trained, "replicate" or
            "reflect"; deeper layers pad with zeros.

    Returns:
        A dict from each name to its map [h, w, channels]. A pooling halves sizes, rounding down.

    Raises:
        TypeError: for an image of integers.
        ValueError: for an unknown layer or pooling, or an image that is not [H, W, 3], far from
            [0, 1], or too small for the deepest layer.

    Example:
        >>> import jnst
        >>> params = jnst.load_weights("vgg16")
        >>> maps = features(params, jnp.zeros((32, 48, 3)), ["relu1_1", "relu3_1"])
        >>> {name: values.shape for name, values in maps.items()}
        {'relu1_1': (32, 48, 64), 'relu3_1': (8, 12, 256)}

    References:
        Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
        recognition", ICLR 2015, table 1, columns D and E.
    """
    layers = (layers,) if isinstance(layers, str) else tuple(layers)
    check_layers(params.network, layers)
    if pooling not in POOLINGS:
        raise ValueError(f"unknown pooling {pooling!r}: choose one of {', '.join(POOLINGS)}")
    check_image("image", image)
    if not layers:
        return {}
    need = smallest_side(params.network, layers)
    if min(image.shape[:2]) < need:
        height, width = image.shape[:2]
        raise ValueError(
            f"an image of {width}x{height} is too small: {', '.join(layers)} needs at least "
            f"{need} pixels on each side; use a larger picture or a shallower layer"
        )
    network = VGG(params.network, layers, pooling, params.precision, padding)
    order = layers_to(params.network, layers)
    used = {name: params.layers[name] for name in order if name.startswith("conv")}
    batch = preprocess(jnp.asarray(image), params.preprocessing)[None]
    maps: Any = network.apply({"params": used}, batch)
    return {name: maps[name][0] for name in layers}
