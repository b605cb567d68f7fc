"""The download of a known weight file into the cache, verified before it is moved into place.

pooch verifies and moves the file, `jnst.network.http_stream` receives it, and a file lock lets only
one process download a file at a time: the others wait, and then find the file.
"""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import filelock
import pooch
import requests

from .http_stream import Stream, reason
from .manifest import KnownFile

_ATTEMPTS = 5  # at one URL, as long as each brings new bytes


def is_offline() -> bool:
    """Whether the environment variable JNST_OFFLINE forbids downloads (set, and not 0)."""
    return os.environ.get("JNST_OFFLINE", "0") not in ("", "0")


def fetch(file: KnownFile, folder: Path, *, offline: bool = False, progress: bool = False) -> Path:
    """Downloads a file of the manifest into a folder, trying its URLs in order.

    An interrupted download stays beside the target, and the next one continues it. The file
    appears under its name only when it is complete and its hash is right. Otherwise, and with
    `offline`, raises OSError, which says how to download it by hand.
    """
    path = folder / file.name
    if path.is_file() and file.is_intact(path):
        return path
    if offline or is_offline():
        raise OSError(_instructions(file, path, "downloads are forbidden (offline)"))
    stream = Stream(part_of(path), file.size, progress)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(path, progress):
            is_here = path.is_file() and file.is_intact(path)  # by the process that went before
            reasons = [] if is_here else _try_each(file, path, stream)
            received = stream.received
    except OSError as error:
        with contextlib.suppress(OSError):
            stream.discard()  # it takes up room on a full disk
        raise OSError(
            f"cannot write {path} ({error.strerror or error}); make room there, or set the "
            "environment variable JNST_CACHE to another folder"
        ) from error
    if not reasons:
        return path
    if received:
        reasons.append(f"{received / 1e6:.1f} MB are kept, and the next try goes on from there")
    raise OSError(_instructions(file, path, "; ".join(reasons)))


def part_of(path: Path) -> Path:
    """The file beside `path` that holds the bytes of its unfinished download."""
    return path.with_name(f".{path.name}.part")


@contextlib.contextmanager
def _locked(path: Path, progress: bool) -> Iterator[None]:
    """Waits until no other process downloads this file, then locks the others out."""
    lock = filelock.FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        if progress:
            print("jnst: waiting for another process that fetches the same file", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _try_each(file: KnownFile, path: Path, stream: Stream) -> list[str]:
    """Downloads the file; returns why each URL failed, or an empty list if one succeeded."""
    pooch.get_logger().setLevel(logging.WARNING)
    move, reasons = stream.move, []
    for url in file.urls:
        why = ""
        for _ in range(_ATTEMPTS):
            before = stream.received
            try:
                stream.receive(url)
                pooch.retrieve(url, file.published_hash, path.name, path.parent, downloader=move)
                return []
            except requests.RequestException as error:
                why = reason(error)
                if stream.received <= before:
                    break
            except ValueError:
                why = "sent a file with another hash"
                if not before:  # else the wrong bytes may be older ones: start over
                    break
        reasons.append(f"{urlsplit(url).netloc} {why}")
    return reasons


def _instructions(file: KnownFile, path: Path, why: str) -> str:
    size = f"{file.size / 1e6:.0f} MB, " if file.size else ""
    return (
        f"no {file.network} weights here, and {why}. Fetch {file.urls[0]} "
        f"({size}{file.published_hash}) by hand and save it as {path}, or use the built-in vgg16"
    )
