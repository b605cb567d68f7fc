"""Zip and HDF5 files, which may declare anything: members are checked before they are read.

A zip file may unpack to any size. In HDF5, links and arrays stored in other files could reach any
file of the machine: links are not followed, and such arrays are refused.
"""

import zipfile
from typing import Any

import h5py

from .layers import Unfit

ZIP_SIGNATURE = b"PK\x03\x04"
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"

# Weights are nearly incompressible; data that shrinks a hundredfold is not weights.
_LARGEST_RATIO = 100
_SMALL = 1 << 20


def unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
    """The content of one member, of which `zipfile` unpacks no more than it declares.

    Refuses a member that declares more than `limit` bytes, or is a zip bomb.
    """
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unfit(
            f"holds {member.filename} packed in a way that no weight file uses; "
            "save the weights again"
        )
    bomb = member.file_size > max(_SMALL, _LARGEST_RATIO * member.compress_size)
    if bomb or member.file_size > limit:
        raise Unfit(
            f"holds {member.filename}, which would unpack to {member.file_size:,} bytes, from "
            f"{member.compress_size:,}; no weights do: use a file from a source that you trust"
        )
    return archive.read(member)


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
