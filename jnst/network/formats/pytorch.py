"""PyTorch's files (`.pth`, `.pt`), read without PyTorch.

Since version 1.6 torch.save writes a zip file: `data.pkl`, a pickle that describes the tensors, and
a file of raw numbers for each storage. Before, it wrote five pickles in a row (a magic number, the
version, the system, the tensors, the names of the storages) and then the numbers. Pickles are read
by `jnst.network.formats.pickles`, which calls nothing; numbers only for the layers needed.
"""

import io
import mmap
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import containers, numpy_files, pickles
from .layers import Tensor, Unfit, WeightFile

MAGIC = 0x1950A86A20F9469CFC6C
_LARGEST_PICKLE = 16 << 20

_FLOATS = {"Double": "f8", "Float": "f4", "Half": "f2", "BFloat16": "bf2"}
_OTHERS = {"Long": "i8", "Int": "i4", "Short": "i2", "Char": "i1", "Byte": "u1", "Bool": "b1"}
_STORAGES = {f"{name}Storage": code for name, code in (_FLOATS | _OTHERS).items()}


@dataclass(frozen=True)
class _Storage:
    """A row of numbers in the file. `read` gives its bytes; `view` is its first index."""

    key: str
    code: str
    count: int
    read: Callable[["_Storage"], bytes]
    view: int = 0

    @property
    def size(self) -> int:
        return self.count * int(self.code[-1])

    def numbers(
        self, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
    ) -> npt.NDArray[Any]:
        """Reads a tensor, whose offset and strides count numbers."""
        last = sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        start = offset + self.view
        if min(start, *strides) < 0 or start + last >= self.count:
            raise ValueError(f"a tensor of shape {shape} reaches beyond its storage")
        data = self.read(self)
        if self.code == "bf2":  # bfloat16 is the upper half of a float32
            values = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(data, f"<{self.code}")
        steps = [values.itemsize * s for s in strides]
        return np.lib.stride_tricks.as_strided(values[start:], shape, steps, writeable=False)


def _tensor(storage: _Storage, offset: int, size: Any, strides: Any, *_: Any) -> Tensor:
    shape, strides = tuple(size), tuple(strides)
    if not isinstance(storage, _Storage) or any(
        type(number) is not int for number in (offset, *shape, *strides)
    ):
        raise ValueError("a tensor that is not made of a storage and whole numbers")
    dtype = np.dtype("f4" if storage.code == "bf2" else storage.code)
    return Tensor(shape, dtype, lambda: storage.numbers(offset, shape, strides))


_NAMES: pickles.Names = {
    **numpy_files.NAMES,
    "torch.Size": lambda size: tuple(size[:8]),
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
    "torch.nn.parameter.Parameter": lambda tensor, *_: tensor,
    **{f"torch.{device}{name}": None for device in ("", "cuda.") for name in _STORAGES},
}


def read_zip(archive: zipfile.ZipFile, pickle: zipfile.ZipInfo) -> WeightFile:
    """Reads an open zip file whose description of the tensors is the member `pickle`."""
    folder = pickle.filename.removesuffix("data.pkl")
    members = {member.filename: member for member in archive.infolist()}
    order = members.get(f"{folder}byteorder")
    if order and containers.unpacked(archive, order, 16) != b"little":
        raise Unfit("is big-endian; save it again on a usual computer")

    def numbers(storage: _Storage) -> bytes:
        member = members.get(f"{folder}data/{storage.key}")
        if member is None or member.file_size != storage.size:
            raise Unfit("is damaged: a storage is missing or cut; fetch it again")
        return containers.unpacked(archive, member, storage.size)

    data = containers.unpacked(archive, pickle, _LARGEST_PICKLE)
    content = pickles.load(io.BytesIO(data), _NAMES, lambda id_: _storage(id_, numbers))
    return numpy_files.from_dictionary(_state_dict(content), "PyTorch")


def read_pickle(path: Path) -> WeightFile:
    """Reads torch's old format, or a pickle that is not torch's but a dictionary of arrays."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as stream:
        first = pickles.load(stream, _NAMES)
        if first != MAGIC:
            return numpy_files.from_dictionary(first, "pickle of arrays")
        content = _old_content(stream)
        return numpy_files.from_dictionary(_state_dict(content), "PyTorch")


def _old_content(stream: mmap.mmap) -> Any:
    """The object that torch saved after the magic number. Its tensors read from `stream`."""
    _version, system = (pickles.load(stream, {}) for _ in range(2))
    if not system.get("little_endian", True):
        raise Unfit("is big-endian; save it again on a usual computer")
    storages: dict[str, _Storage] = {}
    offsets: dict[str, int] = {}

    def numbers(storage: _Storage) -> bytes:
        start = offsets[storage.key]
        return stream[start : start + storage.size]

    def persistent(number: Any) -> _Storage:
        storage = _storage(number, numbers)
        storages[storage.key] = storage
        return storage

    content = pickles.load(stream, _NAMES, persistent)
    keys = pickles.load(stream, {})
    offset = stream.tell()
    for key in keys:
        count = int.from_bytes(stream[offset : offset + 8], "little")
        if key not in storages or count != storages[key].count:
            raise Unfit("is damaged or cut short in its storages; fetch it again")
        offsets[key] = offset + 8
        offset += 8 + storages[key].size
    if offset > len(stream):
        missing = offset - len(stream)
        raise Unfit(f"is cut short, it lacks {missing:,} bytes; fetch it again")
    return content


def _storage(persistent_id: Any, read: Callable[[_Storage], bytes]) -> _Storage:
    """A persistent id: ("storage", its type, key, device, count), in the old format also a view."""
    kind, storage_type, key, _device, count = persistent_id[:5]
    view = persistent_id[5] if len(persistent_id) > 5 else None
    type_name = isinstance(storage_type, pickles.Name) and storage_type.text.rpartition(".")[2]
    if (
        kind != "storage"
        or type_name not in _STORAGES
        or type(key) is not str
        or type(count) is not int
    ):
        raise ValueError("a persistent id that is not a storage of numbers")
    return _Storage(key, _STORAGES[type_name], count, read, int(view[1]) if view else 0)


def _state_dict(content: Any) -> Any:
    """The tensors of a training checkpoint, or the content itself if it is none."""
    for name in ("state_dict", "model_state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            return content[name]
    return content
