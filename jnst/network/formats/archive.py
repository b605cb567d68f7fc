"""Zip files, which may declare or unpack to any size: sizes are checked before reading."""

import contextlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

SIGNATURE = b"PK\x03\x04"

# Weights are nearly incompressible; data that shrinks a hundredfold is not weights.
_LARGEST_RATIO = 100
_SMALL = 1 << 20


@contextlib.contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Opens a zip file; damage becomes one clear ValueError."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is damaged or cut short ({error}); fetch it again") from error


def read(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
    """The content of one member; `zipfile` unpacks no more of it than it declares.

    Raises ValueError for a member that declares more than `limit` bytes, or is a zip bomb.
    """
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(
            f"{path}: {member.filename} is packed in a way that no weight file uses; "
            "save the weights again"
        )
    bomb = member.file_size > max(_SMALL, _LARGEST_RATIO * member.compress_size)
    if bomb or member.file_size > limit:
        raise ValueError(
            f"{path}: {member.filename} would unpack to {member.file_size:,} bytes, from "
            f"{member.compress_size:,}; no weights do: use a file from a source that you trust"
        )
    return archive.read(member)
