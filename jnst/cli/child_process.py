"""A child process that computes, and its parent, which says in one line how the child ended.

JAX's own way with a lost coordinator is to abort, from a thread that no handler of Python sees,
after many lines on standard error. So where several processes share a painting each works in a
child process: what libraries write past Python goes into a file, and the parent, which computes
nothing, tells what became of it. When the parent is killed the child ends too.
"""

import contextlib
import os
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from typing import BinaryIO, NoReturn, TextIO

POSSIBLE = hasattr(os, "fork") and sys.platform != "darwin"
"""Whether a process can be divided here; the libraries of macOS do not bear it."""

_FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP")


def guarded(explain: Callable[[int, str], tuple[int, str]]) -> None:
    """Returns in a child process, whose end the parent awaits and then takes its exit code.

    To be called before JAX computes: its threads do not live on in a child. Where it is not
    `POSSIBLE`, nothing happens.

    Args:
        explain: of a child that ended by a signal or by an exception of C++: (number of the
            signal, what the libraries had written) -> (exit code, line to tell).
    """
    if not POSSIBLE:
        return
    alive, held = os.pipe()
    noise = tempfile.TemporaryFile()  # noqa: SIM115
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        # NumPy's threads wait for work, and do so in the child as well.
        warnings.simplefilter("ignore")
        child = os.fork()
    if child:
        os.close(alive)
        _await(child, noise, explain)
    os.close(held)
    # A terminal's Ctrl-C goes to the parent alone, and comes from there: once, not twice.
    os.setpgid(0, 0)
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()
    sys.stdout, sys.stderr = _apart(sys.stdout, 1, noise), _apart(sys.stderr, 2, noise)


def _await(child: int, noise: BinaryIO, explain: Callable[[int, str], tuple[int, str]]) -> NoReturn:
    """Waits for the child, passes signals on to it, and ends as it did."""
    for name in _FORWARDED:
        number = getattr(signal, name)
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: _send(child, number))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        noise.seek(0)
        code, line = explain(-code, noise.read().decode(errors="replace"))
        with contextlib.suppress(OSError):
            os.write(2, f"jnst: {line}\n".encode(errors="backslashreplace"))
    os._exit(code)


def _send(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


def _end_with(alive: int) -> None:
    """Ends this process once the other end of a pipe is closed, as by the kernel after a kill."""
    os.read(alive, 1)
    os._exit(1)


def _apart(stream: TextIO, number: int, noise: BinaryIO) -> TextIO:
    """The stream on a file descriptor of its own; what others write to its old one is noise."""
    own = os.dup(number)
    os.dup2(noise.fileno(), number)
    return os.fdopen(own, "w", buffering=1, encoding=stream.encoding, errors=stream.errors)
