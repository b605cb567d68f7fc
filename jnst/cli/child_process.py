"""A child process that computes, and its parent, which reports in one line how the child ended.

JAX aborts when it loses the coordinator: from a thread that no Python handler sees, after many
lines on standard error. So when several processes share a painting, each works in a child process:
what libraries write past Python goes into a file, and the parent, which computes nothing, reports
how the child ended. When the parent is killed, the child ends too.
"""

import contextlib
import os
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterable
from typing import BinaryIO, NoReturn, TextIO

POSSIBLE = hasattr(os, "fork") and sys.platform != "darwin"
"""Whether this process can fork; the libraries of macOS do not support it."""

_FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP")


def guarded(explain: Callable[[int, str], tuple[int, str]]) -> None:
    """Forks and returns in the child; the parent waits and exits with the child's exit code.

    Call it before JAX computes: JAX's threads do not survive a fork. Does nothing where forking
    is not `POSSIBLE`.

    Args:
        explain: called for a child that ended by a signal or a C++ exception: (signal number,
            what the libraries wrote) -> (exit code, line to print).
    """
    if not POSSIBLE:
        return
    read_end, write_end = os.pipe()
    noise = tempfile.TemporaryFile()  # noqa: SIM115
    flush_streams()
    # A signal that comes before there are handlers for it waits.
    signals = {getattr(signal, name) for name in _FORWARDED}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with warnings.catch_warnings():
        # Python warns of threads in a fork; NumPy's only wait for work, also in the child.
        warnings.simplefilter("ignore")
        child = os.fork()
    if child:
        os.close(read_end)
        _forward(child, signals)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        _await(child, noise, explain)
    os.close(write_end)
    # A terminal's Ctrl-C reaches only the parent, which forwards it: the child gets it once.
    os.setpgid(0, 0)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    threading.Thread(target=_end_with, args=(read_end,), daemon=True).start()
    if sys.stdout is not None:
        sys.stdout = _apart(sys.stdout, 1, noise)
    sys.stderr = _apart(sys.stderr, 2, noise)


def flush_streams() -> None:
    """Flushes what standard output and standard error hold back."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _await(child: int, noise: BinaryIO, explain: Callable[[int, str], tuple[int, str]]) -> NoReturn:
    """Waits for the child and exits as it did."""
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        noise.seek(0)
        code, line = explain(-code, noise.read().decode(errors="replace"))
        with contextlib.suppress(OSError):
            os.write(2, f"jnst: {line}\n".encode(errors="backslashreplace"))
    os._exit(code)


def _forward(child: int, signals: Iterable[int]) -> None:
    """Passes signals on to the child, but for those that are ignored here."""

    def send(number: int, _: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in signals:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, send)


def _end_with(read_end: int) -> None:
    """Exits once the other end of a pipe is closed, as the kernel does after a kill."""
    os.read(read_end, 1)
    os._exit(1)


def _apart(stream: TextIO, number: int, noise: BinaryIO) -> TextIO:
    """The stream on a new file descriptor; libraries that write to its old one reach `noise`."""
    own = os.dup(number)
    os.dup2(noise.fileno(), number)
    return os.fdopen(own, "w", buffering=1, encoding=stream.encoding, errors=stream.errors)
