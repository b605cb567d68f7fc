"""The project's own weight file: HDF5, one group per layer, with everything a loader needs.

Layout: a group per convolution (conv1_1, …) with the datasets `kernel` [3, 3, in, out], float16 or
float32, and `bias` [out], float32. Attributes of the root: `format` ("jnst-vgg"),
`format_version`, `network`, `channel_order`, `scale`, `mean`, `std` (see
`jnst.network.preprocessing.Preprocessing`), and any notes, such as `source` and `licence`. Nothing
that depends on time or place is written, and nothing is compressed, so that equal weights give
equal bytes.
"""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..architecture import CONVOLUTIONS
from ..preprocessing import Preprocessing
from . import hdf5
from .layers import Layers, WeightFile, assemble

FORMAT = "jnst-vgg"
VERSION = 1
_RESERVED = ("format", "format_version", "network", "channel_order", "scale", "mean", "std")


def is_native(file: h5py.File) -> bool:
    """Whether an open HDF5 file is of this format."""
    return hdf5.text(file.attrs.get("format", "")) == FORMAT


def read(path: Path, file: h5py.File) -> WeightFile:
    """Reads an open native file.

    Raises:
        ValueError: for another format version, a missing or invalid attribute, and as
            `jnst.network.formats.layers.assemble`.
    """
    version = file.attrs.get("format_version")
    if version != VERSION:
        raise ValueError(
            f"{path} has format version {version}, but this jnst reads version {VERSION}; "
            "update jnst or convert the original file again"
        )
    missing = [name for name in _RESERVED if name not in file.attrs]
    if missing:
        raise ValueError(f"{path} lacks the attribute {missing[0]!r}; convert the original again")
    network = hdf5.text(file.attrs["network"])
    if network not in CONVOLUTIONS:
        raise ValueError(f"{path} says network {network!r}; known are {', '.join(CONVOLUTIONS)}")
    tensors: dict[str, dict[str, h5py.Dataset]] = {}
    for name, array in hdf5.arrays(path, file).items():
        layer, _, part = name.partition("/")
        tensors.setdefault(layer, {})[part] = array
    network, layers = assemble(path, tensors, layout="HWIO", network=network)
    notes = {n: hdf5.text(v) for n, v in file.attrs.items() if n not in _RESERVED}
    return WeightFile(layers, network, "native .h5", _preprocessing(path, file.attrs), notes)


def write(
    path: Path,
    layers: Layers,
    network: str,
    preprocessing: Preprocessing,
    *,
    dtype: str = "float32",
    notes: Mapping[str, str] | None = None,
) -> None:
    """Writes a native file; equal arguments give equal bytes.

    The file appears under its name only when it is complete.

    Args:
        path: of the new file; an existing one is replaced.
        layers: layer name to {"kernel": [3, 3, in, out], "bias": [out]}.
        network: "vgg16" or "vgg19".
        preprocessing: what the weights expect of their input.
        dtype: "float16" or "float32", of the kernels; biases are always float32.
        notes: texts to keep as attributes of the file.

    Raises:
        ValueError: for another dtype, or a note named like one of the format's own attributes.
        OSError: if the file cannot be written.
    """
    if dtype not in ("float16", "float32"):
        raise ValueError(f"kernels are stored as 'float16' or 'float32', not {dtype!r}")
    notes = dict(notes or {})
    if taken := set(notes) & set(_RESERVED):
        raise ValueError(f"a note cannot be named {taken.pop()!r}: that attribute is the format's")
    descriptor, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    try:
        # A fixed version of the file format, not the newest that this HDF5 library knows.
        with h5py.File(part, "w", libver=("earliest", "v108")) as file:
            for name, value in notes.items():
                _set_text(file, name, value)
            _set_text(file, "format", FORMAT)
            file.attrs["format_version"] = np.int32(VERSION)
            _set_text(file, "network", network)
            _set_text(file, "channel_order", preprocessing.channel_order)
            file.attrs["scale"] = np.float64(preprocessing.scale)
            file.attrs["mean"] = np.asarray(preprocessing.mean, np.float64)
            file.attrs["std"] = np.asarray(preprocessing.std, np.float64)
            for name, _, _ in CONVOLUTIONS[network]:
                group = file.create_group(name)
                kernel = np.asarray(layers[name]["kernel"], dtype)
                bias = np.asarray(layers[name]["bias"], np.float32)
                group.create_dataset("kernel", data=kernel, track_times=False)
                group.create_dataset("bias", data=bias, track_times=False)
        _give_usual_permissions(part)
        Path(part).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(part).unlink()
        raise


def _preprocessing(path: Path, attributes: Mapping[str, Any]) -> Preprocessing:
    order = hdf5.text(attributes["channel_order"])
    mean, std = (tuple(np.ravel(attributes[n]).astype(float).tolist()) for n in ("mean", "std"))
    scale = float(attributes["scale"])
    if order not in ("RGB", "BGR"):
        raise ValueError(f"{path} says channel order {order!r}; it must be RGB or BGR")
    if len(mean) != 3 or len(std) != 3 or not np.all(np.isfinite((scale, *mean, *std))):
        raise ValueError(
            f"{path}: scale {scale}, mean {mean}, std {std}; mean and std are three numbers"
        )
    if scale <= 0 or min(std) <= 0:
        raise ValueError(f"{path}: scale {scale} and std {std} must be above zero")
    return Preprocessing(order, scale, mean, std)  # type: ignore[arg-type]


def _set_text(file: h5py.File, name: str, value: str) -> None:
    data = value.encode()
    file.attrs.create(name, data, dtype=h5py.string_dtype("utf-8", max(len(data), 1)))


def _give_usual_permissions(part: str) -> None:
    # mkstemp makes files that only their owner can read.
    mask = os.umask(0)
    os.umask(mask)
    Path(part).chmod(0o666 & ~mask)
