"""MATLAB's files of level 5 (of MATLAB 5 to 7), as far as a network's weights need them.

SciPy reads these files too, but its reader crashes on some broken ones, which may be exploitable.
This reader only cuts a file into slices, and checks each size against the file. The layout is
that of MathWorks' "MAT-File Format": elements of a type, a size and data; an array is
an element that holds its class, shape, name and contents as elements.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .layers import Tensor, Unfit

_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8"}
_NUMBERS |= {13: "u8", 17: "u2", 18: "u4"}
_UTF8 = 16
_CELL, _STRUCT, _CHAR = 1, 2, 4
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4"}

# Weights are nearly incompressible; data that shrinks more than this is not weights.
_LARGEST_RATIO, _SMALL = 20, 1 << 20
_MOST_ELEMENTS = 100_000


def variables(path: Path) -> dict[str, Any]:
    """The variables of a file: a cell is a list, a struct a dict, a text a str, else a `Tensor`.

    Types that weights never have (sparse arrays, objects, functions) become None.
    """
    data = memoryview(np.memmap(path, np.uint8, "r"))  # type: ignore[arg-type]
    order = ">" if bytes(data[126:128]) == b"MI" else "<"
    reader, values = _Reader(order), {}
    for kind, content in reader.elements(data[128:]):
        if kind == _COMPRESSED:
            unpacked = memoryview(_unpacked(content))
            kind, content = next(reader.elements(unpacked), (0, unpacked))
        if kind == _MATRIX:
            name, value = reader.matrix(content)
            values[name] = value
    return values


class _Reader:
    def __init__(self, order: str) -> None:
        self._order, self._count = order, 0

    def elements(self, data: memoryview) -> Iterator[tuple[int, memoryview]]:
        """Type and content of the consecutive elements in `data`."""
        offset = 0
        while offset + 8 <= len(data):
            self._count += 1
            if self._count > _MOST_ELEMENTS:
                raise ValueError(f"more than {_MOST_ELEMENTS:,} elements")
            kind, size = struct.unpack_from(f"{self._order}2I", data, offset)
            start = offset + 8
            if kind >> 16:  # A small element has its size here, and its data in place of the size.
                kind, size, start = kind & 0xFFFF, kind >> 16, offset + 4
            end = start + size
            if end > len(data):
                raise ValueError(f"an element of {size:,} bytes where {len(data) - start:,} are")
            yield kind, data[start:end]
            offset = end if kind == _COMPRESSED else end + -end % 8

    def matrix(self, data: memoryview) -> tuple[str, Any]:
        """Name and value of an array."""
        if not data:  # MATLAB writes an empty cell so
            return "", None
        parts = self.elements(data)
        flags, shape = (self.numbers(*next(parts)) for _ in range(2))
        name = bytes(next(parts)[1]).decode("utf-8", "replace")
        kind, size = int(flags[0]) & 0xFF, tuple(int(n) for n in shape)
        return name, self.value(kind, size, parts)

    def value(
        self, kind: int, shape: tuple[int, ...], parts: Iterator[tuple[int, memoryview]]
    ) -> Any:
        if kind == _CELL:
            return [self.matrix(content)[1] for _, content in parts]
        if kind == _STRUCT:
            return self.struct(parts)
        if kind == _CHAR:
            encoding, letters = next(parts)
            if encoding == _UTF8:
                return bytes(letters[:100]).decode("utf-8", "replace")
            return "".join(map(chr, self.numbers(encoding, letters)[:100]))
        if kind not in _CLASSES:
            return None
        values = self.numbers(*next(parts))
        if values.size != math.prod(shape):
            raise ValueError(f"an array of shape {shape} has {values.size} values")
        # Whole numbers are stored as such, whatever the class of the array.
        dtype = np.dtype(_CLASSES[kind])
        return Tensor(
            shape, dtype, lambda: values.astype(dtype, copy=False).reshape(shape, order="F")
        )

    def struct(self, parts: Iterator[tuple[int, memoryview]]) -> Any:
        """A dict, or for an array of structs a list of them."""
        length = int(self.numbers(*next(parts))[0])
        letters = bytes(next(parts)[1])
        starts = range(0, len(letters), length)
        names = [letters[i : i + length].split(b"\0")[0].decode("ascii") for i in starts]
        values = [self.matrix(content)[1] for _, content in parts]
        rows = range(0, len(values), max(len(names), 1))
        structs = [dict(zip(names, values[i : i + len(names)], strict=True)) for i in rows]
        return structs[0] if len(structs) == 1 else structs

    def numbers(self, kind: int, data: memoryview) -> npt.NDArray[Any]:
        return np.frombuffer(data, f"{self._order}{_NUMBERS[kind]}")


def _unpacked(data: memoryview) -> bytes:
    unpacker = zlib.decompressobj()
    limit = max(_SMALL, _LARGEST_RATIO * len(data))
    unpacked = unpacker.decompress(data, limit)
    if len(unpacked) == limit and not unpacker.eof:
        raise Unfit(
            f"would unpack to more than {limit:,} bytes, from {len(data):,}; no weights do: "
            "use a file from a source that you trust"
        )
    if not unpacker.eof:
        raise ValueError("an element that ends too early")
    return unpacked
