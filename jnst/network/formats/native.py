"""The project's own weight file: HDF5, one group per layer, with everything a loader needs.

Layout: a group per convolution (conv1_1, …) with the datasets `kernel` [3, 3, in, out], float16 or
float32, and `bias` [out], float32. Attributes of the root: `format` ("jnst-vgg"),
`format_version`, `network`, `channel_order`, `scale`, `mean`, `std` (see
`jnst.network.preprocessing.Preprocessing`), and any notes, such as `source` and `licence`. Nothing
that depends on time or place is written: equal weights give equal bytes.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ...files import replacing
from ..architecture import CONVOLUTIONS
from ..preprocessing import Preprocessing
from . import containers
from .layers import Layers, Unfit, WeightFile, assemble

_FORMAT = "jnst-vgg"
_VERSION = 1
_RESERVED = ("format", "format_version", "network", "channel_order", "scale", "mean", "std")


def is_native(file: h5py.File) -> bool:
    """Whether an open HDF5 file is of this format."""
    return containers.text(file.attrs.get("format", "")) == _FORMAT


def read(file: h5py.File) -> WeightFile:
    """Reads an open native file."""
    version = file.attrs.get("format_version")
    if version != _VERSION:
        raise Unfit(
            f"has format version {version}, but this jnst reads version {_VERSION}; "
            "update jnst or convert the original file again"
        )
    missing = [name for name in _RESERVED if name not in file.attrs]
    if missing:
        raise Unfit(f"lacks the attribute {missing[0]!r}; convert the original again")
    network = containers.text(file.attrs["network"])
    if network not in CONVOLUTIONS:
        raise Unfit(f"says network {network!r}; known are {', '.join(CONVOLUTIONS)}")
    tensors: dict[str, dict[str, h5py.Dataset]] = {}
    for name, array in containers.arrays(file).items():
        layer, _, part = name.partition("/")
        tensors.setdefault(layer, {})[part] = array
    weights = assemble(tensors, "HWIO", "native .h5", network)
    notes = {n: containers.text(v) for n, v in file.attrs.items() if n not in _RESERVED}
    return replace(weights, preprocessing=_preprocessing(file.attrs), notes=notes)


def write_native(
    path: Path,
    layers: Layers,
    network: str,
    preprocessing: Preprocessing,
    *,
    dtype: str = "float32",
    notes: Mapping[str, str] | None = None,
) -> None:
    """Writes a native file, or replaces it when complete; equal arguments give equal bytes.

    `dtype`, "float16" or "float32", is that of the kernels; `notes` become attributes of the file.
    """
    if dtype not in ("float16", "float32"):
        raise ValueError(f"kernels are stored as 'float16' or 'float32', not {dtype!r}")
    notes = dict(notes or {})
    if taken := set(notes) & set(_RESERVED):
        raise ValueError(f"a note cannot be named {taken.pop()!r}: that attribute is the format's")
    texts = {"format": _FORMAT, "network": network, "channel_order": preprocessing.channel_order}
    with replacing(path) as part:
        try:
            # A fixed version of the file format, not the newest that this HDF5 library knows.
            with h5py.File(part, "w", libver=("earliest", "v108")) as file:
                for name, value in (notes | texts).items():
                    data = value.encode()
                    kind = h5py.string_dtype("utf-8", max(len(data), 1))
                    file.attrs.create(name, data, dtype=kind)
                file.attrs["format_version"] = np.int32(_VERSION)
                for name in ("scale", "mean", "std"):
                    file.attrs[name] = np.float64(getattr(preprocessing, name))
                for name, _, _ in CONVOLUTIONS[network]:
                    group = file.create_group(name)
                    for part_name, stored in (("kernel", dtype), ("bias", "float32")):
                        array = np.asarray(layers[name][part_name], stored)
                        group.create_dataset(part_name, data=array, track_times=False)
        except (OSError, RuntimeError) as error:  # HDF5 raises either if the disk is full
            number = getattr(error, "errno", None)
            why = os.strerror(number) if number else error
            raise OSError(f"{why}; make room there, or name another file") from error


def _preprocessing(attributes: Mapping[str, Any]) -> Preprocessing:
    order = containers.text(attributes["channel_order"])
    mean, std = (tuple(np.ravel(attributes[n]).astype(float).tolist()) for n in ("mean", "std"))
    scale = float(attributes["scale"])
    if order not in ("RGB", "BGR"):
        raise Unfit(f"says channel order {order!r}; it must be RGB or BGR")
    if len(mean) != 3 or len(std) != 3 or not np.all(np.isfinite((scale, *mean, *std))):
        raise Unfit(f"says scale {scale}, mean {mean}, std {std}; mean and std are three numbers")
    if scale <= 0 or min(std) <= 0:
        raise Unfit(f"says scale {scale} and std {std}; they must be above zero")
    return Preprocessing(order, scale, mean, std)  # type: ignore[arg-type]
