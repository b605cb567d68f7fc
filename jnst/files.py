"""Files: replaced whole, and checked before they are read.

The new bytes are written to a temporary file in the same folder, flushed to disk, and renamed over
the old file in one step. Readers see the old file or the new one; after a failure the old one is
unchanged and no temporary file is left. A pipe without a writer would keep its reader waiting, and
a device such as /dev/zero never ends: `readable_path` refuses both.
"""

import contextlib
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from .storage import is_address, prove_stored, write_stored

AnyPath = str | os.PathLike[str]
"""The name of a file, as callers give it."""

_STALE_SECONDS = 3600.0
_unfinished: set[Path] = set()
NO_ADDRESS = "is an address, and nothing is downloaded: save the file and give its name"
_SPECIAL = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
_SPECIAL |= dict.fromkeys((stat.S_IFCHR, stat.S_IFBLK), "a device")


def replace_file(path: AnyPath, data: bytes) -> None:
    """Writes `data` to `path`, or an address in storage, whole; raises OSError as `replacing`."""
    if not write_stored(path, data):
        with replacing(path) as temporary:
            temporary.write_bytes(data)


@contextlib.contextmanager
def replacing(path: AnyPath) -> Iterator[Path]:
    """Context manager that yields a temporary file to write, and renames it to `path` on success.

    A symbolic link stays a link: the file it points to is replaced. An existing file keeps its
    permissions; a new one gets those of the process's umask. Raises OSError for the reasons of
    `prove_writable` or a full disk.
    """
    target = _target(path)
    try:
        with _temporary(target) as temporary:
            yield temporary
            with temporary.open("r+b") as file:
                os.fsync(file.fileno())
            if target.exists():
                shutil.copymode(target, temporary)
            temporary.replace(target)
    except OSError as error:
        raise OSError(f"{str(path)!r} cannot be written: {error.strerror or error}") from error


def prove_writable(path: AnyPath) -> None:
    """Checks that `path` can be replaced.

    Raises OSError for a folder that is missing or a file, a path that is a folder, read-only, a
    device or a pipe, or a folder in which no file can be made.
    """
    if prove_stored(path):
        return
    target = _target(path)
    try:
        prove_folder(target.parent)
    except OSError as error:
        raise OSError(f"{str(path)!r} cannot be written: {error}") from error


def make_folder(folder: Path) -> None:
    """Makes a folder, and those around it, unless it is there; OSError if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"the folder {str(folder)!r} cannot be made ({error.strerror}); choose another folder"
        ) from error


def prove_folder(folder: Path) -> None:
    """Raises OSError unless a file can be made in a folder, by making and removing one.

    Permission bits are not enough: a read-only mount or a quota can refuse the file.
    """
    try:
        with _temporary(folder / "file"):
            pass
    except OSError as error:
        raise OSError(
            f"no file can be made in the folder {str(folder)!r} ({error.strerror or error}); "
            "choose another folder"
        ) from error


def remove_unfinished() -> None:
    """Removes the temporary files of this process, which is about to end."""
    for temporary in list(_unfinished):
        with contextlib.suppress(OSError):
            temporary.unlink()


def remove_stale(path: AnyPath) -> None:
    """Removes temporary files that killed processes left beside the file `path` over an hour ago.

    An active writer modifies its file continually; one hour allows for slow disks.
    """
    with contextlib.suppress(OSError):
        entries = list(Path(os.path.realpath(path)).parent.iterdir())
        for entry in entries:
            if not re.fullmatch(r"\.jnst-[0-9a-f]{16}\.part", entry.name):
                continue
            with contextlib.suppress(OSError):  # removed by another process, or not permitted
                status = entry.lstat()
                # ctime changes when a hard link is made: a new name may belong to an old file.
                touched = max(status.st_mtime, status.st_ctime)
                if stat.S_ISREG(status.st_mode) and time.time() - touched > _STALE_SECONDS:
                    entry.unlink()


def _target(path: AnyPath) -> Path:
    """The file that `path` names after following links; raises OSError if not replaceable."""
    refuse_address(os.fspath(path))
    name, target = repr(str(path)), Path(os.path.realpath(path))
    folder = target.parent
    if target.is_dir():
        raise IsADirectoryError(f"{name} is a folder: give the name of a file in it")
    if not folder.exists():
        raise FileNotFoundError(
            f"{name} cannot be written: the folder {str(folder)!r} does not exist; make it first"
        )
    if not folder.is_dir():
        raise NotADirectoryError(
            f"{name} cannot be written: {str(folder)!r} is a file, not a folder; choose another"
        )
    if target.exists():
        if not target.is_file():
            raise OSError(f"{name} is a device or a pipe, not a file: choose another name")
        if not target.stat().st_mode & 0o222:
            raise PermissionError(
                f"{name} is marked read-only: choose another name, or allow writing to it"
            )
    return target


@contextlib.contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    """A new file of a short unique name in the target's folder, removed in the end."""
    temporary = target.with_name(f".jnst-{secrets.token_hex(8)}.part")
    _unfinished.add(temporary)
    try:
        temporary.open("xb").close()  # which applies the umask
        yield temporary
    finally:
        with contextlib.suppress(OSError):  # a read-only mount refuses this too
            temporary.unlink()
        _unfinished.discard(temporary)


def refuse_address(text: str) -> None:
    """Raises OSError for an address."""
    if is_address(text):
        raise OSError(f"{text} {NO_ADDRESS}")


def special_kind(path: Path) -> str | None:
    """What a path is if it is a pipe, a socket or a device; None for anything else."""
    try:
        return _SPECIAL.get(stat.S_IFMT(path.stat().st_mode))
    except OSError:
        return None


def readable_path(path: AnyPath, largest: int | None = None) -> Path:
    """The path of a file to read, unless reading it might never end.

    Raises OSError for an address on the web, a pipe, a socket or a device, ValueError for a file
    above `largest` bytes.
    """
    text = os.fspath(path)
    refuse_address(text)
    file = Path(path)
    if kind := special_kind(file):
        raise OSError(f"{text!r} is {kind}, not a file: save its content in a file first")
    if largest is not None and file.is_file() and file.stat().st_size > largest:
        raise ValueError(f"{text!r} is larger than {largest:,} bytes: is it the right file?")
    return file
