"""The plan of a batch: the request and the words of each painting, before the first is made."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...images import read_parameters
from ..options.config import config_of
from ..options.parsing import parse
from ..options.patterns import expanded, is_many, paired
from ..options.request import Batch, Request
from ..options.sweep import cells, effective, for_names, words_of
from ..options.templates import SWEPT_NAME, as_template, check_distinct, filled, literal
from ..options.templates import names as names_of
from ..options.words import UsageError, option, without


@dataclass(frozen=True)
class Job:
    """One painting of a batch: its request, and the words that would make it alone."""

    request: Request
    words: tuple[str, ...]


def plan(batch: Batch) -> list[Job]:
    """All paintings of a batch, in order.

    Raises:
        UsageError: for wrong options, two paintings with one name, or one that would replace an
            input or, without `--overwrite`, a file that jnst did not make.
        FileNotFoundError: if a folder or pattern has no picture.
    """
    named = {"name": SWEPT_NAME} if batch.sweeps else {}
    template = as_template(batch.templates.get("output"), many=True, **named)
    contents = _pictures(batch.contents, template)
    groups = [batch.styles] if batch.combine != "blend" else [(word,) for word in batch.styles]
    grouped = [_pictures(words, template) for words in groups]
    pairs = paired(contents, [path for group in grouped for path in group], batch.combine)
    shared_words = list(batch.words)
    shared_words += ["--bucket", str(batch.bucket)] if batch.bucket > 1 else []
    shared_words += ["--blend"] if batch.combine == "blend" and len(pairs[0][1]) > 1 else []
    jobs, outputs = [], []
    grid = [(*pair, cell) for pair in pairs for cell in cells(batch.sweeps)]
    options = [[*shared_words, *words_of(cell)] for _, _, cell in grid]
    if batch.sweeps:
        options = effective(options, len(pairs[0][1]))
    options = [shared_out(words, [*map(len, grouped)]) for words in options]
    for index, ((content, styles, cell), common) in enumerate(zip(grid, options, strict=True), 1):
        words = [*common, "--content", _plain(content), "--style", *map(_plain, styles)]
        plain = _single(words)
        config = plain.config
        values = names_of(content, styles, plain.preset, config.size, config.seed, index)
        values |= for_names(cell) if cell else {}
        for name, text in {**batch.templates, "output": template}.items():
            path = filled(name, text, values)
            outputs.append((_described(content, styles, cell), path))
            words += [f"--{name}", _plain(literal(path))]
        request = _single(words)
        # Notes on the whole batch are printed once.
        request = replace(request, notes=request.notes if index == 1 else ())
        jobs.append(Job(request, tuple(words)))
    check_distinct(outputs)
    _check_kept(jobs, batch.overwrite)
    return jobs


def _described(content: str, styles: Sequence[str], cell: Mapping[str, str]) -> str:
    swept = "".join(f", {name} {value}" for name, value in cell.items())
    return f"{content} by {' and '.join(styles)}{swept}"


def _plain(path: str) -> str:
    """The path, spelt so that it is not taken for an option."""
    return f"./{path}" if path.startswith("-") else path


def _single(words: Sequence[str]) -> Request:
    request = parse(words)
    assert isinstance(request, Request)
    return request


def _pictures(words: Sequence[str], template: str) -> list[str]:
    """The files that words stand for, without the paintings of an earlier run."""
    folder = Path(template).parent.resolve()
    named = {word for word in words if not is_many(word)}
    pictures = []
    for path in expanded(words):
        may_be_own = path not in named and Path(path).resolve().parent == folder
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


def _check_kept(jobs: Sequence[Job], overwrite: bool) -> None:
    inputs: dict[str, str] = {}
    for job in jobs:
        masks = job.request.masks.named().values()
        for path in (job.request.content, *job.request.styles, job.request.init_image, *masks):
            if path:
                inputs[os.path.realpath(path)] = path
    for job in jobs:
        output = job.request.output
        if os.path.realpath(output) in inputs:
            raise UsageError(
                f"--output would overwrite {output}, which is painted or painted like: choose "
                "another name or folder"
            )
        if Path(output).exists() and not overwrite and not _is_own(output):
            raise UsageError(
                f"{output} exists and is no painting of jnst: choose another --output, or add "
                "--overwrite"
            )


def shared_out(words: Sequence[str], counts: Sequence[int]) -> list[str]:
    """The words with weights, scales and sizes for each picture instead of each style.

    The pictures of a folder share its weight evenly, so that their statistics are averaged, and
    have its scale and size. A single weight applies to every style.

    Args:
        words: of a command, without its pictures.
        counts: number of pictures of each style.

    Example:
        >>> shared_out(["--style-weights", "3", "1", "--style-scale", "0.5"], [2, 1])
        ['--style-scale', '0.5', '--style-weights', '1.5', '1.5', '1']
        >>> shared_out([], [2, 1]), shared_out([], [5])
        (['--style-weights', '0.5', '0.5', '1'], [])
    """
    words, styles = list(words), len(counts)
    if styles == 1 or sum(counts) == styles:
        return words
    config = config_of(words)[1]
    for field in ("style_weights", "style_scale", "style_size"):
        values, is_weight = getattr(config, field), field == "style_weights"
        if is_weight and len(values) == 1:
            values = values * styles
        if len(values) == styles:
            parts = [
                f"{value / count if is_weight else value:g}"
                for value, count in zip(values, counts, strict=True)
                for _ in range(count)
            ]
            words = [*without(words, option(field)), option(field), *parts]
    return words
