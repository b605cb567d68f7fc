"""The programs that decode and encode films, as seen from the painting: jobs out, records in.

FFmpeg reads files of anybody, in C. In a process of its own, an endless loop or a crash of it is
one line of error.
"""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

MISSING = "films need other packages: pip install 'jnst[video]'"
SILENCE = 8.0
"""Seconds without an answer after which a program is ended."""


def check_installed() -> None:
    """Raises ImportError unless PyAV is installed."""
    if find_spec("av") is None:
        raise ImportError(MISSING)


class Crashed(ValueError):
    """The program has ended, or does not answer."""


class Child:
    """A running program of this folder.

    Args:
        program: name of its file, without the ending.
        job: what it is asked to do, as JSON.
        silence: seconds without an answer after which it is ended; by default `SILENCE`.

    Raises:
        ImportError: if PyAV is not installed.
    """

    def __init__(
        self, program: str, job: Mapping[str, Any], *, silence: float | None = None
    ) -> None:
        check_installed()
        path = Path(__file__).with_name(f"{program}.py")
        self._silence, self._silent = silence or SILENCE, False
        self._process = subprocess.Popen(
            # -P: the files beside it are no modules of it. A session of its own: the Ctrl-C of a
            # terminal is for the painting.
            [sys.executable, "-P", "-W", "ignore", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self.send(json.dumps(job).encode() + b"\n")
        except Crashed:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with contextlib.suppress(OSError):
                stream.close()
        self._process.wait()

    def send(self, data: bytes) -> None:
        """Writes bytes to the program; Crashed if it has ended or takes none."""
        assert self._process.stdin is not None
        try:
            with self._in_time():
                self._process.stdin.write(data)
                self._process.stdin.flush()
        except OSError:
            raise self._crashed() from None

    def records(self) -> Iterator[tuple[dict[str, Any], bytes]]:
        """The records that the program writes, until it ends.

        Raises:
            ValueError: with the text of a record that is an error.
            Crashed: if the program ends before its last record, or falls silent.
        """
        assert self._process.stdout is not None
        while True:
            with self._in_time():
                line = self._process.stdout.readline()
                record = json.loads(line) if line.endswith(b"\n") else None
                size = record["bytes"] if record else 0
                data = self._process.stdout.read(size) if size else b""
            if record is None or len(data) < size:
                raise self._crashed()
            if "error" in record:
                raise ValueError(record["error"])
            yield record, data
            if "end" in record or "none" in record:
                return

    def answer(self) -> dict[str, Any]:
        """The next record; errors as `records`."""
        return next(self.records())[0]

    @contextlib.contextmanager
    def _in_time(self) -> Iterator[None]:
        timer = threading.Timer(self._silence, self._end_silent)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _end_silent(self) -> None:
        self._silent = True
        self._process.kill()

    def _crashed(self) -> Crashed:
        code = self._process.wait()
        if self._silent:
            return Crashed(f"FFmpeg did not answer for {self._silence:g} seconds")
        return Crashed(f"FFmpeg crashed, by signal {-code}" if code < 0 else "FFmpeg ended early")
