"""The masks of a command, read."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .images import Picture
from .option_groups import WHOLE
from .request import Request
from .streams import read_picture
from .transfer.masks import checked_masks

_COLORFUL = 0.1


def read_masks(
    request: Request,
    content: Picture,
    styles: Sequence[Picture],
    wide: Callable[..., NDArray[np.float32]],
) -> dict[str, Any]:
    """The masks of a command, as arguments of `jnst.stylize`.

    Args:
        request: of the command.
        content, styles: its pictures.
        wide: gives a picture of the content's size the margins that the content was given.

    Raises:
        OSError, ValueError: for a file that cannot be read, a mask in colour, or one that does
            not go with its picture.
    """
    files = request.masks
    masks = checked_masks(
        content.pixels.shape,
        [style.pixels.shape for style in styles],
        [_read(path, request) for path in files.content],
        [None if path == WHOLE else _read(path, request) for path in files.styles],
        None if files.keep is None else _read(files.keep, request),
    )

    def widened(mask: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.clip(wide(mask[..., None], like=content.pixels.shape)[..., 0], 0, 1)

    return {
        "content_masks": [widened(mask) for mask in masks.content],
        "style_masks": masks.styles,
        "keep_mask": None if masks.keep is None else widened(masks.keep),
    }


def _read(path: str, request: Request) -> NDArray[np.float32]:
    pixels = read_picture(path, request).pixels
    if np.ptp(pixels, axis=-1).max() > _COLORFUL:
        raise ValueError(f"{path} is in colour: a mask is gray, white inside and black outside")
    return np.asarray(pixels.mean(axis=-1), np.float32)
