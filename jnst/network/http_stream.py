"""A download stream from a URL into a file: limited in time, and resumed after a break.

Received bytes stay in a `.part` file beside the target. The next attempt requests only the rest,
from whichever mirror answers; the hash of the whole file reveals a rest that does not fit.
"""

import re
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from tqdm import tqdm

CONNECT_SECONDS = 4.0  # for each URL; a file has at most two
STALL_SECONDS = 30.0
_CHUNK = 1 << 14  # bytes lost, at most, when the connection breaks


class Refused(requests.RequestException):
    """The server sends something other than the file; the message is a verb phrase."""


class Stream:
    """Downloads the bytes of a URL into the file `part`, which stays when the connection breaks."""

    def __init__(self, part: Path, size: int | None, progress: bool) -> None:
        self._part, self._size, self._progress = part, size, progress

    @property
    def received(self) -> int:
        """Number of bytes received so far."""
        return self._part.stat().st_size if self._part.exists() else 0

    def discard(self) -> None:
        """Deletes the received bytes."""
        self._part.unlink(missing_ok=True)

    def move(self, _: str, output_file: str, __: object) -> None:
        """Moves the received file to `output_file`; the signature is that of a pooch downloader."""
        self._part.replace(output_file)

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
            with tqdm(**scale, desc="weights", disable=not self._progress) as bar:
                self._write(response, start, total, bar)

    def _offered(self, response: requests.Response, offset: int) -> tuple[int, int | None]:
        """The offset of the response and the total size; refuses what cannot be the file."""
        if response.headers.get("content-type", "").startswith("text/html"):
            host = urlsplit(response.url).netloc
            raise Refused(f"sent a web page of {host} (a login? an error?) instead of the file")
        start, total = 0, int(response.headers.get("content-length", 0)) or None
        if response.status_code == requests.codes.partial_content:
            stated = response.headers.get("content-range", "")
            content_range = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", stated)
            if not content_range or int(content_range[1]) != offset:
                self.discard()
                raise Refused(f"sent another part ({stated or 'unnamed'}) than was asked for")
            start, total = offset, None if content_range[2] == "*" else int(content_range[2])
        if self._size and total and total != self._size:
            raise Refused(f"offers {total:,} bytes, but the file has {self._size:,}")
        return start, total or self._size

    def _write(self, response: requests.Response, start: int, total: int | None, bar: Any) -> None:
        with self._part.open("ab" if start else "wb") as out:
            try:
                for chunk in response.iter_content(_CHUNK):
                    out.write(chunk)
                    bar.update(len(chunk))
                    if total and out.tell() > total:
                        break
            except requests.ConnectionError as error:
                raise Refused(f"sent nothing more for {STALL_SECONDS:g} s") from error
        if total and self.received > total:
            self.discard()
            raise Refused(f"sends more than the {total:,} bytes of the file")
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


# In this order: a timeout and a bad certificate are kinds of connection errors.
_REASONS = {
    requests.exceptions.ChunkedEncodingError: "broke off in the middle",
    requests.Timeout: "does not answer",
    requests.exceptions.SSLError: "has no certificate that this machine trusts",
    requests.ConnectionError: "cannot be reached",
}


def reason(error: requests.RequestException) -> str:
    """What a server did, as a verb phrase to follow its name."""
    if isinstance(error, Refused):
        return str(error)
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code} {error.response.reason}"
    phrases = (phrase for kind, phrase in _REASONS.items() if isinstance(error, kind))
    return next(phrases, f"failed ({error})")
