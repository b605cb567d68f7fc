"""Zip files, which may declare or unpack to any size: sizes are checked before reading."""

import zipfile

from .layers import Unfit

SIGNATURE = b"PK\x03\x04"

# Weights are nearly incompressible; data that shrinks a hundredfold is not weights.
_LARGEST_RATIO = 100
_SMALL = 1 << 20


def read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
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
