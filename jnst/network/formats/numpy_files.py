"""NumPy's files: `.npz`, `.npy` with a dictionary in it, and pickled dictionaries of arrays.

VGGs for TensorFlow are published as `vgg19.npy`, {"conv1_1": [kernel, bias], …}, or as
`vgg16_weights.npz` with `conv1_1_W` and `conv1_1_b`; those for Flax as a pickled parameter tree.
Pickles are read by `jnst.network.formats.pickles`, which calls nothing.
"""

import io
import math
import mmap
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import containers, pickles
from .layers import Tensor, Unfit, WeightFile, from_bytes
from .naming import from_tensors

SIGNATURE = b"\x93NUMPY"
PICKLE = b"\x80"

_MOST_THINGS = 10_000
_MOST_PAIRS = 200
_LONGEST_NAME = 1000
_LONGEST_HEADER = 1 << 16
_FLOAT32 = np.dtype(np.float32)
_DTYPE = re.compile(r"[<>|=]?([biufcSU]\d{1,3}|O\d?)")


@dataclass
class Array:
    """A pickled array, decoded only on demand."""

    shape: tuple[int, ...] = ()
    dtype: np.dtype[Any] = _FLOAT32
    order: Literal["C", "F"] = "C"
    data: Any = b""

    def set_state(self, state: Any) -> None:
        """Takes (version, shape, dtype, whether in Fortran order, data)."""
        _, shape, dtype, fortran, data = state
        self.shape = tuple(int(n) for n in shape)
        self.dtype, self.order, self.data = dtype.dtype, "F" if fortran else "C", data

    def __getitem__(self, key: tuple[()]) -> npt.NDArray[Any]:
        # Python 2 pickled bytes as text.
        data = self.data.encode("latin-1") if isinstance(self.data, str) else self.data
        return from_bytes(data, self.shape, self.dtype, self.order)[key]


@dataclass
class _DType:
    dtype: np.dtype[Any]

    def set_state(self, state: Any) -> None:
        """Takes (version, byte order, …)."""
        self.dtype = self.dtype.newbyteorder(state[1])


def _dtype(code: str, *_: Any) -> _DType:
    if not _DTYPE.fullmatch(code):
        raise ValueError(f"an array of type {code[:20]!r}")
    return _DType(np.dtype(code))


def _from_buffer(data: bytes, dtype: _DType, shape: tuple[int, ...], order: str) -> Array:
    return Array(tuple(int(n) for n in shape), dtype.dtype, "F" if order == "F" else "C", data)


def _ordered_dict(pairs: Any = ()) -> dict[str, Any]:
    """Python 2 passes the items as a list of pairs; later versions add them afterwards."""
    if len(pairs) > _MOST_PAIRS or not all(isinstance(name, str) for name, _ in pairs):
        raise ValueError("a dictionary of too many things, or without names")
    return dict(pairs)


NAMES: pickles.Names = {
    "collections.OrderedDict": _ordered_dict,
    "_codecs.encode": lambda text, encoding: text,  # of bytes; `Array` encodes
    "numpy.ndarray": None,
    "numpy.dtype": _dtype,
    **{
        f"{core}.{name}": make
        for core in ("numpy.core", "numpy._core")
        for name, make in (
            ("multiarray._reconstruct", lambda *_: Array()),
            ("numeric._frombuffer", _from_buffer),
        )
    },
}
"""The globals that a pickle of arrays may name, for `jnst.network.formats.pickles.load`."""


def read_npy(path: Path) -> WeightFile:
    """Reads a `.npy` that holds a dictionary."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as stream:
        shape, _, dtype = _header(stream)
        if not dtype.hasobject:
            raise Unfit(
                f"holds one array of shape {shape}; a VGG is a dictionary of arrays: "
                "use a .npz, or np.save of a dictionary"
            )
        content = pickles.load(stream, NAMES)
        if isinstance(content, Array) and isinstance(content.data, list | tuple):
            content = content.data[0]
        return from_dictionary(content, "NumPy .npy")


def read_npz(archive: zipfile.ZipFile) -> WeightFile:
    """Reads an open `.npz`."""
    members = [m for m in archive.infolist() if m.filename.endswith(".npy")]
    tensors = {m.filename.removesuffix(".npy"): _member(archive, m) for m in members}
    return from_tensors(tensors, "NumPy .npz")


def from_dictionary(content: Any, kind: str) -> WeightFile:
    """The network in a nested dictionary of tensors, out of a pickle."""
    if not isinstance(content, dict):
        raise Unfit(
            f"holds a {type(content).__name__}, not a dictionary of tensors; "
            "save the model's state_dict"
        )
    return from_tensors(dict(_tensors(content)), kind)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Tensor:
    """An array of a `.npz`: the header is read at once, the numbers on demand."""
    with archive.open(member) as packed, io.BytesIO(packed.read(_LONGEST_HEADER)) as stream:
        shape, fortran, dtype = _header(stream)
        start = stream.tell()
    size = start + math.prod(shape) * dtype.itemsize

    def numbers() -> npt.NDArray[Any]:
        data = containers.unpacked(archive, member, size)
        return from_bytes(memoryview(data)[start:], shape, dtype, "F" if fortran else "C")

    return Tensor(shape, dtype, numbers)


def _header(stream: pickles.Stream) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of files that Python 2 wrote.
        if version == (1, 0):
            return np.lib.format.read_array_header_1_0(stream)
        return np.lib.format.read_array_header_2_0(stream)


def _tensors(content: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Every tensor of a nested dictionary with its full name; a pair is named kernel and bias."""
    # One iterator for each level: a pickle can contain the same dictionary thousands of times.
    levels: list[tuple[str, Iterator[tuple[Any, Any]]]] = [("", iter(content.items()))]
    for _ in range(_MOST_THINGS):
        item = None
        while levels and not (item := next(levels[-1][1], None)):
            levels.pop()
        if not item:
            return
        name, value = f"{levels[-1][0]}{item[0]}", item[1]
        if isinstance(value, list | tuple) and len(value) == 2:
            value = dict(zip(("kernel", "bias"), value, strict=True))
        if isinstance(value, dict) and len(name) < _LONGEST_NAME:
            levels.append((f"{name}/", iter(value.items())))
        elif hasattr(value, "shape"):
            yield name, value
    raise Unfit(f"holds more than {_MOST_THINGS:,} things; no VGG does")
