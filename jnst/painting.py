"""The painting as a file: with the content's alpha, and not lost where it cannot be written."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .arguments import Request
from .console import tell
from .images import Picture, resize, write_image


def write_painting(
    request: Request,
    pixels: NDArray[np.float32],
    content: Picture,
    embedded: Mapping[str, str],
) -> str:
    """Writes the painting and returns its path.

    Where it cannot be written it goes into a new folder among the temporary files, which is told.

    Raises:
        OSError: if it cannot be written there either.
    """
    alpha = content.alpha
    if alpha is not None:
        alpha = resize(alpha, *pixels.shape[:2])
    try:
        write_image(request.output, pixels, alpha, bits=request.bits, parameters=dict(embedded))
    except OSError as error:
        folder = tempfile.mkdtemp(prefix="jnst-")
        path = str(Path(folder) / Path(request.output).name)
        write_image(path, pixels, alpha, bits=request.bits, parameters=dict(embedded))
        tell(f"error: {error}; the painting is {path}")
        return path
    return request.output
