"""The painting as a file: with the content's alpha, and not lost where it cannot be written."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .console import tell
from .images import Picture, picture_bytes, resize, write_image
from .parser import STREAM
from .request import Request
from .streams import write_output_stream

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
