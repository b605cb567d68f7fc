"""The checked layers of a VGG, from the tensors of any weight file.

Every reader passes its tensors here by layer name; the result is complete, finite, float32 and
HWIO, or an error that names the file, the layer and the remedy.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..architecture import CONVOLUTIONS
from ..preprocessing import Preprocessing

Layout = Literal["HWIO", "OIHW"]
Layers = dict[str, dict[str, npt.NDArray[np.float32]]]

_TO_HWIO = {"HWIO": (0, 1, 2, 3), "OIHW": (2, 3, 1, 0)}


@dataclass(frozen=True)
class WeightFile:
    """The content of a weight file.

    Attributes:
        layers: layer name to {"kernel": [3, 3, in, out], "bias": [out]}, float32.
        network: "vgg16" or "vgg19".
        format: the reader's name for the format, for messages.
        preprocessing: as the file itself declares it; None if it declares none.
        notes: other texts that the file carries: its source, its licence.
    """

    layers: Layers
    network: str
    format: str
    preprocessing: Preprocessing | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


def assemble(
    path: Path,
    found: Mapping[str, Mapping[str, Any]],
    *,
    layout: Layout,
    network: str | None = None,
) -> tuple[str, Layers]:
    """Checks the tensors of a file and brings them to float32 and HWIO.

    Shapes are checked before anything is read, so that a file cannot make it allocate more than
    a VGG needs.

    Args:
        path: of the file, for messages.
        found: layer name to {"kernel": tensor, "bias": tensor}. A tensor has `shape` and `dtype`
            and is read by `tensor[()]`: a NumPy array or an HDF5 dataset. Names that belong to no
            convolution are ignored.
        layout: of the kernels.
        network: as the file declares it; if None, the layer names decide.

    Returns:
        The network's name and its layers.

    Raises:
        ValueError: for a missing layer, a wrong shape, a number that is not finite, or layers
            that belong to the other network.
    """
    detected = "vgg19" if any(f"conv{block}_4" in found for block in (3, 4, 5)) else "vgg16"
    network = network or detected
    expected = [name for name, _, _ in CONVOLUTIONS[network]]
    missing = [name for name in expected if not {"kernel", "bias"} <= set(found.get(name, ()))]
    if network != detected:
        raise ValueError(
            f"{path} says that it is {network}, but its layers are those of {detected}; "
            "convert the original again"
        )
    if missing:
        raise ValueError(
            f"{path} lacks {_missing_parts(found, missing)} of {network}; "
            "it is incomplete or not a VGG: use a complete file"
        )
    layers: Layers = {}
    for name, inputs, outputs in CONVOLUTIONS[network]:
        shape = _shape_in((3, 3, inputs, outputs), layout)
        kernel = _read(path, f"{name} kernel", found[name]["kernel"], shape)
        bias = _read(path, f"{name} bias", found[name]["bias"], (outputs,))
        kernel = np.ascontiguousarray(kernel.transpose(_TO_HWIO[layout]))
        layers[name] = {"kernel": kernel, "bias": bias}
    return network, layers


def name_in_order(
    path: Path, convolutions: Sequence[Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """Names convolutions that a file lists only in the order of computation.

    Raises:
        ValueError: unless there are as many as VGG-16 (13) or VGG-19 (16) has.
    """
    for table in CONVOLUTIONS.values():
        if len(table) == len(convolutions):
            return {name: c for (name, _, _), c in zip(table, convolutions, strict=True)}
    raise ValueError(
        f"{path} has {len(convolutions)} convolutions; VGG-16 has 13 and VGG-19 has 16: "
        "use a file of one of these"
    )


def _missing_parts(tensors: Mapping[str, Mapping[str, Any]], missing: list[str]) -> str:
    if len(missing) > 4:
        return f"{len(missing)} of the layers ({', '.join(missing[:3])}, …)"
    parts = [f"{n} {p}" for n in missing for p in ("kernel", "bias") if p not in tensors.get(n, ())]
    return ", ".join(parts)


def _shape_in(hwio: tuple[int, int, int, int], layout: Layout) -> tuple[int, ...]:
    height, width, inputs, outputs = hwio
    return hwio if layout == "HWIO" else (outputs, inputs, height, width)


def _read(path: Path, what: str, tensor: Any, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    if tuple(tensor.shape) != shape:
        swapped = sorted(tensor.shape) == sorted(shape) and len(shape) == 4
        hint = "its axes are in another order (OIHW for HWIO?)" if swapped else "it is not a VGG"
        raise ValueError(f"{path}: {what} has shape {tuple(tensor.shape)}, not {shape}; {hint}")
    if not np.issubdtype(tensor.dtype, np.floating):
        raise ValueError(
            f"{path}: {what} holds {tensor.dtype}, not floating-point numbers; "
            "use a file that is not quantized"
        )
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.asarray(tensor[()], np.float32)
        finite = np.isfinite(np.sum(values, dtype=np.float64))
    if not finite:
        invalid = values.size - np.count_nonzero(np.isfinite(values))
        raise ValueError(
            f"{path}: {what} holds {invalid} values that are NaN or infinite; the file is damaged: "
            "fetch or convert it again"
        )
    return values


def needed(module: str, path: Path, kind: str, extra: str) -> Any:
    """Imports a module that reads files of this kind.

    Args:
        module: such as "scipy.io".
        path: of the file, for the message.
        kind: of the file, with its article: "an ONNX file".
        extra: the extra of jnst that installs the package.

    Raises:
        ImportError: if it is not installed, with the command that installs it.

    Example:
        >>> needed("json", Path("a.json"), "a JSON file", "json").loads("[1]")
        [1]
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0] if module != "google.protobuf" else "protobuf"
        raise ImportError(
            f"{path} is {kind}, which the {package} package reads: pip install 'jnst[{extra}]'"
        ) from error
