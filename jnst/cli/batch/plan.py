"""The plan of a batch: the request of each painting, before the first is made."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...config.effects import idle_fields
from ...images import read_parameters
from ...storage import folder_of, is_there, place_of
from ..options.parsing import checked
from ..options.patterns import expanded, is_many, paired
from ..options.request import Batch, Request
from ..options.sweep import Cell, cells, for_names
from ..options.templates import SWEPT_NAME, as_template, check_distinct
from ..options.words import UsageError


def plan(batch: Batch) -> list[Request]:
    """The requests of all paintings of a batch, in order.

    Raises:
        UsageError: for wrong options, two paintings with one name, or one that would replace an
            input or, without `--overwrite`, a file that jnst did not make.
        FileNotFoundError: if a folder or pattern has no picture.
    """
    named = {"name": SWEPT_NAME} if batch.sweeps else {}
    template = as_template(batch.templates.get("output"), many=True, **named)
    templates = {**batch.templates, "output": template}
    contents = _pictures(batch.contents, template)
    groups = [batch.styles] if batch.combine != "blend" else [(word,) for word in batch.styles]
    grouped = [_pictures(words, template) for words in groups]
    pairs = paired(contents, [path for group in grouped for path in group], batch.combine)
    first = replace(batch.request, content=pairs[0][0], styles=pairs[0][1])
    grid = cells(batch.sweeps)
    shared = in_cells(first, grid, [*map(len, grouped)])
    requests: list[Request] = []
    outputs = []
    for content, styles in pairs:
        for cell, common in zip(grid, shared, strict=True):
            request = replace(common, content=content, styles=styles)
            labels = for_names(cell.labels) if cell.labels else {}
            request = request.named(templates, len(requests) + 1, **labels)
            # The others differ in nothing that is checked.
            requests.append(request if len(requests) >= len(grid) else checked(request))
            outputs += [(_described(request, cell), getattr(request, name)) for name in templates]
    check_distinct(outputs)
    _check_kept(requests, batch.overwrite)
    return requests


def in_cells(request: Request, grid: Sequence[Cell], counts: Sequence[int]) -> list[Request]:
    """A request for each cell of a sweep, without the options that have no effect there.

    Args:
        request: what the cells share.
        grid: the cells.
        counts: number of pictures of each style.

    Raises:
        UsageError: for an option that has no effect in any cell, or a wrong value.

    Example:
        >>> grid = [Cell({}, {"init": "gray"}), Cell({}, {"init": "content"})]
        >>> cells = in_cells(Request("a", ("b",), changes={"seed": 3}), grid, [1])
        >>> [cell.changes for cell in cells]
        [{'seed': 3, 'init': 'gray'}, {'init': 'content'}]
    """
    requests, useful = [], set()
    reasons: dict[str, str] = {}
    for cell in grid:
        changes = {**request.changes, **cell.values}
        preset = changes.pop("preset", request.preset)
        config = request.set_to(preset, changes).config
        # Of a single cell, `checked` tells what has no effect.
        idle = idle_fields(config, len(request.styles)) if len(grid) > 1 else {}
        reasons = {name: idle[name] for name in changes if name in idle} | reasons
        useful |= changes.keys() - idle.keys()
        changes = {name: value for name, value in changes.items() if name not in idle}
        requests.append(_shared_out(request.set_to(preset, changes), counts))
    for name, why in reasons.items():
        if name not in useful:
            raise UsageError(why, name)
    return requests


def _shared_out(request: Request, counts: Sequence[int]) -> Request:
    """The request with weights, scales and sizes for each picture instead of each style.

    The pictures of a folder share its weight evenly, so that their statistics are averaged, and
    have its scale and size. A single weight applies to every style.
    """
    styles = len(counts)
    if styles == 1 or sum(counts) == styles:
        return request
    changes: dict[str, Any] = dict(request.changes)
    for field in ("style_weights", "style_scale", "style_size"):
        values, is_weight = getattr(request.config, field), field == "style_weights"
        if is_weight and len(values) == 1:
            values = values * styles
        if len(values) == styles:
            changes[field] = tuple(
                float(f"{value / count:g}") if is_weight else value
                for value, count in zip(values, counts, strict=True)
                for _ in range(count)
            )
    return request.set_to(request.preset, changes)


def _described(request: Request, cell: Cell) -> str:
    swept = "".join(f", {name} {label}" for name, label in cell.labels.items())
    return f"{request.content} by {' and '.join(request.styles)}{swept}"


def _pictures(words: Sequence[str], template: str) -> list[str]:
    """The files that words stand for, without the paintings of an earlier run."""
    folder = place_of(folder_of(template))
    named = {word for word in words if not is_many(word)}
    pictures = []
    for path in expanded(words):
        may_be_own = path not in named and place_of(folder_of(path)) == folder
        if not (may_be_own and _is_own(path)):
            pictures.append(path)
    if not pictures:
        raise FileNotFoundError(f"{' '.join(words)} holds nothing but paintings of jnst")
    return pictures


def _is_own(path: str) -> bool:
    try:
        return read_parameters(path).get("software", "").startswith("jnst ")
    except (OSError, ValueError):
        return False


def _check_kept(requests: Sequence[Request], overwrite: bool) -> None:
    inputs: dict[str, str] = {}
    for request in requests:
        masks = request.masks.named().values()
        for path in (request.content, *request.styles, request.init_image, *masks):
            if path:
                inputs[place_of(path)] = path
    for request in requests:
        output = request.output
        if place_of(output) in inputs:
            raise UsageError(
                f"--output would overwrite {output}, which is painted or painted like: choose "
                "another name or folder"
            )
        if is_there(output) and not overwrite and not _is_own(output):
            raise UsageError(
                f"{output} exists and is no painting of jnst: choose another --output, or add "
                "--overwrite"
            )
