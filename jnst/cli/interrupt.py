"""The signals that end a run: the first asks it to stop, a second Ctrl-C or SIGTERM insists.

Python calls its handlers between two instructions of the main thread, and a compiled step may take
many seconds. So the C library's handler writes each signal into a socket, which a thread reads.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Self

from ..files import remove_unfinished

_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
# A program that started this one may pass on a signal that the terminal has sent to both.
_SAME_SECONDS = 0.2


class Interrupt:
    """While entered, the first signal to end only sets `signal`; see the file.

    Args:
        last_words: called when the process ends at once; returns a message, or "".

    Attributes:
        signal: number of the first SIGINT, SIGTERM or SIGHUP received, 0 before.
    """

    def __init__(self, last_words: Callable[[], str] = str) -> None:
        self.signal = 0
        self._last_words = last_words
        self._exit = contextlib.ExitStack()

    def __enter__(self) -> Self:
        # Only the main thread may set handlers; elsewhere signals keep their usual meaning.
        if threading.current_thread() is not threading.main_thread():
            return self
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        watcher = threading.Thread(target=self._watch, args=(reader,), daemon=True)
        watcher.start()
        for end in (reader.close, watcher.join, writer.close):
            self._exit.callback(end)
        previous = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        self._exit.callback(signal.set_wakeup_fd, previous)
        for number in _SIGNALS:
            # A signal ignored by nohup or a background job stays ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._exit.callback(signal.signal, number, signal.signal(number, self._ask))
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.signal = self.signal or number

    def _watch(self, reader: socket.socket) -> None:
        """Runs in a thread of its own, until the other end of the socket is closed."""
        seen: set[int] = set()
        asked = 0.0
        while received := reader.recv(1):
            number, now = received[0], time.monotonic()
            if number not in _SIGNALS:
                continue
            if not seen:
                asked = now
                self.signal = number
                _write("stopping after this step; Ctrl-C to stop at once")
            elif now - asked > _SAME_SECONDS and (
                number == signal.SIGINT or number == signal.SIGTERM in seen
            ):
                self._end(number)
            seen.add(number)

    def _end(self, number: int) -> None:
        try:
            _write(self._last_words(), "stopped at once")
            remove_unfinished()
        finally:
            os._exit(128 + number)


def _write(*messages: str) -> None:
    """Writes past Python's streams, of which another thread may hold the lock."""
    with contextlib.suppress(OSError, ValueError):
        # After the ^C of a terminal, and its progress bar.
        start = "\n" if sys.stderr.isatty() else ""
        text = start + "".join(f"jnst: {message}\n" for message in messages if message)
        os.write(sys.stderr.fileno(), text.encode(errors="backslashreplace"))
