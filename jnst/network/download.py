"""The download of a known weight file into the cache: resumed after a break, verified, and timed.

Received bytes stay in a `.part` file beside the target. The next attempt requests only the rest,
from whichever mirror answers; the hash of the whole file reveals a rest that does not fit. A file
lock lets only one process download a file at a time: the others wait, and then find the file.
"""

import contextlib
import os
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import filelock
import requests
from tqdm import tqdm

from ..system import bar_size
from .manifest import KnownFile

CONNECT_SECONDS = 4.0  # for each URL; a file has at most two
STALL_SECONDS = 30.0
_ATTEMPTS = 5  # at one URL, as long as each brings new bytes
_CHUNK = 1 << 14  # bytes lost, at most, when the connection breaks

# In this order: a timeout and a bad certificate are kinds of connection errors.
_REASONS = {
    requests.exceptions.ChunkedEncodingError: "broke off in the middle",
    requests.Timeout: "does not answer",
    requests.exceptions.SSLError: "has no certificate that this machine trusts",
    requests.ConnectionError: "cannot be reached",
}


def is_offline() -> bool:
    """Whether the environment variable JNST_OFFLINE forbids downloads (set, and not 0)."""
    return os.environ.get("JNST_OFFLINE", "0") not in ("", "0")


def part_of(path: Path) -> Path:
    """The file beside `path` that holds the bytes of its unfinished download."""
    return path.with_name(f".{path.name}.part")


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
    stream = _Stream(part_of(path), file.size, progress)
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


def _instructions(file: KnownFile, path: Path, why: str) -> str:
    size = f"{file.size / 1e6:.0f} MB, " if file.size else ""
    return (
        f"no {file.network} weights here, and {why}. Fetch {file.urls[0]} "
        f"({size}{file.published_hash}) by hand and save it as {path}, or use the built-in vgg16"
    )


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


def _try_each(file: KnownFile, path: Path, stream: "_Stream") -> list[str]:
    """Downloads the file; returns why each URL failed, or an empty list if one succeeded."""
    reasons = []
    for url in file.urls:
        why = ""
        for _ in range(_ATTEMPTS):
            before = stream.received
            try:
                stream.receive(url)
            except requests.RequestException as error:
                why = reason(error)
                if stream.received <= before:
                    break
                continue
            if file.is_intact(stream.part):
                stream.part.replace(path)
                return []
            stream.discard()
            why = "sent a file with another hash"
            if not before:  # else the wrong bytes may be older ones: start over
                break
        reasons.append(f"{urlsplit(url).netloc} {why}")
    return reasons


class _Refused(requests.RequestException):
    """The server sends something other than the file; the message is a verb phrase."""


class _Stream:
    """Downloads the bytes of a URL into the file `part`, which stays when the connection breaks."""

    def __init__(self, part: Path, size: int | None, progress: bool) -> None:
        self.part, self._size, self._progress = part, size, progress

    @property
    def received(self) -> int:
        """Number of bytes received so far."""
        return self.part.stat().st_size if self.part.exists() else 0

    def discard(self) -> None:
        self.part.unlink(missing_ok=True)

    def receive(self, url: str) -> None:
        """Downloads the missing bytes; RequestException if they do not arrive, or are others."""
        offset = self.received
        if self._size and offset == self._size:
            return
        with _connect(url, offset) as response:
            if offset and response.status_code == requests.codes.requested_range_not_satisfiable:
                self.discard()
                return self.receive(url)
            response.raise_for_status()
            start, total = self._offered(response, offset)
            scale = {"total": total, "initial": start, "unit": "B", "unit_scale": True}
            with tqdm(**scale, desc="weights", disable=not self._progress, **bar_size()) as bar:
                self._write(response, start, total, bar)

    def _offered(self, response: requests.Response, offset: int) -> tuple[int, int | None]:
        """The offset of the response and the total size; refuses what cannot be the file."""
        if response.headers.get("content-type", "").startswith("text/html"):
            host = urlsplit(response.url).netloc
            raise _Refused(f"sent a web page of {host} (a login? an error?) instead of the file")
        start, total = 0, int(response.headers.get("content-length", 0)) or None
        if response.status_code == requests.codes.partial_content:
            stated = response.headers.get("content-range", "")
            content_range = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", stated)
            if not content_range or int(content_range[1]) != offset:
                self.discard()
                raise _Refused(f"sent another part ({stated or 'unnamed'}) than was asked for")
            start, total = offset, None if content_range[2] == "*" else int(content_range[2])
        if self._size and total and total != self._size:
            raise _Refused(f"offers {total:,} bytes, but the file has {self._size:,}")
        return start, total or self._size

    def _write(self, response: requests.Response, start: int, total: int | None, bar: Any) -> None:
        with self.part.open("ab" if start else "wb") as out:
            try:
                for chunk in response.iter_content(_CHUNK):
                    out.write(chunk)
                    bar.update(len(chunk))
                    if total and out.tell() > total:
                        break
            except requests.ConnectionError as error:
                raise _Refused(f"sent nothing more for {STALL_SECONDS:g} s") from error
        if total and self.received > total:
            self.discard()
            raise _Refused(f"sends more than the {total:,} bytes of the file")
        if total and self.received < total:
            raise requests.exceptions.ChunkedEncodingError("the end is missing")


def _connect(url: str, start: int) -> requests.Response:
    """Opens a connection within CONNECT_SECONDS, name look-up and all IP addresses included.

    The timeout of requests applies to each IP address anew, and not to the look-up.
    """
    # Compressed in transit, the bytes could not be counted.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    outcome: list[Any] = []
    given_up = threading.Event()

    def attempt() -> None:
        try:
            limits = (CONNECT_SECONDS, STALL_SECONDS)
            outcome.append(requests.get(url, stream=True, timeout=limits, headers=headers))
            if given_up.is_set():
                outcome[0].close()
        except requests.RequestException as error:
            outcome.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    given_up.set()
    if not outcome:
        raise requests.ConnectTimeout(f"no answer within {CONNECT_SECONDS:g} s")
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]


def reason(error: requests.RequestException) -> str:
    """What a server did, as a verb phrase to follow its name."""
    if isinstance(error, _Refused):
        return str(error)
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code} {error.response.reason}"
    phrases = (phrase for kind, phrase in _REASONS.items() if isinstance(error, kind))
    return next(phrases, f"failed ({error})")
