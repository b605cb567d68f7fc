"""A grid of paintings, with what was varied written along its sides."""

import os
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from .panels import heading, row_height, save_figure, show_picture

_WIDTH = 3.0


def grid_sheet(
    pictures: Sequence[ArrayLike | None],
    rows: Sequence[str],
    columns: Sequence[str],
    path: str | os.PathLike[str] | None = None,
    *,
    title: str = "",
    dpi: int = 150,
) -> Figure:
    """Pictures in rows and columns with a label for each.

    Args:
        pictures: row by row, [height, width, 3] in [0, 1]; None leaves the place empty.
        rows, columns: labels; there are rows x columns pictures.
        path: if given, the sheet is also written there by `save_figure`.
        title: above all of it.
        dpi: dots per inch; a picture is three inches wide.

    Raises:
        ValueError: for another number of pictures, or a path that is neither PNG nor SVG.

    Example:
        >>> figure = grid_sheet([np.zeros((4, 6, 3)), None], ["a"], ["1", "2"])
        >>> [axes.get_title() for axes in figure.axes], figure.axes[0].get_ylabel()
        (['1', '2'], 'a')
    """
    if len(pictures) != len(rows) * len(columns) or not pictures:
        raise ValueError(
            f"{len(pictures)} pictures do not fill {len(rows)} rows and {len(columns)} columns"
        )
    arrays = [None if one is None else np.asarray(one, np.float32) for one in pictures]
    heights = []
    for row in range(len(rows)):
        inside = arrays[row * len(columns) : (row + 1) * len(columns)]
        tall = [row_height(pixels, _WIDTH) for pixels in inside if pixels is not None]
        heights.append(max(tall, default=_WIDTH))
    size = (_WIDTH * len(columns) + 0.4, sum(heights) + 0.1 * len(rows) + 0.4 + 0.4 * bool(title))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(rows), len(columns), squeeze=False, height_ratios=heights)
    for place, (panel, pixels) in enumerate(zip(grid.flat, arrays, strict=True)):
        row, column = divmod(place, len(columns))
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
