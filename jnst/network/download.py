"""The download of a known weight file into the cache, verified before it takes its place.

The verified move into place is pooch's, the stream is `jnst.network.http_stream`'s, and a file lock
lets only one process fetch a file at a time: the others wait, and find it done.
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

_ATTEMPTS = 5  # at one address, as long as each brings something


def is_offline() -> bool:
    """Whether the environment variable JNST_OFFLINE forbids downloads (set, and not 0)."""
    return os.environ.get("JNST_OFFLINE", "0") not in ("", "0")


def fetch(known: KnownFile, folder: Path, *, offline: bool = False, progress: bool = False) -> Path:
    """Downloads `known` into `folder`, trying its addresses in order.

    A download that breaks off is kept beside the goal, and continued by the next one. The file
    appears under its name only when it is complete and its hash is right.

    Args:
        known: a file of the manifest.
        folder: made if it is not there.
        offline: if True, only explains what to do.
        progress: whether to draw a progress bar on standard error.

    Returns:
        The path of the file. One that is there already and has the right hash is kept.

    Raises:
        OSError: if the file cannot be had: no network, a wrong hash, no room, or `offline`. The
            message says where to fetch it by hand, its hash, and where to put it.
    """
    path = folder / known.name
    if _is_right(known, path):
        return path
    if offline or is_offline():
        raise OSError(_instructions(known, path, "downloads are forbidden (offline)"))
    stream = Stream(part_of(path), known.size, progress)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(path, progress):
            reasons = [] if _is_right(known, path) else _try_each(known, path, stream)
            kept = stream.kept
    except OSError as error:
        with contextlib.suppress(OSError):
            stream.discard()  # it takes the room that is lacking
        raise OSError(
            f"cannot write {path} ({error.strerror or error}); make room there, or set the "
            "environment variable JNST_CACHE to another folder"
        ) from error
    if not reasons:
        return path
    if kept:
        reasons.append(f"{kept / 1e6:.1f} MB are kept, and the next try goes on from there")
    raise OSError(_instructions(known, path, "; ".join(reasons)))


def part_of(path: Path) -> Path:
    """Where the bytes of an unfinished download of `path` wait.

    >>> part_of(Path("cache/vgg.h5")).name
    '.vgg.h5.part'
    """
    return path.with_name(f".{path.name}.part")


def _is_right(known: KnownFile, path: Path) -> bool:
    algorithm, _, digest = known.known_hash.partition(":")
    return path.is_file() and pooch.file_hash(str(path), algorithm) == digest


@contextlib.contextmanager
def _alone(path: Path, progress: bool) -> Iterator[None]:
    """Waits until no other process fetches this file, and keeps them away meanwhile."""
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


def _try_each(known: KnownFile, path: Path, stream: Stream) -> list[str]:
    """Fetches the file; returns why each address failed, or nothing when one did not."""
    pooch.get_logger().setLevel(logging.WARNING)
    reasons = []
    for url in known.urls:
        why = ""
        for _ in range(_ATTEMPTS):
            before = stream.kept
            try:
                stream.receive(url)
                pooch.retrieve(
                    url, known.known_hash, path.name, path.parent, downloader=stream.hand_over
                )
                return []
            except requests.RequestException as error:
                why = reason(error)
                if stream.kept <= before:
                    break
            except ValueError:
                why = "sent a file with another hash"
                if not before:  # else the wrong bytes may be those from before: start over
                    break
        reasons.append(f"{urlsplit(url).netloc} {why}")
    return reasons


def _instructions(known: KnownFile, path: Path, why: str) -> str:
    size = f"{known.size / 1e6:.0f} MB, " if known.size else ""
    return (
        f"no {known.network} weights here, and {why}. Fetch {known.urls[0]} "
        f"({size}{known.known_hash}) by hand and save it as {path}, or use the built-in vgg16"
    )
