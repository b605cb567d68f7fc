"""Sheets of pictures: side by side, or in a grid with labelled rows and columns."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ..arrays import ArrayLike, check_image
from ..files import AnyPath
from .panels import columns_for, heading, row_height, save_figure, show_picture, size_words

_WIDTH = 3.0


def grid_sheet(
    pictures: Sequence[ArrayLike | None],
    rows: Sequence[str],
    columns: Sequence[str],
    path: AnyPath | None = None,
    *,
    title: str = "",
    dpi: int = 150,
) -> Figure:
    """Pictures in a grid with a label for each row and column.

    Args:
        pictures: row by row, [height, width, 3] in [0, 1]; None is shown as "none".
        rows, columns: labels; there are rows x columns pictures.
        path, dpi: where to write the sheet, by `save_figure`; a picture is three inches wide.
        title: above the whole sheet.

    Raises:
        ValueError: for a wrong number of pictures, or a path that is neither PNG nor SVG.

    Example:
        >>> figure = grid_sheet([np.zeros((4, 6, 3)), None], ["a"], ["1", "2"])
        >>> [axes.get_title() for axes in figure.axes], figure.axes[0].get_ylabel()
        (['1', '2'], 'a')
    """
    if len(pictures) != len(rows) * len(columns) or not pictures:
        raise ValueError(
            f"{len(pictures)} pictures do not fill {len(rows)} rows and {len(columns)} columns"
        )
    arrays = [None if p is None else np.asarray(p, np.float32) for p in pictures]
    heights = []
    for row in range(len(rows)):
        row_arrays = arrays[row * len(columns) : (row + 1) * len(columns)]
        row_heights = [row_height(pixels, _WIDTH) for pixels in row_arrays if pixels is not None]
        heights.append(max(row_heights, default=_WIDTH))
    size = (_WIDTH * len(columns) + 0.4, sum(heights) + 0.1 * len(rows) + 0.4 + 0.4 * bool(title))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(rows), len(columns), squeeze=False, height_ratios=heights)
    for cell, (panel, pixels) in enumerate(zip(grid.flat, arrays, strict=True)):
        row, column = divmod(cell, len(columns))
        if pixels is None:
            panel.set(xticks=[], yticks=[])
            panel.text(0.5, 0.5, "none", ha="center", va="center", transform=panel.transAxes)
        else:
            show_picture(panel, pixels, "", "")
        if row == 0:
            panel.set_title(columns[column], fontsize=10)
        if column == 0:
            panel.set_ylabel(rows[row], fontsize=10)
    if title:
        heading(figure, title)
    if path is not None:
        save_figure(figure, path, dpi)
    return figure


def contact_sheet(
    pictures: Sequence[tuple[str, ArrayLike]],
    path: AnyPath | None = None,
    columns: int | None = None,
) -> Figure:
    """Pictures side by side, each with its label above and its size below.

    Args:
        pictures: (label, image) pairs, images [height, width, 3], clipped to [0, 1].
        path: if given, the sheet is also written to it by `save_figure`.
        columns: by default at most four, with as few empty cells as possible.

    Raises:
        TypeError: for a picture of integers.
        ValueError: for no pictures, fewer than 1 column, or a path that is neither PNG nor SVG.

    Example:
        >>> figure = contact_sheet([("content", np.zeros((4, 6, 3)))])
        >>> figure.axes[0].get_title(), figure.axes[0].get_xlabel()
        ('content', '6 × 4')
    """
    if not pictures:
        raise ValueError("there are no pictures: give at least one (label, image) pair")
    if columns is not None and columns < 1:
        raise ValueError(f"columns is {columns}: it must be at least 1")
    columns = min(columns or columns_for(len(pictures)), len(pictures))
    rows = math.ceil(len(pictures) / columns)
    for label, image in pictures:
        check_image(label, image, clipped=True)
    arrays = [(label, np.asarray(image, np.float32)) for label, image in pictures]
    aspect = float(np.median([pixels.shape[0] / pixels.shape[1] for _, pixels in arrays]))
    heights = [
        min(max(row_height(p, 4.0) for _, p in arrays[i : i + columns]), 4.0 * max(1.0, aspect))
        for i in range(0, len(arrays), columns)
    ]
    figure = Figure(figsize=(4.1 * columns, sum(heights) + 0.5 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, height_ratios=[h + 0.5 for h in heights])
    panels = list(grid.flat)
    for axes, (label, pixels) in zip(panels, arrays, strict=False):
        show_picture(axes, pixels, label, size_words(pixels))
        axes.set_anchor("N")
    for axes in panels[len(arrays) :]:
        axes.remove()
    if path is not None:
        save_figure(figure, path)
    return figure
