"""The painting as a file or on standard output, and the parameters embedded into it."""

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

    Where it cannot be written it goes into a new folder among the temporary files, which is told.

    Raises:
        OSError: if it cannot be written there either.
    """
    alpha = content.alpha
    if alpha is not None:
        alpha = resize(alpha, *pixels.shape[:2])
    said: dict[str, Any] = {"bits": request.bits, "parameters": dict(embedded)}
    try:
        if request.output == STREAM:
            write_output_stream(picture_bytes(_NAME, pixels, alpha, **said))
        else:
            write_image(request.output, pixels, alpha, **said)
    except OSError as error:
        folder = tempfile.mkdtemp(prefix="jnst-")
        name = _NAME if request.output == STREAM else Path(request.output).name
        path = str(Path(folder) / name)
        try:
            write_image(path, pixels, alpha, **said)
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


def command_words(program: str, argv: Sequence[str]) -> str:
    """The command as a shell takes it.

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
    """A hash of all that decides what a painting looks like: the settings and the pictures.

    Two commands of one recipe make the same painting on the same machine; where the pictures lie
    and what they are called has no part in it.

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
        # What a mask does is told by its place.
        counts = len(request.masks.content), len(request.masks.styles)
        settings["masks"] = [
            *counts,
            *(path if path in (None, WHOLE) else _hash_of_file(path) for path in masks),
        ]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _hash_of_file(path: str) -> str:
    if path == STREAM:
        return path
    status = Path(path).stat()
    return _hash(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=1024)
def _hash(path: str, size: int, changed: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def parameters(request: Request, params: Params, command: str, version: str) -> dict[str, str]:
    """What is embedded into the painting: the command, and all that it stood for."""
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
