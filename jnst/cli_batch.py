"""Many paintings in one run: planned before the first, and none stops the others.

What is finished is left alone: a painting says of itself by which recipe it was made (see
`run_files.recipe`) and whether it was broken off. So the same command, given again, goes on where
it ended, and after a change of settings it paints what the change concerns.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jax

from . import cli_sweep
from .arguments import parse
from .batch import (
    SWEPT_NAME,
    Batch,
    as_template,
    check_distinct,
    expanded,
    filled,
    is_many,
    literal,
    paired,
)
from .batch import names as names_of
from .console import Interrupt, tell
from .folder_styles import shared_out
from .images import read_parameters
from .network import Params
from .parser import UsageError
from .request import Request, Resume
from .resuming import continued
from .run_files import recipe
from .side_by_side import share_out
from .streams import read_picture
from .sweep import cells, effective, for_names, words_of
from .transfer import load_checkpoint
from .workplace import Workplace, workplaces

_SHOWN = 3


@dataclass(frozen=True)
class Job:
    """One painting of a batch: what it asks for, and the words that would make it alone."""

    request: Request
    words: tuple[str, ...]


@dataclass
class _Tally:
    """The outputs of a batch by how they ended."""

    painted: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def put(self, output: str, ended: list[str]) -> None:
        """Takes an output from those that are left."""
        self.left.remove(output)
        ended.append(output)

    def words(self) -> str:
        """
        >>> _Tally(["a.png"], [], ["b.png"], []).words()
        '1 painted, 1 failed (b.png)'
        """
        parts = [f"{len(self.painted)} painted"]
        if self.finished:
            parts.append(f"{len(self.finished)} finished before")
        for count, word in ((self.failed, "failed"), (self.left, "left")):
            if count:
                more = f" and {len(count) - _SHOWN} more" if len(count) > _SHOWN else ""
                parts.append(f"{len(count)} {word} ({', '.join(count[:_SHOWN])}{more})")
        return ", ".join(parts)


def run(
    batch: Batch,
    paint: Callable[..., int],
    load: Callable[[Request], Params],
    explain: Callable[[Exception], str],
    devices: Sequence[jax.Device] = (),
) -> int:
    """Makes the paintings of a batch and returns the exit code: 1 if any failed.

    Args:
        batch: the command.
        paint: makes one painting: (request, words, checkpoint, params=, known=, interrupt=) -> exit
            code.
        load: reads the network that a request names.
        explain: an error in one line.
        devices: two or more that make a painting each, in turn.

    Raises:
        UsageError, OSError, ValueError: before anything is painted, if the command cannot be meant
            so, a folder is empty, or the network cannot be had.
    """
    jobs = plan(batch)
    sheets = cli_sweep.planned(batch.sweeps, [job.request for job in jobs])
    params = load(jobs[0].request)
    places = workplaces(params, devices[: len(jobs)])
    tally = _Tally(left=[job.request.output for job in jobs])
    say = (lambda message: None) if batch.quiet else tell
    where = f" on {len(places)} devices, each on its own" if len(places) > 1 else ""
    say(f"{len(jobs)} paintings{where}")

    def make(numbered: tuple[int, Job], place: Workplace) -> None:
        number, job = numbered
        output, code = job.request.output, 0
        try:
            why = "" if batch.overwrite else _why(job.request, params)
            if why is None:
                tally.put(output, tally.finished)
                return
            say(f"painting {number} of {len(jobs)}: {output}{why}")
            Path(output).parent.mkdir(parents=True, exist_ok=True)
            request, *begun = _begun(job)
            with place.entered():
                code = paint(
                    place.settled(request),
                    *begun,
                    params=place.params,
                    known=place.known,
                    interrupt=interrupt,
                )
        except Exception as error:
            if os.environ.get("JNST_DEBUG"):
                raise
            tell(f"error: {output}: {explain(error)}")
            code = 1
        if code <= 128:
            tally.put(output, tally.failed if code else tally.painted)

    with Interrupt() as interrupt:
        try:
            share_out(make, enumerate(jobs, start=1), places, lambda: bool(interrupt.signal))
            if not tally.left:
                cli_sweep.write(sheets)
        finally:
            # Also after a second Ctrl-C.
            goes_on = "; the same command goes on" if tally.left else ""
            if tally.left or tally.failed or not batch.quiet:
                tell(f"{len(jobs)} paintings: {tally.words()}{goes_on}")
    return 128 + interrupt.signal if tally.left else int(bool(tally.failed))


def plan(batch: Batch) -> list[Job]:
    """All paintings of a batch, in order.

    Raises:
        UsageError: for wrong options, for two paintings with one name, for one that would replace
            a picture that is read, or, without `--overwrite`, a file that jnst did not make.
        FileNotFoundError: if a folder or pattern has no picture.
    """
    named = {"name": SWEPT_NAME} if batch.sweeps else {}
    template = as_template(batch.templates.get("output"), many=True, **named)
    contents = _pictures(batch.contents, template)
    groups = [batch.styles] if batch.combine != "blend" else [(word,) for word in batch.styles]
    grouped = [_pictures(words, template) for words in groups]
    pairs = paired(contents, [path for group in grouped for path in group], batch.combine)
    shared = list(batch.words)
    shared += ["--bucket", str(batch.bucket)] if batch.bucket > 1 else []
    shared += ["--blend"] if batch.combine == "blend" and len(pairs[0][1]) > 1 else []
    jobs, places = [], []
    grid = [(*pair, cell) for pair in pairs for cell in cells(batch.sweeps)]
    tried = [[*shared, *words_of(cell)] for _, _, cell in grid]
    if batch.sweeps:
        tried = effective(tried, len(pairs[0][1]))
    tried = [shared_out(words, [*map(len, grouped)]) for words in tried]
    for index, ((content, styles, cell), common) in enumerate(zip(grid, tried, strict=True), 1):
        words = [*common, "--content", _plain(content), "--style", *map(_plain, styles)]
        plain = _single(words)
        config = plain.config
        values = names_of(content, styles, plain.preset, config.size, config.seed, index)
        values |= for_names(cell) if cell else {}
        for name, text in {**batch.templates, "output": template}.items():
            path = filled(name, text, values)
            places.append((_described(content, styles, cell), path))
            words += [f"--{name}", _plain(literal(path))]
        request = _single(words)
        # What holds for all is told once.
        request = replace(request, notes=request.notes if index == 1 else ())
        jobs.append(Job(request, tuple(words)))
    check_distinct(places)
    _check_kept(jobs, batch.overwrite)
    return jobs


def _described(content: str, styles: Sequence[str], cell: Mapping[str, str]) -> str:
    swept = "".join(f", {name} {value}" for name, value in cell.items())
    return f"{content} by {' and '.join(styles)}{swept}"


def _plain(path: str) -> str:
    """A path that is not taken for an option."""
    return f"./{path}" if path.startswith("-") else path


def _single(words: Sequence[str]) -> Request:
    request = parse(words)
    assert isinstance(request, Request)
    return request


def _pictures(words: Sequence[str], template: str) -> list[str]:
    """The files that words stand for, without the paintings of an earlier run among them."""
    folder = Path(template).parent.resolve()
    named = {word for word in words if not is_many(word)}
    kept = []
    for path in expanded(words):
        may_be_own = path not in named and Path(path).resolve().parent == folder
        if not (may_be_own and _is_own(path)):
            kept.append(path)
    if not kept:
        raise FileNotFoundError(f"{' '.join(words)} holds nothing but paintings of jnst")
    return kept


def _is_own(path: str) -> bool:
    try:
        return read_parameters(path).get("software", "").startswith("jnst ")
    except (OSError, ValueError):
        return False


def _check_kept(jobs: Sequence[Job], overwrite: bool) -> None:
    read: dict[str, str] = {}
    for job in jobs:
        masks = job.request.masks.named().values()
        for path in (job.request.content, *job.request.styles, job.request.init_image, *masks):
            if path:
                read[os.path.realpath(path)] = path
    for job in jobs:
        output = job.request.output
        if os.path.realpath(output) in read:
            raise UsageError(
                f"--output would overwrite {output}, which is painted or painted like: choose "
                "another name or folder"
            )
        if Path(output).exists() and not overwrite and not _is_own(output):
            raise UsageError(
                f"{output} exists and is no painting of jnst: choose another --output, or add "
                "--overwrite"
            )


def _why(request: Request, params: Params) -> str | None:
    """Why a painting is to be made, in words for a person: none if it is new, None if finished."""
    if not Path(request.output).exists():
        return ""
    found = read_parameters(request.output)
    if found.get("recipe") != recipe(request, params):
        return ", which is here by other settings or of other pictures"
    if "step" in found:
        return f", which was stopped at step {found['step']}"
    try:
        read_picture(request.output, request)
    except ValueError:
        return ", which is here but damaged"
    return None


def _begun(job: Job) -> tuple[Any, ...]:
    """The arguments of `paint`: from the start, or from where a checkpoint stands."""
    path = job.request.checkpoint
    if path is None or not Path(path).exists():
        return job.request, job.words
    checkpoint = load_checkpoint(path)
    asked = Resume(path, (*job.words, "--resume", path), job.request.quiet)
    return (*continued(asked, checkpoint.notes), checkpoint)
