"""The arrays of HDF5 files, for their readers.

Links are not followed, and arrays stored in other files are refused: either could reach any file
of the machine.
"""

from typing import Any

import h5py

from .layers import Unfit

SIGNATURE = b"\x89HDF\r\n\x1a\n"


def arrays(file: h5py.File) -> dict[str, h5py.Dataset]:
    """Every array of the file by its full name, such as "conv1_1/kernel"."""
    datasets: dict[str, h5py.Dataset] = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            datasets[name] = checked(item)

    file.visititems(visit)
    return datasets


def member(group: h5py.Group | h5py.Dataset | None, name: str) -> Any:
    """The group or array of that name, or None if there is none, or only a link."""
    if not isinstance(group, h5py.Group):
        return None
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        return None
    return checked(group[name])


def checked(item: h5py.Group | h5py.Dataset) -> h5py.Group | h5py.Dataset:
    """The item itself; refuses an array that is stored in another file."""
    if isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
        name = item.name.lstrip("/")
        raise Unfit(f"keeps {name} in another file; use a file that is complete")
    return item


def text(value: Any) -> str:
    """A text attribute as str, whether it was stored as bytes or as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
