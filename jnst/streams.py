"""Standard input and standard output in the place of a picture's file, written -."""

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator

from .images import Picture, read_image
from .parser import STREAM, UsageError
from .request import Request
from .system import ALONE


def read_picture(path: str, request: Request) -> Picture:
    """A picture of a run, under the limits of its command.

    Raises:
        UsageError: for standard input, if that is a terminal or closed.
        OSError, ValueError: as `read_image`.
    """
    limits = {"max_pixels": request.max_pixels, "max_file_size": request.max_file_size}
    if path == STREAM and (sys.stdin is None or sys.stdin.isatty()):
        raise UsageError("- reads a picture from standard input: pipe one into it, or name a file")
    with ALONE, warnings.catch_warnings(record=True) as told, _without_standard_error():
        warnings.simplefilter("always")
        picture = read_image(sys.stdin.buffer if path == STREAM else path, **limits)
    for one in told:
        warnings.warn(one.message, stacklevel=2)
    return picture


@contextlib.contextmanager
def _without_standard_error() -> Iterator[None]:
    """Libraries in C (libtiff, libpng) write there what they find wrong with a file."""
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # it is closed already
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def check_output_stream() -> None:
    """Raises UsageError if standard output is a terminal or closed."""
    if sys.stdout is None or sys.stdout.isatty():
        raise UsageError(
            "--output - writes a PNG to standard output: redirect it into a file or a program"
        )


def write_output_stream(data: bytes) -> None:
    """Writes bytes to standard output, all of them, past Python's own buffer.

    What a buffer still held when the reader has gone would be told once more when Python ends.

    Raises:
        OSError: if it is closed, or a full disk lies behind it.
    """
    sys.stdout.flush()
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0) as file:
        left = memoryview(data)
        while left:
            left = left[file.write(left) or 0 :]
