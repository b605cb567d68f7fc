"""The run of a batch: many paintings, where a failure does not stop the others.

Finished paintings are left alone: a painting stores the recipe that made it (see
`jnst.cli.output.recipe`) and whether it was interrupted. So the same command, given again, resumes
where it ended, and after a change of settings paints only what the change affects.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jax

from ...files import make_folder, prove_folder
from ...images import read_parameters
from ...network import Params
from ...transfer import Checkpoint, load_checkpoint
from ..console import show, tell
from ..interrupt import Interrupt
from ..options.request import Batch, Request
from ..output import recipe
from ..pictures import read_picture
from ..resume import continued_job
from . import sheets
from .plan import plan
from .workers import Workplace, share_out, workplaces

_SHOWN = 3


@dataclass
class _Tally:
    """The outputs of a batch, sorted by outcome."""

    painted: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def put(self, output: str, outcome: list[str]) -> None:
        """Moves an output from `left` to the list of its outcome."""
        self.left.remove(output)
        outcome.append(output)

    def words(self) -> str:
        """
        >>> _Tally(["a.png"], [], ["b.png"], []).words()
        '1 painted, 1 failed (b.png)'
        """
        parts = [f"{len(self.painted)} painted"]
        if self.finished:
            parts.append(f"{len(self.finished)} finished before")
        for outputs, word in ((self.failed, "failed"), (self.left, "left")):
            if outputs:
                more = f" and {len(outputs) - _SHOWN} more" if len(outputs) > _SHOWN else ""
                parts.append(f"{len(outputs)} {word} ({', '.join(outputs[:_SHOWN])}{more})")
        return ", ".join(parts)


def run(
    batch: Batch,
    paint: Callable[..., int],
    load: Callable[[Request], Params],
    explain: Callable[[Exception], str],
    devices: Sequence[jax.Device] = (),
) -> int:
    """Makes the paintings of a batch; returns 0, 1 if any failed, 128 + n after signal n.

    Args:
        batch: the command.
        paint: makes one painting: (request, checkpoint, params=, style_cache=, interrupt=) -> exit
            code.
        load: loads the network that a request names.
        explain: turns an error into one line.
        devices: if two or more, each makes one painting at a time.

    Raises:
        UsageError, OSError, ValueError: before anything is painted, if the command is wrong, a
            folder is empty or cannot be written, or the network cannot be loaded.
    """
    jobs = plan(batch)
    planned = sheets.planned(batch.sweeps, jobs)
    params = load(jobs[0])
    places = workplaces(params, devices[: len(jobs)])
    _prepare_folders([job for job in jobs if batch.overwrite or _is_due(job, params)])
    tally = _Tally(left=[job.output for job in jobs])
    say = (lambda message: None) if batch.quiet else tell
    where = f" on {len(places)} devices, each on its own" if len(places) > 1 else ""
    paintings = f"{len(jobs)} painting{'s' * (len(jobs) != 1)}"
    say(f"{paintings}{where}")

    def make(numbered: tuple[int, Request], place: Workplace) -> None:
        number, job = numbered
        output, code = job.output, 0
        try:
            why = "" if batch.overwrite else _why(job, params)
            if why is None:
                show(output)
                tally.put(output, tally.finished)
                return
            say(f"painting {number} of {len(jobs)}: {output}{why}")
            request, checkpoint = _begun(job)
            with place.entered():
                code = paint(
                    place.settled(request),
                    checkpoint,
                    params=place.params,
                    style_cache=place.style_cache,
                    interrupt=interrupt,
                )
        except Exception as error:
            if os.environ.get("JNST_DEBUG"):
                raise
            tell(f"error: {output}: {explain(error)}")
            code = 1
        if code <= 128:
            tally.put(output, tally.failed if code else tally.painted)

    def summary() -> str:
        goes_on = "; the same command goes on" if tally.left else ""
        return f"{paintings}: {tally.words()}{goes_on}"

    with Interrupt(last_words=summary) as interrupt:
        share_out(make, enumerate(jobs, start=1), places, lambda: bool(interrupt.signal))
        if not tally.left:
            sheets.write(planned, say)
    if tally.left or tally.failed or not batch.quiet:
        tell(summary())
    return 128 + interrupt.signal if tally.left else int(bool(tally.failed))


def _prepare_folders(jobs: Sequence[Request]) -> None:
    """Makes the folders of paintings; OSError for one in which no file can be made, which would
    otherwise fail every painting in it."""
    for folder in dict.fromkeys(Path(job.output).parent for job in jobs):
        make_folder(folder)
    paths = [path for job in jobs for path in (job.output, job.log, job.checkpoint) if path]
    for folder in dict.fromkeys(Path(path).parent for path in paths):
        prove_folder(folder)


def _is_due(request: Request, params: Params) -> bool:
    try:
        return _outdated(request, params) is not None
    except (OSError, ValueError):  # which is told when its turn comes
        return True


def _why(request: Request, params: Params) -> str | None:
    """Why a painting must be made, for the user: "" if it is new; None if it is finished."""
    why = _outdated(request, params)
    if why is None:
        try:
            read_picture(request.output, request)
        except ValueError:
            return ", which is here but damaged"
    return why


def _outdated(request: Request, params: Params) -> str | None:
    """As `_why`, but for damage."""
    if not Path(request.output).exists():
        return ""
    stored = read_parameters(request.output)
    if stored.get("recipe") != recipe(request, params):
        return ", which is here by other settings or of other pictures"
    if "step" in stored:
        return f", which was stopped at step {stored['step']}"
    return None


def _begun(request: Request) -> tuple[Request, Checkpoint | None]:
    """A request and the checkpoint that it goes on from, if there is one."""
    path = request.checkpoint
    if path is None or not Path(path).exists():
        return request, None
    checkpoint = load_checkpoint(path)
    return continued_job(request, path, checkpoint.notes), checkpoint
