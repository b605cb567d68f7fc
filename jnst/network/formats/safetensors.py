"""safetensors files with tensor names of torchvision, timm, or any that `naming` recognises."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .layers import WeightFile, assemble, needed
from .naming import name_layers

_DTYPES = {"F16": "float16", "F32": "float32", "F64": "float64", "BF16": "float32", "I8": "int8"}


def is_safetensors(start: bytes, size: int) -> bool:
    """Whether a file of `size` bytes begins as safetensors: the length of its JSON, and a brace."""
    return start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= size - 8


class _Tensor:
    """A tensor of an open file, read only on demand."""

    def __init__(self, file: Any, name: str) -> None:
        self._file, self._name = file, name
        part = file.get_slice(name)
        self.shape = tuple(part.get_shape())
        self.dtype = np.dtype(_DTYPES.get(part.get_dtype(), "int64"))

    def __getitem__(self, key: tuple[()]) -> npt.NDArray[Any]:
        return np.asarray(self._file.get_tensor(self._name))[key]


def read(path: Path) -> WeightFile:
    """Reads a safetensors file; needs the package of that name (the extra "safetensors").

    Raises:
        ImportError: if the package is not installed.
        ValueError: if the file is damaged or its tensors are not a VGG's.
    """
    package = needed("safetensors", path, "a safetensors file", "safetensors")
    try:
        with package.safe_open(path, framework="numpy") as file:
            named, layout = name_layers(path, {name: _Tensor(file, name) for name in file.keys()})  # noqa: SIM118
            network, layers = assemble(path, named, layout=layout)
    except package.SafetensorError as error:
        raise ValueError(f"{path} is damaged or cut short ({error}); fetch it again") from error
    return WeightFile(layers, network, "safetensors")
