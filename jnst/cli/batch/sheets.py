"""The sheets of a sweep: one for each content and style, with all of the values tried."""

import contextlib
from collections.abc import Callable, Sequence, Set
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...images import read_image
from ...storage import folder_of, is_remote, joined, place_of
from ..console import tell
from ..options.request import Request
from ..options.sweep import Sweep, axes, cells
from ..options.templates import names
from ..options.words import UsageError
from . import ledger


class Sheet(NamedTuple):
    """A sheet to be made: its file, its title, its paintings, and the swept options."""

    path: str
    title: str
    paintings: tuple[str, ...]
    sweeps: tuple[Sweep, ...]


def planned(sweeps: tuple[Sweep, ...], requests: Sequence[Request]) -> list[Sheet]:
    """The sheets of a sweep, each beside its first painting; none without a sweep.

    Args:
        sweeps: of the command.
        requests: of the paintings, grouped by content and style.

    Raises:
        UsageError: if a sheet would replace an input or a painting.
    """
    if not sweeps:
        return []
    count, sheets = len(cells(sweeps)), []
    for start in range(0, len(requests), count):
        group = requests[start : start + count]
        first = group[0]
        values = names(first.content, first.styles, first.preset, 0, 0, 0)
        title = f"{values['content']} by {values['style']}"
        name = f"{values['content']}_{values['style']}_sweep.png"
        path = joined(folder_of(first.output), name) if folder_of(first.output) != "." else name
        taken = (first.content, *first.styles, *(request.output for request in requests))
        if place_of(path) in map(place_of, taken):
            raise UsageError(f"the sheet would overwrite {path}: choose another --output folder")
        outputs = tuple(request.output for request in group)
        sheets.append(Sheet(path, title, outputs, sweeps))
    return sheets


def write(sheets: Sequence[Sheet], made: Set[str], say: Callable[[str], None]) -> None:
    """Makes the sheets of the paintings that exist, and says so; a failure is only a warning.

    Args:
        sheets: of all shards.
        made: the paintings of this process; a sheet without any of them is made by another one.
        say: tells what was made.
    """
    for sheet in sheets:
        if made.isdisjoint(sheet.paintings):
            continue
        try:
            # Processes that share a sheet end one after the other: the last has all paintings.
            lock = None if is_remote(sheet.path) else ledger.lock_of(sheet.path)
            with lock.acquire(timeout=-1) if lock else contextlib.nullcontext():
                _write(sheet)
        except (OSError, ValueError) as error:
            tell(f"warning: no sheet: {error}")
        else:
            say(f"all on one sheet: {sheet.path}")


def _write(sheet: Sheet) -> None:
    from ...figures.sheets import grid_sheet

    pictures: list[NDArray[np.float32] | None] = []
    for path in sheet.paintings:
        try:
            pictures.append(read_image(path).pixels)
        except (OSError, ValueError):
            pictures.append(None)
    grid_sheet(pictures, *axes(sheet.sweeps), sheet.path, title=sheet.title)
