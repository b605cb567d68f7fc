"""Atomic replacement of files.

The new bytes are written to a temporary file in the same folder, flushed to disk, and renamed over
the old file in one step. Readers see the old file or the new one, never a partial one; after a
failure the old file is unchanged and no temporary file is left. A killed process leaves its
temporary file; `remove_stale` removes it.
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

_STALE_SECONDS = 3600.0


def replace_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes `data` to `path` atomically.

    Args:
        path: the file; its folder must exist.
        data: the file's new content.

    Raises:
        OSError: as `replacing`.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "a.txt")
        ...     replace_file(path, b"new")
        ...     path.read_bytes()
        b'new'
    """
    with replacing(path) as temporary:
        temporary.write_bytes(data)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Context manager that yields a temporary file to write, and renames it to `path` on success.

    A symbolic link stays a link: the file it points to is replaced. An existing file keeps its
    permissions; a new one gets those of the process's umask.

    Args:
        path: the file; its folder must exist.

    Raises:
        OSError: if it cannot be written, for the reasons of `prove_writable` or a full disk.
    """
    target = _target(path)
    temporary = _temporary(target)
    try:
        temporary.open("xb").close()
        yield temporary
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except OSError as error:
        raise OSError(f"{str(path)!r} cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):  # a read-only mount refuses this too
            temporary.unlink()


def prove_writable(path: str | os.PathLike[str]) -> None:
    """Checks that `path` can be replaced, by creating and removing a file beside it.

    Permission bits are not enough: a read-only mount or a quota can refuse the file.

    Raises:
        FileNotFoundError: if the folder does not exist.
        NotADirectoryError: if the parent is a file, not a folder.
        IsADirectoryError: if `path` is a folder.
        PermissionError: if `path` is a file marked read-only.
        OSError: if `path` is a device or a pipe, or no file can be made in its folder.
    """
    target = _target(path)
    temporary = _temporary(target)
    try:
        temporary.open("xb").close()
    except OSError as error:
        raise OSError(
            f"{str(path)!r} cannot be written: no file can be made in the folder "
            f"{str(target.parent)!r} ({error.strerror or error}); choose another folder"
        ) from error
    finally:
        with contextlib.suppress(OSError):  # a read-only mount refuses this too
            temporary.unlink()


def remove_stale(path: str | os.PathLike[str]) -> None:
    """Removes temporary files that killed processes left beside `path` over an hour ago.

    An active writer modifies its file continually; one hour allows for slow disks. Files with other
    names, and entries that are not regular files, stay.

    Args:
        path: a file to be written; its folder is searched.
    """
    folder = Path(os.path.realpath(path)).parent
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            if re.fullmatch(r"\.jnst-[0-9a-f]{16}\.part", entry.name):
                _remove_if_stale(entry)


def _remove_if_stale(path: Path) -> None:
    with contextlib.suppress(OSError):  # already removed by another process, or not permitted
        status = path.lstat()
        # ctime changes when a hard link is made: a new name may belong to an old file.
        touched = max(status.st_mtime, status.st_ctime)
        if stat.S_ISREG(status.st_mode) and time.time() - touched > _STALE_SECONDS:
            path.unlink()


def _target(path: str | os.PathLike[str]) -> Path:
    """The file that `path` names after following links; raises OSError if not replaceable."""
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


def _temporary(target: Path) -> Path:
    """A short unique name in the target's folder; open(…, "x") applies the umask."""
    return target.with_name(f".jnst-{secrets.token_hex(8)}.part")
