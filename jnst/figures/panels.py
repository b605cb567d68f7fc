"""Panels for figures, and writing figures to disk.

Uses only matplotlib's objects: no pyplot, no change of global settings. Signed values run from blue
through white (0) to red, positive ones along viridis; both are readable for colour-blind people.
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

from ..files import AnyPath, replace_file

SIGNED, POSITIVE = "RdBu_r", "viridis"
_FRAME = "#b0b0b0"


def save_figure(figure: Figure, path: AnyPath, dpi: int = 150) -> None:
    """Writes a figure as PNG or SVG, by the file's suffix, without dates: same figure, same bytes.

    Raises:
        ValueError: for another ending.
        OSError: if the file cannot be written; an existing one is replaced only by a complete one.
    """
    kind = check_format(path)
    metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    buffer = io.BytesIO()
    # The salt makes an SVG's identifiers reproducible; no argument of savefig sets it.
    with matplotlib.rc_context({"svg.hashsalt": "jnst"}):
        figure.savefig(buffer, format=kind, dpi=dpi, metadata=metadata)
    replace_file(path, buffer.getvalue())


def check_format(path: AnyPath) -> str:
    """The format by a file's suffix, "png" or "svg"; raises ValueError for any other."""
    suffix = Path(path).suffix.lower()
    if suffix not in (".png", ".svg"):
        raise ValueError(
            f"a figure is written as PNG or SVG, but {os.fspath(path)!r} ends in {suffix!r}; "
            "use a name ending in .png or .svg"
        )
    return suffix[1:]


def size_words(pixels: NDArray[Any]) -> str:
    """The width and height of an array [height, width, …], for a label: "3 × 2"."""
    return f"{pixels.shape[1]} × {pixels.shape[0]}"


def row_height(pixels: NDArray[Any], width: float) -> float:
    """The height in inches of a picture of this width, limited to a third up to 1.8 widths."""
    return width * float(np.clip(pixels.shape[0] / pixels.shape[1], 1 / 3, 1.8))


def heading(part: Figure | SubFigure, text: str) -> None:
    """Writes a bold title above all panels of a figure or subfigure."""
    part.suptitle(text, fontsize=13, fontweight="bold")


def show_picture(axes: Axes, pixels: ArrayLike, title: str, note: str, size: float = 10) -> None:
    """Draws an sRGB image, clipped to [0, 1], with a title above and a note below."""
    axes.imshow(np.clip(pixels, 0, 1))
    _label(axes, title, note, size)


def show_values(
    axes: Axes, values: ArrayLike, title: str, note: str, *, signed: bool, size: float = 10
) -> None:
    """Draws [height, width] in colours: signed values symmetrically around 0, others from 0.

    The scale ends at the 99.5 % quantile of the magnitudes, so that a few extremes do not fade the
    rest; larger values are clipped to the last colour.
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
    """Columns for a grid: `least` or one more, whichever leaves fewer cells empty."""
    return least if count <= least or -count % least < -count % (least + 1) else least + 1
