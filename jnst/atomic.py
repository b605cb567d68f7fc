"""Files replaced whole or not at all.

The new bytes go to a temporary file in the same folder, reach the disk, and take the old file's
name in one step. Whoever looks sees the old file or the new one, never half of one; after a
failure the old file is as it was and no temporary file is left. A process that is killed outright
leaves its temporary file; `remove_stale` takes those away.
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
    """Writes `data` to `path` in one step.

    Args:
        path: the file; its folder must exist.
        data: all of its bytes.

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
    """Names a new file to be written; at the end it takes the place of `path` in one step.

    A symbolic link stays a link: the file it points to is replaced. An existing file keeps its
    permissions; a new one gets those that the process's umask gives.

    Args:
        path: the file; its folder must exist.

    Raises:
        OSError: if it cannot be written: the reasons of `prove_writable`, or a full disk.
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
    """Shows that `replace_file` will work, by making a file beside `path` and removing it.

    Permission bits alone would not tell: a read-only mount or a quota has its own mind.

    Raises:
        FileNotFoundError: if the folder does not exist.
        NotADirectoryError: if what should be the folder is a file.
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
    """Removes what killed processes have left beside `path`: temporary files of an hour ago.

    A writer that is at work touches its file all the time; one hour leaves room for slow disks.
    Files of any other name, and what is not a file, stay.

    Args:
        path: a file to be written; its folder is looked through.
    """
    folder = Path(os.path.realpath(path)).parent
    with contextlib.suppress(OSError):
        for found in folder.iterdir():
            if re.fullmatch(r"\.jnst-[0-9a-f]{16}\.part", found.name):
                _remove_if_stale(found)


def _remove_if_stale(path: Path) -> None:
    with contextlib.suppress(OSError):  # somebody else was quicker, or may not
        status = path.lstat()
        # The second changes when a link is made: a fresh name may be that of an old file.
        touched = max(status.st_mtime, status.st_ctime)
        if stat.S_ISREG(status.st_mode) and time.time() - touched > _STALE_SECONDS:
            path.unlink()


def _target(path: str | os.PathLike[str]) -> Path:
    """The file that `path` names once links are followed, if it may be replaced."""
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
    """A short name of its own in the target's folder; open(…, "x") applies the umask."""
    return target.with_name(f".jnst-{secrets.token_hex(8)}.part")
