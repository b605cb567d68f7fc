"""The layers of a VGG, recognised by the names of the tensors in a file.

Three naming schemes are tried, and the first that fits is used:

- the layer's own name, `conv1_1.weight`, `conv1_1_W`, `vgg_16/conv1/conv1_1/weights`, or Keras's,
  `block1_conv1/kernel:0`;
- torchvision's index in the sequence of layers, `features.0.weight`, or just `0.weight`;
- none, as in Flax (`Conv_0/kernel`): then the 3x3 kernels are named in their order.

PyTorch files say `weight`, and their kernels are OIHW; TensorFlow, Keras, Flax and NumPy files say
`kernel`, `weights` or `W`, and theirs are HWIO.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..architecture import LAYERS
from .layers import Layout, name_in_order

_NAME = re.compile(r"(?:^|[^a-z])(?:conv|block(?=\d_conv))(\d)_(?:conv)?(\d)(?![0-9])")
_PART = re.compile(r"[._/](weight|weights|kernel|filters|W|bias|biases|b)(?:_\d+)?(?::0)?$")
_NUMBER = re.compile(r"^(?:(?:.*\.)?features\.)?(\d+)\.(?:weight|bias)$")
_BIASES = ("bias", "biases", "b")

Found = dict[str, Mapping[str, Any]]


def convolution_name(text: str) -> str | None:
    """The layer that a name in a file refers to, such as "conv1_1", or None.

    >>> convolution_name("module.conv3_2.weight"), convolution_name("block5_conv1/kernel:0")
    ('conv3_2', 'conv5_1')
    """
    match = _NAME.search(text)
    return f"conv{match[1]}_{match[2]}" if match else None


def name_layers(path: Path, tensors: Mapping[str, Any]) -> tuple[Found, Layout]:
    """Sorts the tensors of a file by layer and part.

    Args:
        path: of the file, for messages.
        tensors: full name in the file to tensor; only `shape` is used.

    Returns:
        Layer name to {"kernel", "bias"}, and the layout, as arguments of
        `jnst.network.formats.layers.assemble`.

    Raises:
        ValueError: for a VGG with batch normalisation, and for names that fit no scheme.
    """
    if any(name.endswith("running_mean") for name in tensors):
        raise ValueError(
            f"{path} is a VGG with batch normalization, another network; use the plain VGG-16 or 19"
        )
    groups: dict[str, dict[str, Any]] = {}
    layout: Layout = "HWIO"
    for name, tensor in tensors.items():
        part = _PART.search(name)
        if part:
            kind = "bias" if part[1] in _BIASES else "kernel"
            groups.setdefault(name[: part.start()], {})[kind] = tensor
            layout = "OIHW" if part[1] == "weight" else layout
    named = {layer: group for n, group in groups.items() if (layer := convolution_name(n))}
    convolutions: Found = {**named} or _numbered(tensors) or _counted(path, groups)
    return convolutions, layout


def natural_order(name: str) -> list[tuple[str, int]]:
    """A sorting key that puts conv2d_10 after conv2d_9.

    >>> sorted(["conv2d_10/0", "conv2d_9/0", "conv2d/0"], key=natural_order)
    ['conv2d/0', 'conv2d_9/0', 'conv2d_10/0']
    """
    return [(text, int(number or -1)) for text, number in re.findall(r"(\D+)(\d*)", f"/{name}")]


def _numbered(tensors: Mapping[str, Any]) -> Found:
    numbers: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        if match := _NUMBER.match(name.removeprefix("module.")):
            part = "bias" if name.endswith("bias") else "kernel"
            numbers.setdefault(int(match[1]), {})[part] = tensor
    tables = [
        {order.index(layer): layer for layer in order if layer.startswith("conv")}
        for order in LAYERS.values()
    ]
    # A file that lacks a layer still fits its own network's numbers better than the other's.
    table = max(tables, key=lambda table: len(set(table) & set(numbers)))
    return {table[number]: group for number, group in numbers.items() if number in table}


def _counted(path: Path, groups: Mapping[str, Mapping[str, Any]]) -> Found:
    names = sorted(groups, key=natural_order)
    kernels = [
        groups[n]
        for n in names
        if tuple(getattr(groups[n].get("kernel"), "shape", ()))[:2] == (3, 3)
    ]
    return name_in_order(path, kernels)
