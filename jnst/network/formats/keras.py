"""Keras weight files: keras.applications' VGG-16 and VGG-19, with or without the top.

Keras 2 (`.h5`): a group per layer, block{b}_conv{i}, somewhere below the root, with a kernel
[3, 3, in, out] and a bias. The names of the arrays changed over the years (`block1_conv1_W_1:0`,
`kernel:0`), so an array is recognised by its number of axes.

Keras 3 (`.weights.h5`, or a `.keras` zip file around it): groups are called by kind and number,
`layers/conv2d_3/vars`, and the layer's own name is an attribute. Without it, in files of Keras 3.0,
the 3x3 kernels are named in their order.
"""

import io
import re
import zipfile

import h5py

from . import containers
from .layers import Tensors, WeightFile, assemble
from .naming import convolution_name, in_natural_order

WEIGHTS = "model.weights.h5"
"""The member of a `.keras` file that holds the weights."""

_LARGEST = 1 << 30
_PARTS = {4: "kernel", 1: "bias"}
_VARIABLE = re.compile(r"(?:^|/)vars/\d+$")
_OPTIMIZER = ("optimizer_weights/", "optimizer/")


def read(file: h5py.File, kind: str = "Keras 3 .weights.h5") -> WeightFile:
    """Reads an open file of Keras 2, or of Keras 3, which is then called `kind`."""
    arrays = {
        name: array
        for name, array in containers.arrays(file).items()
        if array.ndim in _PARTS and not name.startswith(_OPTIMIZER)
    }
    is_keras3 = any(map(_VARIABLE.search, arrays))
    groups: dict[str, dict[str, h5py.Dataset]] = {}
    names: dict[str, str] = {}
    for name, array in arrays.items():
        group = name.rpartition("/")[0]
        own_name = containers.text(array.parent.attrs.get("name", "")) if is_keras3 else ""
        names[group] = convolution_name(f"{group}/") or convolution_name(own_name) or ""
        groups.setdefault(group, {})[_PARTS[array.ndim]] = array
    convolutions: Tensors = {names[group]: parts for group, parts in groups.items() if names[group]}
    if is_keras3 and not convolutions:
        convolutions = in_natural_order(groups)
    return assemble(convolutions, "HWIO", kind if is_keras3 else "Keras 2 .h5")


def read_archive(archive: zipfile.ZipFile) -> WeightFile:
    """Reads an open `.keras` file."""
    data = containers.unpacked(archive, archive.getinfo(WEIGHTS), _LARGEST)
    with io.BytesIO(data) as stream, h5py.File(stream) as file:
        return read(file, "Keras 3 .keras")
