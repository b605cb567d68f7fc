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
from typing import Any

from ..architecture import LAYERS
from .layers import Tensors, Unfit, WeightFile, assemble, name_in_order

_NAME = re.compile(r"(?:^|[^a-z])(?:conv|block(?=\d_conv))(\d)_(?:conv)?(\d)(?![0-9])")
_PART = re.compile(r"[._/](weight|weights|kernel|filters|W|bias|biases|b)(?:_\d+)?(?::0)?$")
_NUMBER = re.compile(r"^(?:(?:.*\.)?features\.)?(\d+)\.(?:weight|bias)$")


def convolution_name(text: str) -> str | None:
    """The layer that a name in a file refers to, such as "conv1_1", or None."""
    match = _NAME.search(text)
    return f"conv{match[1]}_{match[2]}" if match else None


def from_tensors(tensors: Mapping[str, Any], format: str) -> WeightFile:
    """The network in a file's tensors, by their full names."""
    if any(name.endswith("running_mean") for name in tensors):
        raise Unfit(
            "is a VGG with batch normalization, another network; use the plain VGG-16 or 19"
        )
    groups: dict[str, dict[str, Any]] = {}
    is_torch = False
    for name, tensor in tensors.items():
        if part := _PART.search(name):
            kind = "bias" if part[1].startswith("b") else "kernel"
            groups.setdefault(name[: part.start()], {})[kind] = tensor
            is_torch = is_torch or part[1] == "weight"
    named = {layer: group for n, group in groups.items() if (layer := convolution_name(n))}
    layers: Tensors = named or _numbered(tensors) or in_natural_order(groups)
    return assemble(layers, "OIHW" if is_torch else "HWIO", format)


def in_natural_order(groups: Tensors) -> Tensors:
    """Names the 3x3 kernels among groups in the order of the groups' names, 10 after 9."""

    def key(name: str) -> list[tuple[str, int]]:
        return [(text, int(number or -1)) for text, number in re.findall(r"(\D+)(\d*)", f"/{name}")]

    ordered = [groups[name] for name in sorted(groups, key=key)]
    shapes = [tuple(getattr(group.get("kernel"), "shape", ()))[:2] for group in ordered]
    pairs = zip(ordered, shapes, strict=True)
    return name_in_order([group for group, shape in pairs if shape == (3, 3)])


def _numbered(tensors: Mapping[str, Any]) -> Tensors:
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
