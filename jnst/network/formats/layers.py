"""The checked layers of a VGG, from the tensors of any weight file.

Every reader passes its tensors here by layer name; the result is complete, finite, float32 and
HWIO, or an error that names the layer and the remedy.
"""

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..architecture import CONVOLUTIONS
from ..preprocessing import Preprocessing

Layout = Literal["HWIO", "OIHW"]
Layers = dict[str, dict[str, npt.NDArray[np.float32]]]
"""Layer name to {"kernel": [3, 3, in, out], "bias": [out]}, float32."""
Tensors = Mapping[str, Mapping[str, Any]]
"""Layer name to {"kernel": tensor, "bias": tensor}. A tensor is a `Tensor` or an HDF5 dataset."""


@dataclass(frozen=True)
class WeightFile:
    """The content of a weight file."""

    layers: Layers
    network: str
    format: str  # the reader's name for it, for messages
    preprocessing: Preprocessing | None = None  # as the file itself declares it
    notes: Mapping[str, str] = field(default_factory=dict)  # its source, its licence


class Unfit(ValueError):
    """A file that is not a VGG, or asks for what no weights need; the message follows its name."""


@dataclass(frozen=True)
class Tensor:
    """An array in a file: its shape and type, and its numbers, which `tensor[()]` reads."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], npt.NDArray[Any]]

    def __getitem__(self, key: tuple[()]) -> npt.NDArray[Any]:
        return self.read()[key]


def from_bytes(
    data: Any, shape: tuple[int, ...], dtype: np.dtype[Any], order: Literal["C", "F"] = "C"
) -> npt.NDArray[Any]:
    """The array that these bytes are; ValueError if there are too few or too many."""
    if len(data) != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"an array of shape {shape} has {len(data):,} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def assemble(
    tensors: Tensors, layout: Layout, format: str, network: str | None = None
) -> WeightFile:
    """Checks the tensors of a file, which may declare its network; brings them to float32 and HWIO.

    Shapes are checked before anything is read, so that a file cannot make it allocate more than
    a VGG needs. Names that belong to no convolution are ignored.
    """
    detected = "vgg19" if any(f"conv{block}_4" in tensors for block in (3, 4, 5)) else "vgg16"
    network = network or detected
    if network != detected:
        raise Unfit(
            f"says that it is {network}, but its layers are those of {detected}; "
            "convert the original again"
        )
    names = [name for name, _, _ in CONVOLUTIONS[network]]
    missing = [(n, p) for n in names for p in ("kernel", "bias") if p not in tensors.get(n, ())]
    if missing:
        layers_missing = list(dict.fromkeys(name for name, _ in missing))
        what = ", ".join(map(" ".join, missing))
        if len(layers_missing) > 4:
            what = f"{len(layers_missing)} of the layers ({', '.join(layers_missing[:3])}, …)"
        raise Unfit(
            f"lacks {what} of {network}; it is incomplete or not a VGG: use a complete file"
        )
    layers: Layers = {}
    for name, inputs, outputs in CONVOLUTIONS[network]:
        shape = (3, 3, inputs, outputs) if layout == "HWIO" else (outputs, inputs, 3, 3)
        kernel = _read(f"{name} kernel", tensors[name]["kernel"], shape)
        bias = _read(f"{name} bias", tensors[name]["bias"], (outputs,))
        kernel = kernel if layout == "HWIO" else kernel.transpose(2, 3, 1, 0)
        layers[name] = {"kernel": np.ascontiguousarray(kernel), "bias": bias}
    return WeightFile(layers, network, format)


def name_in_order(convolutions: Sequence[Mapping[str, Any]]) -> Tensors:
    """Names convolutions that a file lists only in the order of computation."""
    for table in CONVOLUTIONS.values():
        if len(table) == len(convolutions):
            return {name: c for (name, _, _), c in zip(table, convolutions, strict=True)}
    raise Unfit(
        f"has {len(convolutions)} convolutions; VGG-16 has 13 and VGG-19 has 16: "
        "use a file of one of these"
    )


def _read(what: str, tensor: Any, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    if tuple(tensor.shape) != shape:
        swapped = sorted(tensor.shape) == sorted(shape) and len(shape) == 4
        hint = "its axes are in another order (OIHW for HWIO?)" if swapped else "it is not a VGG"
        raise Unfit(f"{what} has shape {tuple(tensor.shape)}, not {shape}; {hint}")
    if not np.issubdtype(tensor.dtype, np.floating):
        raise Unfit(
            f"{what} holds {tensor.dtype}, not floating-point numbers; "
            "use a file that is not quantized"
        )
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.asarray(tensor[()], np.float32)
        finite = np.isfinite(np.sum(values, dtype=np.float64))
    if not finite:
        invalid = values.size - np.count_nonzero(np.isfinite(values))
        raise Unfit(
            f"{what} holds {invalid} values that are NaN or infinite; the file is damaged: "
            "fetch or convert it again"
        )
    return values


def needed(module: str, path: Path, kind: str, extra: str) -> Any:
    """Imports a module for a kind of file ("an ONNX file"), or names the extra that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0] if module != "google.protobuf" else "protobuf"
        raise ImportError(
            f"{path} is {kind}, which the {package} package reads: pip install 'jnst[{extra}]'"
        ) from error
