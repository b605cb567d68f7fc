"""The painting as a file or on standard output, and the parameters embedded in it."""

import functools
import hashlib
import json
import os
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..images import Picture, picture_bytes, resize, write_image
from ..network import Params
from ..storage import open_stored
from .console import tell
from .options.groups import WHOLE
from .options.request import Request
from .options.words import STREAM, UsageError

_NAME = "painting.png"


def write_painting(
    request: Request,
    pixels: NDArray[np.float32],
    content: Picture,
    embedded: Mapping[str, str],
) -> str:
    """Writes the painting and returns its path, - for standard output.

    If that fails, it goes into a new temporary folder, and the user is told where.

    Raises:
        OSError: if it cannot be written to either place.
    """
    alpha = content.alpha
    if alpha is not None:
        alpha = resize(alpha, *pixels.shape[:2])
    options: dict[str, Any] = {"bits": request.bits, "parameters": dict(embedded)}
    try:
        if request.output == STREAM:
            write_output_stream(picture_bytes(_NAME, pixels, alpha, **options))
        else:
            write_image(request.output, pixels, alpha, **options)
    except OSError as error:
        folder = tempfile.mkdtemp(prefix="jnst-")
        name = _NAME if request.output == STREAM else Path(request.output).name
        path = str(Path(folder) / name)
        try:
            write_image(path, pixels, alpha, **options)
        except OSError as second:
            Path(folder).rmdir()
            raise OSError(f"the painting is lost: {error}, and {second}") from None
        tell(f"error: {error}; the painting is {path}")
        return path
    return request.output


def check_output_stream() -> None:
    """Raises UsageError if standard output is a terminal or closed."""
    if sys.stdout is None or sys.stdout.isatty():
        raise UsageError(
            "--output - writes a PNG to standard output: redirect it into a file or a program"
        )


def write_output_stream(data: bytes) -> None:
    """Writes all bytes to standard output, past Python's own buffer.

    Bytes left in a buffer after the reader has gone would raise a second error when Python exits.

    Raises:
        OSError: if standard output is closed or its disk is full.
    """
    sys.stdout.flush()
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0) as file:
        remaining = memoryview(data)
        while remaining:
            remaining = remaining[file.write(remaining) or 0 :]


def command_words(program: str, argv: Sequence[str]) -> str:
    """The command line, quoted for a shell.

    Args:
        program: `sys.argv[0]`.
        argv: the words after it.

    Example:
        >>> command_words("jnst", ["--content", "my cat.jpg"])
        "jnst --content 'my cat.jpg'"
    """
    start = ["python", program] if program.endswith("cli.py") else ["jnst"]
    return shlex.join([*start, *argv])


def recipe(request: Request, params: Params) -> str:
    """A hash of everything that decides how a painting looks: its settings and pictures.

    Two commands with the same recipe make the same painting on the same machine; the paths and
    names of the pictures do not count.

    Raises:
        OSError: if a picture cannot be read.
    """
    pictures = (request.content, *request.styles, request.init_image)
    settings = {
        "config": request.config.to_dict(),
        "bits": request.bits,
        "bucket": request.bucket,
        "preprocess": request.preprocess,
        "network": params.network,
        "weights": params.sha256,
        "pictures": [_hash_of_file(path) for path in pictures if path],
    }
    if any(request.masks):
        masks = (*request.masks.content, *request.masks.styles, request.masks.keep)
        # A mask's position in the list decides what it does.
        counts = len(request.masks.content), len(request.masks.styles)
        settings["masks"] = [
            *counts,
            *(path if path in (None, WHOLE) else _hash_of_file(path) for path in masks),
        ]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _hash_of_file(path: str) -> str:
    if path == STREAM:
        return path
    if (stored := open_stored(path)) is not None:
        return hashlib.sha256(stored.getbuffer()).hexdigest()
    status = Path(path).stat()
    return _hash(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=1024)
def _hash(path: str, size: int, changed: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def parameters(request: Request, params: Params, command: str, version: str) -> dict[str, str]:
    """The parameters embedded in the painting: the command and everything it stood for."""
    return {
        "software": f"jnst {version}",
        "command": command,
        "preset": request.preset,
        "config": json.dumps(request.config.to_dict()),
        "content": request.content,
        "styles": json.dumps(request.styles),
        "network": params.network,
        "weights": params.name,
        "weights_sha256": params.sha256,
    }
