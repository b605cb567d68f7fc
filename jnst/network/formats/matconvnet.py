"""MatConvNet's `.mat` files, imagenet-vgg-verydeep-16 and -19, of both generations.

`layers` is a cell of structs; each has a name, and its kernel [height, width, in, out] and bias,
since 2015 in `weights`, before in `filters` and `biases`. The mean of the input is in
`meta.normalization.averageImage`, before in `normalization.averageImage`; the channels are R, G, B
from 0 to 255. MATLAB saves in its own format (`jnst.network.formats.matlab5`), or from version 7.3
on in HDF5, where all axes are in reverse, and a cell is an array of references.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..preprocessing import Preprocessing
from . import containers
from .layers import Tensor, WeightFile, assemble
from .matlab5 import variables
from .naming import convolution_name

SIGNATURE = b"MATLAB "
SIGNATURE_HDF5 = b"MATLAB 7.3"

_LARGEST_MEAN = 1 << 20
_MOST_CELLS = 1000


def read(path: Path) -> WeightFile:
    """Reads a `.mat` of level 5."""
    return _network(variables(path))


def read_hdf5(path: Path) -> WeightFile:
    """Reads a `.mat` of version 7.3."""
    with h5py.File(path) as file:
        layers = []
        for layer in _cell(file, containers.member(file, "layers")):
            weights, *old = (containers.member(layer, n) for n in ("weights", "filters", "biases"))
            parts = [_numbers(part) for part in _cell(file, weights) or old]
            layers.append({"name": _text(containers.member(layer, "name")), "weights": parts})
        meta = containers.member(file, "meta") or file
        mean = containers.member(containers.member(meta, "normalization"), "averageImage")
        normalization = {"averageImage": _numbers(mean)}
        return _network({"layers": layers, "normalization": normalization})


def _network(content: Mapping[str, Any]) -> WeightFile:
    convolutions: dict[str, dict[str, Any]] = {}
    for layer in _as(list, content.get("layers")):
        fields = _as(dict, layer)
        name = convolution_name(_as(str, fields.get("name")))
        parts = fields.get("weights") or [fields.get(part) for part in ("filters", "biases")]
        arrays = [part for part in _as(list, parts) if isinstance(part, Tensor)]
        if name and len(arrays) == 2:
            convolutions[name] = {"kernel": arrays[0], "bias": _flat(arrays[1])}
    weights = assemble(convolutions, "HWIO", "MatConvNet .mat")
    normalization = _as(dict, content.get("meta", content)).get("normalization")
    mean = _as(dict, normalization).get("averageImage")
    return replace(weights, preprocessing=_preprocessing(mean))


def _flat(tensor: Tensor) -> Tensor:
    """The same numbers as a vector."""
    return Tensor((math.prod(tensor.shape),), tensor.dtype, lambda: tensor[()].ravel("F"))


def _as(kind: type, value: Any) -> Any:
    """The value if it is of that kind, else an empty one."""
    return value if isinstance(value, kind) else kind()


def _preprocessing(mean: Any) -> Preprocessing | None:
    """Computed from a mean colour or image [height, width, 3], of R, G, B from 0 to 255."""
    if not isinstance(mean, Tensor) or not 0 < (size := math.prod(mean.shape)) < _LARGEST_MEAN:
        return None
    colors = np.asarray(mean[()], np.float64)
    if size % 3 or not np.all(np.isfinite(colors)):
        return None
    red, green, blue = colors.reshape(-1, 3).mean(0).tolist()
    return Preprocessing("RGB", 255.0, (red, green, blue), (1.0, 1.0, 1.0))


def _numbers(array: Any) -> Tensor | None:
    if not isinstance(array, h5py.Dataset):
        return None
    return Tensor(array.shape[::-1], array.dtype, lambda: np.asarray(array[()]).T)


def _cell(file: h5py.File, cell: Any) -> list[Any]:
    """The objects that a cell refers to; references cannot lead out of the file."""
    is_cell = isinstance(cell, h5py.Dataset) and cell.dtype == h5py.ref_dtype
    if not is_cell or cell.size > _MOST_CELLS:
        return []
    return [containers.checked(file[reference]) for reference in np.ravel(cell[()])]


def _text(array: Any) -> str:
    """The text of a MATLAB array of character codes."""
    if not isinstance(array, h5py.Dataset) or array.dtype.kind != "u" or array.size > 100:
        return ""
    return "".join(chr(code) for code in np.ravel(array[()]))
