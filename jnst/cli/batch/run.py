"""The run of a batch: many paintings, none of which stops the others.

What is finished is left alone: a painting says of itself by which recipe it was made (see
`jnst.cli.output.recipe`) and whether it was broken off. So the same command, given again, goes on
where it ended, and after a change of settings it paints what the change concerns.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax

from ...images import read_parameters
from ...network import Params
from ...transfer import load_checkpoint
from ..console import Interrupt, tell
from ..options.request import Batch, Request, Resume
from ..output import recipe
from ..pictures import read_picture
from ..resume import continued
from . import sheets
from .plan import Job, plan
from .workers import Workplace, share_out, workplaces

_SHOWN = 3


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
    planned = sheets.planned(batch.sweeps, [job.request for job in jobs])
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
                sheets.write(planned)
        finally:
            # Also after a second Ctrl-C.
            goes_on = "; the same command goes on" if tally.left else ""
            if tally.left or tally.failed or not batch.quiet:
                tell(f"{len(jobs)} paintings: {tally.words()}{goes_on}")
    return 128 + interrupt.signal if tally.left else int(bool(tally.failed))


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
