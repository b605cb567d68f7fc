"""The studio's folder: pictures that were uploaded, jobs, the trash, and how full it is.

    pictures/ID/    the file under its own name, and .about.json, .thumb.jpg, .view.jpg or .view.png
    jobs/ID/        see `jnst.studio.jobs`
    trash/          jobs/ID that were deleted or cancelled
    incoming/       unfinished uploads, removed at each start
    queue.json      the order of the waiting jobs

An ID is 32 hexadecimal digits made here: of a picture by its SHA-256, of a job random. A
folder comes and goes by one renaming.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import time
import unicodedata
from collections.abc import AsyncIterator, Collection, Iterator
from pathlib import Path
from typing import Any

import anyio.to_thread

from ..files import replace_file
from ..wording import size_words
from .answers import Problem
from .reader import Reader

_ABOUT = ".about.json"
_LONGEST_NAME = 50
_RESERVE = 100_000_000
_MEASURE_SECONDS, _DAY_SECONDS = 10.0, 86_400.0
_WRITE_BYTES = 1_000_000


def read_record(path: Path) -> dict[str, Any]:
    """The JSON object in a file of the studio; empty if there is none, or it is damaged."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def write_record(path: Path, data: dict[str, Any]) -> None:
    """Replaces a JSON file whole.

    Raises:
        Problem: 507 if the disk is full or refuses it.
    """
    with disk_problems():
        replace_file(path, json.dumps(data, indent=1).encode())


@contextlib.contextmanager
def disk_problems() -> Iterator[None]:
    """Turns an error of the disk into Problem 507."""
    try:
        yield
    except OSError as error:
        full = errno.ENOSPC in (error.errno, getattr(error.__cause__, "errno", None))
        reason = "the disk is full: make room, nothing was lost" if full else str(error)
        raise Problem(507, reason) from error


def safe_name(name: str) -> str:
    """A file's name as it is kept: letters, digits, dots, dashes and underscores.

    >>> safe_name("../My cat.JPG"), safe_name("--help"), safe_name(""), safe_name(".about.json")
    ('My_cat.JPG', 'help', 'picture', 'about.json')
    """
    name = unicodedata.normalize("NFC", name)
    stem, dot, ending = re.sub(r"[^\w.-]+", "_", name).strip("._-").rpartition(".")
    stem, ending = (stem, f".{ending[:8]}") if dot else (ending, "")
    return (stem[:_LONGEST_NAME].strip("._-") or "picture") + ending


class Store:
    """The folder, and what of it every request needs.

    Attributes:
        folder: absolute.
        pictures: what is known of each picture, by its id.
        version: grows with every change of `pictures`.

    Args:
        most_bytes: that all of it may take.
        reader: the process that decodes pictures.
    """

    def __init__(self, folder: Path, most_bytes: int, reader: Reader) -> None:
        self.folder, self._most, self._reader = folder, most_bytes, reader
        shutil.rmtree(folder / "incoming", ignore_errors=True)
        for name in ("pictures", "jobs", "trash/jobs", "incoming"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.pictures: dict[str, dict[str, Any]] = {}
        for path in (folder / "pictures").iterdir():
            if about := read_record(path / _ABOUT):
                self.pictures[path.name] = about
        self.version = 1
        self._used, self._trash, self._measured = 0, 0, -_MEASURE_SECONDS

    def picture(self, identifier: str) -> dict[str, Any]:
        """What is known of a picture; Problem 404 if there is none."""
        if identifier not in self.pictures:
            raise Problem(404, "there is no such picture in the studio: add it again")
        return self.pictures[identifier]

    def picture_path(self, identifier: str) -> Path:
        """The picture's file, relative to the studio's folder."""
        return Path("pictures", identifier, self.picture(identifier)["file"])

    def derived(self, identifier: str, kind: str) -> Path:
        """The thumbnail ("thumb") or the picture for the page ("view")."""
        self.picture(identifier)
        folder = self.folder / "pictures" / identifier
        return next((p for e in (".jpg", ".png") if (p := folder / f".{kind}{e}").exists()), folder)

    async def add_picture(
        self, chunks: AsyncIterator[bytes], name: str, kind: str, *, example: bool = False
    ) -> tuple[dict[str, Any], bool]:
        """Stores a picture; returns what is known of it, and whether it is new.

        Raises:
            Problem: 400 if it is no picture that the command reads, 507 if there is no room.
        """
        self.check_room()
        folder = self.folder / "incoming" / secrets.token_hex(16)
        kept = safe_name(name)
        try:
            with disk_problems():
                folder.mkdir()
                size, identifier = await _write(folder / kept, chunks, kind)
            if known := self.pictures.get(identifier):
                if not example:
                    self._remember(identifier, known | {"hidden": False, "added": time.time()})
                return self.pictures[identifier], False
            about = await self._reader.ask("inspect", path=folder / kept, folder=folder, kind=kind)
            about |= {"id": identifier, "name": name[:200], "file": kept, "kind": kind}
            about |= {"bytes": size, "added": time.time(), "example": example, "hidden": False}
            write_record(folder / _ABOUT, about)
            with disk_problems(), contextlib.suppress(FileExistsError):
                folder.rename(self.folder / "pictures" / identifier)
            self.pictures[identifier] = about
            self.version += 1
            self._used += size
            return about, True
        finally:
            await anyio.to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True))

    def hide_picture(self, identifier: str) -> None:
        """Takes a picture off the shelf; paintings made of it keep it."""
        self._remember(identifier, self.picture(identifier) | {"hidden": True})

    def _remember(self, identifier: str, about: dict[str, Any]) -> None:
        write_record(self.folder / "pictures" / identifier / _ABOUT, about)
        self.pictures[identifier] = about
        self.version += 1

    async def measure(self) -> None:
        """Adds up what the folder takes, unless that was done a few seconds ago."""
        if time.monotonic() - self._measured > _MEASURE_SECONDS:
            self._measured = time.monotonic()
            self._used, self._trash = await anyio.to_thread.run_sync(
                lambda: (_size_of(self.folder), _size_of(self.folder / "trash"))
            )

    def space(self) -> dict[str, int]:
        """Bytes used, allowed, free on the disk, and in the trash."""
        free = shutil.disk_usage(self.folder).free
        return {"bytes": self._used, "most": self._most, "free": free, "trash": self._trash}

    def full(self) -> str:
        """Why there is no room for more, and what to do; "" if there is."""
        if self._used >= self._most:
            return (
                f"the studio is full, {size_words(self._most)}: delete paintings and empty the "
                "trash, or start it with a larger --most-bytes"
            )
        free = shutil.disk_usage(self.folder).free
        return f"the disk is full, {size_words(free)} are free: make room" * (free < _RESERVE)

    def check_room(self) -> None:
        """Raises Problem 507 if the studio or its disk is full."""
        if line := self.full():
            raise Problem(507, line)

    def discard(self, identifier: str) -> None:
        """Moves a job into the trash."""
        with disk_problems():
            (self.folder / "jobs" / identifier).rename(self.folder / "trash/jobs" / identifier)
        self._measured = -_MEASURE_SECONDS

    def recover(self, identifier: str) -> None:
        """Moves a job back from the trash; Problem 404 if it is not there."""
        path = self.folder / "trash/jobs" / identifier
        if not path.is_dir():
            raise Problem(404, "this painting is not in the trash")
        with disk_problems():
            path.rename(self.folder / "jobs" / identifier)

    async def empty_trash(self, used: Collection[str]) -> None:
        """Removes what is in the trash for good, and the pictures that nobody can want: hidden ones
        and masks of earlier days that no job uses."""
        doomed = self.folder / "incoming" / secrets.token_hex(16)
        with disk_problems():
            (self.folder / "trash").rename(doomed)
            (self.folder / "trash" / "jobs").mkdir(parents=True)
            for identifier, about in list(self.pictures.items()):
                is_old = about["added"] < time.time() - _DAY_SECONDS
                loose = about["hidden"] or (about["kind"] == "mask" and is_old)
                if loose and not about["example"] and identifier not in used:
                    (self.folder / "pictures" / identifier).rename(doomed / identifier)
                    del self.pictures[identifier]
        await anyio.to_thread.run_sync(lambda: shutil.rmtree(doomed, ignore_errors=True))
        self._measured = -_MEASURE_SECONDS
        await self.measure()


async def _write(path: Path, chunks: AsyncIterator[bytes], kind: str) -> tuple[int, str]:
    """Writes a body to a file; returns its size and the id of these bytes as that kind."""
    digest, size, waiting = hashlib.sha256(kind.encode()), 0, bytearray()

    def flush(data: bytes) -> None:
        digest.update(data)
        file.write(data)

    with path.open("xb") as file:
        async for chunk in chunks:
            waiting += chunk
            size += len(chunk)
            if len(waiting) >= _WRITE_BYTES:
                await anyio.to_thread.run_sync(flush, bytes(waiting))
                waiting.clear()
        flush(bytes(waiting))
    return size, digest.hexdigest()[:32]


def _size_of(folder: Path) -> int:
    """Bytes in a folder, all the way down."""
    size = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                size += (Path(path) / name).lstat().st_size
    return size
