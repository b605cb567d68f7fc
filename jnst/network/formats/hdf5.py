"""Helpers for the readers of HDF5 files: opening one safely, and listing its arrays.

Links are not followed, and arrays stored in other files are refused: either could reach any file
of the machine.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import h5py

SIGNATURE = b"\x89HDF\r\n\x1a\n"


@contextlib.contextmanager
def opened(path: Path, stream: IO[bytes] | None = None) -> Iterator[h5py.File]:
    """Opens a file, or its content in a stream; an error of the library becomes a ValueError."""
    try:
        with h5py.File(stream or path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError) as error:
        clause = str(error).strip("'\"").split("(")[-1].rstrip(")").split(",")[0] or "unreadable"
        raise ValueError(f"{path} is damaged or cut short ({clause}); fetch it again") from error


def arrays(path: Path, file: h5py.File) -> dict[str, h5py.Dataset]:
    """Every array of the file by its full name, such as "conv1_1/kernel"."""
    datasets: dict[str, h5py.Dataset] = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            datasets[name] = checked(path, item)

    file.visititems(visit)
    return datasets


def member(path: Path, group: h5py.Group | h5py.Dataset | None, name: str) -> Any:
    """The group or array of that name, or None if there is none, or only a link."""
    if not isinstance(group, h5py.Group):
        return None
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        return None
    return checked(path, group[name])


def checked(path: Path, item: h5py.Group | h5py.Dataset) -> h5py.Group | h5py.Dataset:
    """The item itself; ValueError for an array that is stored in another file."""
    if isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
        name = item.name.lstrip("/")
        raise ValueError(f"{path} keeps {name} in another file; use a file that is complete")
    return item


def text(value: Any) -> str:
    """A text attribute as str, whether it was stored as bytes or as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
