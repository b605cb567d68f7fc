"""The pictures of a command: content, styles, start and masks; from files or standard input."""

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Pixels
from ..images import Picture, read_image
from ..network.architecture import smallest_side
from ..system import ALONE
from ..transfer.masks import checked_masks
from ..transfer.sizes import widened
from ..wording import about
from .limits import check_sizes
from .options.groups import WHOLE
from .options.request import Request
from .options.words import STREAM, UsageError


def read_picture(path: str, request: Request) -> Picture:
    """Reads a picture of a run, within the limits of its command.

    Raises:
        UsageError: for standard input, if that is a terminal or closed.
        OSError, ValueError: as `read_image`.
    """
    limits = {"max_pixels": request.max_pixels, "max_file_size": request.max_file_size}
    if path == STREAM and (sys.stdin is None or sys.stdin.isatty()):
        raise UsageError("- reads a picture from standard input: pipe one into it, or name a file")
    with ALONE, warnings.catch_warnings(record=True) as caught, _without_standard_error():
        warnings.simplefilter("always")
        picture = read_image(sys.stdin.buffer if path == STREAM else path, **limits)
    for warning in caught:
        warnings.warn(warning.message, stacklevel=2)
    return picture


@contextlib.contextmanager
def _without_standard_error() -> Iterator[None]:
    """Silences standard error, where C libraries (libtiff, libpng) report damaged files."""
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # already closed
        yield
        return
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 2)
    os.close(devnull)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def read_masks(
    request: Request,
    shape: Sequence[int],
    styles: Sequence[Picture],
    wide: Callable[..., NDArray[np.float32]],
) -> dict[str, Any]:
    """The masks of a command, as arguments of `jnst.stylize`.

    Args:
        request: the parsed command.
        shape: of its content.
        styles: its pictures.
        wide: adds the content's margins to a picture of the content's size.

    Raises:
        OSError, ValueError: for a file that cannot be read, a mask in colour, or one that does
            not fit its picture.
    """
    files = request.masks
    masks = checked_masks(
        shape,
        [style.pixels.shape for style in styles],
        [_read_mask("content_masks", path, request) for path in files.content],
        [
            None if path == WHOLE else _read_mask("style_masks", path, request)
            for path in files.styles
        ],
        None if files.keep is None else _read_mask("keep_mask", files.keep, request),
    )
    keep = masks.keep
    return {
        "content_masks": [_widened_mask(mask, shape, wide) for mask in masks.content],
        "style_masks": masks.styles,
        "keep_mask": None if keep is None else _widened_mask(keep, shape, wide),
    }


def _widened_mask(mask: Pixels, shape: Sequence[int], wide: Callable[..., Pixels]) -> Pixels:
    return np.clip(wide(mask[..., None], like=shape)[..., 0], 0, 1)


def _read_mask(field: str, path: str, request: Request) -> NDArray[np.float32]:
    with about(field):
        return read_picture(path, request).as_mask()


@dataclass(frozen=True)
class Pictures:
    """The pictures that a painting is made of.

    Attributes:
        content, styles: as read.
        base, alpha: the content with its margins, as it is painted.
        others: the start and the masks, as arguments of `jnst.stylize`.
    """

    content: Picture
    styles: list[Picture]
    base: Pixels
    alpha: Pixels | None
    others: dict[str, Any]

    @property
    def painted(self) -> Picture:
        """The content with its margins."""
        return replace(self.content, pixels=self.base, alpha=self.alpha)

    @property
    def style_pixels(self) -> list[Pixels]:
        return [style.pixels for style in self.styles]


def read_pictures(request: Request) -> Pictures:
    """Reads all pictures of a command; ValueError for one that is too small for its layers."""
    content = _read_large("content", request.content, request)
    styles = [_read_large("styles", path, request) for path in request.styles]
    start = _read_large("init_image", request.init_image, request) if request.init_image else None
    check_sizes(request, content.pixels.shape, [style.pixels.shape for style in styles])
    widen = partial(widened, config=request.config, bucket=request.bucket)
    masks = read_masks(request, content.pixels.shape, styles, widen)
    shape = content.pixels.shape
    init = None if start is None else replace(start, pixels=widen(start.pixels, like=shape))
    alpha = None if content.alpha is None else _widened_mask(content.alpha, shape, widen)
    return Pictures(content, styles, widen(content.pixels), alpha, {"init_image": init} | masks)


def _read_large(field: str, path: str, request: Request) -> Picture:
    with about(field):
        picture = read_picture(path, request)
        check_side(picture.path, picture.pixels.shape, request)
    return picture


def check_side(name: object, shape: Sequence[int], request: Request) -> None:
    """Raises ValueError for a picture of that shape which is too small for the layers."""
    smallest = smallest_side(request.architecture, request.config.layers)
    height, width = shape[:2]
    if min(height, width) < smallest:
        raise ValueError(
            f"{name} is {width}x{height} pixels, but these layers look at squares "
            f"of {smallest}: use a larger picture"
        )
