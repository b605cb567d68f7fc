"""The run of a batch: many paintings, where a failure does not stop the others.

Finished paintings are left alone, so the same command, given again, resumes where it ended, and
after a change of settings paints only what the change affects (see `due`).
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import jax

from ...files import make_folder, prove_folder
from ...network import Params
from ...storage import folder_of, is_remote, is_there, joined, prove_stored
from ..console import tell
from ..interrupt import Interrupt
from ..options.request import Batch, Request
from . import ledger, sheets
from .cluster import run_on_cluster
from .due import begun, is_due
from .plan import plan
from .tally import Tally, Task
from .workers import Workplace, share_out, workplaces


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
    everything = plan(batch)
    planned = sheets.planned(batch.sweeps, everything)
    jobs = [job for job in everything if batch.shard.takes(job.output)]
    say = (lambda message: None) if batch.quiet else tell
    if not jobs:
        say(f"no painting of {len(everything)} is in this share")
        return 0
    params = load(jobs[0])
    places = workplaces(params, devices[: len(jobs)])
    due = [job for job in jobs if batch.overwrite or is_due(job, params)]
    _prepare_folders(due)
    outputs = [job.output for job in everything]
    if due:
        again = [job.output for job in due if is_there(job.output)]
        ledger.write_plan(outputs, again, batch.shard.number)
    tally = Tally(jobs, params, batch.overwrite, say, explain)
    where = f" on {len(places)} devices, each on its own" if len(places) > 1 else ""
    share = f" of {len(everything)}" if batch.shard.of > 1 else ""
    paintings = f"{len(jobs)}{share} painting{'s' * (len(everything) != 1)}"
    say(f"{paintings}{where}")

    def make(task: Task, place: Workplace) -> None:
        if not tally.take(task):
            return
        try:
            request, checkpoint = begun(task.job)
            with place.entered():
                code = paint(
                    place.settled(request),
                    checkpoint,
                    params=place.params,
                    style_cache=place.style_cache,
                    interrupt=interrupt,
                )
        except Exception as error:
            tally.fail(task.job, error)
        else:
            tally.end(task.job, code)

    def summary() -> str:
        goes_on = "; the same command goes on" if tally.left else ""
        return f"{paintings}: {tally.words()}{goes_on}"

    with Interrupt(last_words=summary) as interrupt:
        tasks = [Task(number, job) for number, job in enumerate(jobs, start=1)]
        if batch.cluster:
            run_on_cluster(batch, params.sha256, tally, tasks, lambda: bool(interrupt.signal))
            tasks = []
        while tasks and not interrupt.signal:
            share_out(make, tasks, places, lambda: bool(interrupt.signal))
            tasks = tally.waiting()
        if not tally.left:
            sheets.write(planned, set(tally.painted + tally.finished), say)
            ledger.clear(outputs)
    if tally.left or tally.failed or not batch.quiet:
        tell(summary())
    return 128 + interrupt.signal if tally.left else int(bool(tally.failed))


def _prepare_folders(jobs: Sequence[Request]) -> None:
    """Makes the folders of paintings; OSError for one in which no file can be made, which would
    otherwise fail every painting in it."""
    for folder in dict.fromkeys(folder_of(job.output) for job in jobs):
        if not is_remote(folder):
            make_folder(Path(folder))
    paths = [path for job in jobs for path in (job.output, job.log, job.checkpoint) if path]
    for folder in dict.fromkeys(map(folder_of, paths)):
        if not prove_stored(joined(folder, "file")):
            prove_folder(Path(folder))
