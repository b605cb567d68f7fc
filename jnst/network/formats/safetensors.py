"""safetensors files with tensor names of torchvision, timm, or any that `naming` recognises."""

from functools import partial
from pathlib import Path

import numpy as np

from .layers import Tensor, WeightFile, needed
from .naming import from_tensors

_DTYPES = {"F16": "float16", "F32": "float32", "F64": "float64", "BF16": "float32", "I8": "int8"}


def is_safetensors(start: bytes, size: int) -> bool:
    """Whether a file of `size` bytes begins as safetensors: the length of its JSON, and a brace."""
    return start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= size - 8


def read(path: Path) -> WeightFile:
    """Reads a safetensors file; needs the package of that name (the extra "safetensors")."""
    package = needed("safetensors", path, "a safetensors file", "safetensors")
    tensors = {}
    with package.safe_open(path, framework="numpy") as file:
        for name in file.keys():  # noqa: SIM118
            part = file.get_slice(name)
            dtype = np.dtype(_DTYPES.get(part.get_dtype(), "int64"))
            tensors[name] = Tensor(tuple(part.get_shape()), dtype, partial(file.get_tensor, name))
        return from_tensors(tensors, "safetensors")
