"""Storage that is not a folder of this machine: addresses such as s3://bucket/cat.jpg, by fsspec.

fsspec and the package of a kind of storage are optional (`pip install 'jnst[remote]'`, and s3fs,
gcsfs or another). A file is written whole: storage of objects shows one when all of it has arrived;
elsewhere it is written under a temporary name and then moved.

A worker of a cluster that shares no folder with its driver paints within `lent`: the pictures that
it was sent have the paths that they have on the driver's machine, and what it writes is kept, to be
sent back.
"""

import contextlib
import contextvars
import io
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

# A scheme has two letters at least: C:/ is a drive.
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+)://.*", re.IGNORECASE | re.DOTALL)
_WEB = ("http", "https", "ftp")
# Storage of objects: a put is seen when it is complete.
_AT_ONCE = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "r2")
HINT = "pip install 'jnst[remote]', and for s3:// s3fs, for gs:// gcsfs"


class _Loan(NamedTuple):
    pictures: Mapping[str, bytes]
    written: dict[str, bytes]


_LENT: contextvars.ContextVar[_Loan | None] = contextvars.ContextVar("lent", default=None)


class Bytes(io.BytesIO):
    """The bytes of a file, with the name that messages give it."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def is_address(text: str) -> bool:
    """Whether a text is an address rather than the name of a file.

    >>> is_address("https://a.org/b.jpg"), is_address("a/b.jpg"), is_address("C://b.jpg")
    (True, False, False)
    """
    return bool(_ADDRESS.fullmatch(text))


def is_remote(path: str | os.PathLike[str]) -> bool:
    """Whether a path is an address in storage; one on the web is not.

    >>> is_remote("s3://bucket/b.jpg"), is_remote("https://a.org/b.jpg"), is_remote("b.jpg")
    (True, False, False)
    """
    found = _ADDRESS.fullmatch(path) if isinstance(path, str) else None
    return bool(found) and found[1].lower() not in _WEB  # type: ignore[index]


@contextlib.contextmanager
def lent(pictures: Mapping[str, bytes]) -> Iterator[dict[str, bytes]]:
    """Within the block, in this thread, these files are there; yields those that are written."""
    loan = _Loan(pictures, {})
    token = _LENT.set(loan)
    try:
        yield loan.written
    finally:
        _LENT.reset(token)


def open_stored(path: str | os.PathLike[str], most: int | None = None) -> Bytes | None:
    """A file that is not in a folder of this machine, read; None for one that is.

    Args:
        path: of any file.
        most: more bytes than this are not read, but one to show that there are.

    Raises:
        FileNotFoundError: if there is none.
        OSError: if it cannot be read.
    """
    loan = _LENT.get()
    if loan is not None and os.fspath(path) in loan.pictures:
        return Bytes(loan.pictures[os.fspath(path)], os.fspath(path))
    if not is_remote(path):
        return None
    with _told(path, "read") as (fs, place):
        return Bytes(fs.cat_file(place, end=None if most is None else most + 1), str(path))


def write_stored(path: str | os.PathLike[str], data: bytes) -> bool:
    """Writes a file, whole, unless its place is a folder of this machine; OSError if that fails."""
    loan = _LENT.get()
    if loan is not None:
        loan.written[os.fspath(path)] = data
        return True
    if not is_remote(path):
        return False
    with _told(path, "written") as (fs, place):
        if _scheme(str(path)) in _AT_ONCE:
            fs.pipe_file(place, data)
            return True
        folder, _, _ = place.rpartition("/")
        temporary = f"{folder}/.jnst-{secrets.token_hex(8)}.part"
        try:
            fs.pipe_file(temporary, data)
            fs.mv(temporary, place)
        except BaseException:
            with contextlib.suppress(Exception):
                fs.rm_file(temporary)
            raise
    return True


def prove_stored(path: str | os.PathLike[str]) -> bool:
    """Checks that a file can be written beside a path, unless that is in a folder of this machine.

    Raises OSError if it cannot.
    """
    if _LENT.get() is not None:
        return True
    if not is_remote(path):
        return False
    probe = joined(folder_of(str(path)), f".jnst-{secrets.token_hex(8)}.part")
    with _told(path, "written") as (fs, _):
        _, place = _located(probe)
        fs.pipe_file(place, b"")
        fs.rm_file(place)
    return True


def is_there(path: str) -> bool:
    """Whether there is a file, in storage or in a folder."""
    if not is_remote(path):
        return os.path.exists(path)  # noqa: PTH110
    with _told(path, "read") as (fs, place):
        return bool(fs.isfile(place))


def is_stored_folder(path: str) -> bool:
    """Whether an address is a folder."""
    with _told(path, "read") as (fs, place):
        return bool(fs.isdir(place)) and not fs.isfile(place)


def list_stored(path: str) -> list[str]:
    """The addresses of the files in a folder, or those that match a pattern."""
    pattern = re.search(r"/[^/]*[*?\[].*", path)
    root = path[: pattern.start()] if pattern else path.rstrip("/")
    with _told(path, "read") as (fs, place):
        if pattern:
            found: Sequence[str] = [name for name in fs.glob(place) if fs.isfile(name)]
        else:
            found = [row["name"] for row in fs.ls(place, detail=True) if row["type"] == "file"]
        start = len(_located(root)[1])
        return [root + name[start:] for name in found]


def folder_of(path: str) -> str:
    """The folder of a file: "s3://bucket" of "s3://bucket/cat.jpg".

    >>> folder_of("s3://bucket/in/cat.jpg"), folder_of("in/cat.jpg"), folder_of("cat.jpg")
    ('s3://bucket/in', 'in', '.')
    """
    if is_remote(path):
        return path.rpartition("/")[0]
    return os.path.dirname(path) or "."  # noqa: PTH120


def place_of(path: str) -> str:
    """A path by which a file is known, however it is spelt."""
    return path if is_remote(path) else os.path.realpath(path)


def joined(folder: str, name: str) -> str:
    """A file in a folder.

    >>> joined("s3://bucket/", "cat.jpg")
    's3://bucket/cat.jpg'
    """
    if is_remote(folder):
        return f"{folder.rstrip('/')}/{name}"
    return os.path.join(folder, name)  # noqa: PTH118


def _scheme(path: str) -> str:
    return path.partition("://")[0].lower()


def _located(path: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    # Another process may have written what a list of before does not have.
    fs, place = url_to_fs(path, use_listings_cache=False)
    return fs, place


@contextlib.contextmanager
def _told(path: str | os.PathLike[str], deed: str) -> Iterator[tuple[Any, str]]:
    """The file system of an address and its place there; its errors become one line."""
    try:
        yield _located(str(path))
    except FileNotFoundError as error:
        if deed == "written":
            raise OSError(f"{str(path)!r} cannot be written: its bucket is not there") from error
        raise FileNotFoundError(f"there is no file {str(path)!r}: check its spelling") from None
    except (ImportError, ValueError) as error:
        raise OSError(f"{str(path)!r} cannot be {deed}: {error} ({HINT})") from error
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise OSError(f"{str(path)!r} cannot be {deed}: {reason}") from error
