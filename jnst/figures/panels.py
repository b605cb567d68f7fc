"""The panels that figures are made of, and figures on disk.

Built on matplotlib's objects alone: no pyplot, no change of its settings. Signed values run from
blue through white (0) to red, positive ones along viridis: both can be read by the colour-blind.
Sizes in labels are width × height in pixels.
"""

import io
import os
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from numpy.typing import ArrayLike, NDArray

from ..atomic import replace_file

SIGNED, POSITIVE = "RdBu_r", "viridis"
_FRAME = "#b0b0b0"


def save_figure(figure: Figure, path: str | os.PathLike[str], dpi: int = 150) -> None:
    """Writes a figure as PNG or SVG, by the name's ending, without dates: same figure, same bytes.

    Args:
        figure: any matplotlib figure.
        path: ends in .png or .svg; an existing file is replaced once the new one is complete.
        dpi: dots per inch.

    Raises:
        ValueError: for another ending.
        OSError: if the file cannot be written.
    """
    kind = check_format(path)
    metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    drawn = io.BytesIO()
    # The salt makes the identifiers inside an SVG repeat; no argument of savefig sets it.
    with matplotlib.rc_context({"svg.hashsalt": "jnst"}):
        figure.savefig(drawn, format=kind, dpi=dpi, metadata=metadata)
    replace_file(path, drawn.getvalue())


def check_format(path: str | os.PathLike[str]) -> str:
    """The format that a file's name asks for, "png" or "svg"; ValueError for any other.

    >>> check_format("curves.SVG")
    'svg'
    """
    ending = Path(path).suffix.lower()
    if ending not in (".png", ".svg"):
        raise ValueError(
            f"a figure is written as PNG or SVG, but {os.fspath(path)!r} ends in {ending!r}; "
            "use a name ending in .png or .svg"
        )
    return ending[1:]


def size_words(pixels: NDArray[Any]) -> str:
    """The width and height of an array of rows, for a label.

    >>> size_words(np.zeros((2, 3)))
    '3 × 2'
    """
    return f"{pixels.shape[1]} × {pixels.shape[0]}"


def row_height(pixels: NDArray[Any], width: float) -> float:
    """Inches that a picture of some inches' width is tall, kept between a third and 1.8 widths."""
    return width * float(np.clip(pixels.shape[0] / pixels.shape[1], 1 / 3, 1.8))


def heading(part: Figure | SubFigure, text: str) -> None:
    """Writes a bold line above all panels of a figure or of a part of it."""
    part.suptitle(text, fontsize=13, fontweight="bold")


def show_picture(axes: Axes, pixels: ArrayLike, title: str, note: str, size: float = 10) -> None:
    """Draws an sRGB image, clipped to [0, 1], with a title above and a note below."""
    axes.imshow(np.clip(pixels, 0, 1))
    _label(axes, title, note, size)


def show_values(
    axes: Axes, values: ArrayLike, title: str, note: str, *, signed: bool, size: float = 10
) -> None:
    """Draws [height, width] in colours: signed values symmetrically around 0, others from 0.

    The scale is the values' own. It ends where all but the largest half percent lie, so that a few
    extremes do not fade all else; beyond it the colour stays the same.
    """
    values = np.asarray(values)
    magnitudes = np.abs(values)
    limit = float(np.quantile(magnitudes, 0.995, method="higher")) or float(magnitudes.max()) or 1.0
    axes.imshow(values, SIGNED if signed else POSITIVE, vmin=-limit if signed else 0, vmax=limit)
    _label(axes, title, note, size)


def show_kernel(axes: Axes, kernel: NDArray[Any]) -> None:
    """Draws a kernel [height, width, 1, 1] into the lower left corner of a panel."""
    inset = axes.inset_axes((0.015, 0.02, 0.22, 0.22))
    inset.set_anchor("SW")
    show_values(inset, kernel[..., 0, 0], "", "", signed=True)
    for spine in inset.spines.values():
        spine.set(color="black", linewidth=0.8)


def _label(axes: Axes, title: str, note: str, size: float) -> None:
    axes.set_title(title, fontsize=size, pad=2 if size < 10 else 4)
    axes.set_xlabel(note, fontsize=size - 1)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(color=_FRAME, linewidth=0.6)


def columns_for(count: int, least: int = 3) -> int:
    """Columns for a grid: `least` or one more, whichever leaves fewer places empty."""
    return least if count <= least or -count % least < -count % (least + 1) else least + 1
