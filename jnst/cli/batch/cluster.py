"""A batch on a cluster: Dask's workers paint; this process plans, keeps the locks and tells.

Dask's scheduler moves paintings of lost workers to others. What is decided here is the order: a
worker gets, while there are some, paintings for which it has compiled the program already. All but
one that wait are here and not at a worker, so that any worker that is free can have them.
"""

import contextlib
import logging
import math
import queue
import time
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from ...files import replace_file
from ...storage import is_there
from ...wording import duration_words
from ..console import show, tell
from ..options.request import Batch
from . import worker
from .backlog import Backlog, program_of
from .failures import Failures
from .tally import Tally, Task

if TYPE_CHECKING:
    from distributed import Client, Future

_ATTEMPTS = 3  # at a painting that fails for want of room or files
_AHEAD = 1  # paintings that wait at each worker, so that it never does
_TICK_SECONDS = 0.5
_NEWS_SECONDS = 30.0
_PATIENCE_SECONDS = 600.0  # for a scheduler that is gone
HINT = "pip install 'jnst[cluster]'"


def run_on_cluster(
    batch: Batch, sha256: str, tally: Tally, tasks: Sequence[Task], stopped: Callable[[], bool]
) -> None:
    """Has the paintings made by the workers of `batch.cluster`.

    Args:
        batch: the command.
        sha256: of the network.
        tally: of the paintings.
        tasks: to be done.
        stopped: if true, what is in the making is cancelled.

    Raises:
        OSError: if Dask is not installed, no scheduler answers at first, or none for ten minutes.
    """
    driver = _Driver(batch, sha256, tally, tasks, stopped)
    met, lost = False, None
    while driver.has_work() and not stopped():
        try:
            with _connected(batch.cluster) as client:
                met, lost = True, None
                driver.drive(client)
        except OSError as error:
            now = time.monotonic()
            lost = now if lost is None else lost
            if not met or now - lost > _PATIENCE_SECONDS:
                raise OSError(
                    f"no scheduler answers at {batch.cluster}: start one by dask scheduler, or "
                    f"correct the address ({error})"
                ) from None
            driver.recall()
            if lost == now:
                tell("the scheduler does not answer: waiting for it")
            time.sleep(_TICK_SECONDS)
    driver.recall()


@contextlib.contextmanager
def _connected(address: str) -> Iterator["Client"]:
    """A client of the scheduler at an address, or of one started for the block; else OSError."""
    try:
        import distributed
    except ImportError:
        raise OSError(f"--cluster needs another package: {HINT}") from None
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("distributed"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        target: Any = address
        if address.startswith("local:"):
            target = distributed.LocalCluster(
                n_workers=int(address.removeprefix("local:")),
                threads_per_worker=1,
                # Each painting keeps to its share of the memory.
                memory_limit=0,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            )
            stack.enter_context(target)
        yield stack.enter_context(distributed.Client(target, timeout=10, set_as_default=False))


class _Flight(NamedTuple):
    """A painting at the cluster, the program that makes it and the worker it was meant for."""

    task: Task
    program: Hashable
    worker: str


class _Driver:
    """What is to be done and what is under way; see `run_on_cluster`."""

    def __init__(
        self,
        batch: Batch,
        sha256: str,
        tally: Tally,
        tasks: Sequence[Task],
        stopped: Callable[[], bool],
    ) -> None:
        self._batch, self._sha256 = batch, sha256
        self._tally, self._stopped = tally, stopped
        self._backlog = Backlog()
        self._flying: dict[Future, _Flight] = {}
        self._landed: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._programs: dict[str, set[Hashable]] = {}
        self._attempts: Counter[str] = Counter()
        self._failures = Failures()
        self._start = self._told = time.monotonic()
        self._made, self._busy = 0, 0.0
        for task in tasks:
            self._backlog.put(task, program_of(task.job))

    def has_work(self) -> bool:
        """Whether a painting is to be done or under way."""
        return bool(self._backlog or self._flying)

    def recall(self) -> None:
        """Puts back what is under way."""
        for flight in self._flying.values():
            self._tally.leave(flight.task.job)
            self._backlog.put(flight.task, flight.program)
        self._flying.clear()

    def drive(self, client: "Client") -> None:
        """Works until all is done or stopped; OSError if the scheduler is gone."""
        looked, workers = -math.inf, dict[str, int]()
        begun, self._busy = time.monotonic(), 0.0
        while self.has_work() and not self._stopped():
            if client.status != "running":
                raise ConnectionError(client.status)
            if time.monotonic() - looked > _TICK_SECONDS:
                looked, workers = time.monotonic(), dict(client.nthreads())
                for future, flight in self._flying.items():
                    if flight.worker not in workers and self._is_fixed(flight):
                        future.cancel()
            self._fill(client, workers)
            with contextlib.suppress(queue.Empty):
                self._land(self._landed.get(timeout=_TICK_SECONDS))
            self._tell_news(len(workers))
            if not self.has_work():
                for task in self._tally.waiting():
                    self._backlog.put(task, program_of(task.job))
        if self._flying:
            client.cancel(list(self._flying), force=True)
        if self._made and workers and not self._batch.quiet:
            share = self._busy / (time.monotonic() - begun) / len(workers)
            plural = "s" * (len(workers) != 1)
            tell(f"{len(workers)} worker{plural} painted for {share:.1%} of the time")

    def _fill(self, client: "Client", workers: dict[str, int]) -> None:
        """Gives each worker as many paintings as it makes at once, and a few ahead."""
        for gone in self._programs.keys() - workers:
            del self._programs[gone]
        load = Counter(flight.worker for flight in self._flying.values())
        hosts = Counter(urlsplit(address).hostname for address in workers)
        for address in workers:
            if self._failures.rests(address, workers):
                continue
            while load[address] < 1 + _AHEAD and (flight := self._next(address, workers)):
                load[address] += 1
                sharing = hosts[urlsplit(address).hostname]
                self._submit(client, flight, sharing)

    def _next(self, address: str, workers: Collection[str]) -> _Flight | None:
        """The next painting for a worker: of a program that it has, else of one that none has."""
        own, for_others = self._programs.setdefault(address, set()), list[tuple[Task, Hashable]]()
        try:
            while self._backlog:
                task, program = self._backlog.next(own, self._programs.values())
                if self._failures.excludes(address, task.job.output, workers):
                    for_others.append((task, program))
                elif self._tally.take(task):
                    own.add(program)
                    return _Flight(task, program, address)
            return None
        finally:
            for task, program in for_others:
                self._backlog.put(task, program)

    def _submit(self, client: "Client", flight: _Flight, sharing: int) -> None:
        job = flight.task.job
        try:
            order = worker.order_for(self._batch, job, self._sha256, sharing)
        except (OSError, ValueError) as error:
            self._tally.fail(job, error)
            return
        future = client.submit(
            worker.make,
            order,
            workers=[flight.worker],
            # Mostly a wish: what a lost worker had goes to any.
            allow_other_workers=not self._is_fixed(flight),
            pure=False,
        )
        self._flying[future] = flight
        future.add_done_callback(self._landed.put)

    def _is_fixed(self, flight: _Flight) -> bool:
        """Whether only the worker it is meant for may have it: one has failed at it, and Dask lets
        workers that are free take what waits at others."""
        return self._failures.has(flight.task.job.output)

    def _land(self, future: "Future") -> None:
        """Puts the outcome of a painting where it belongs."""
        flight = self._flying.pop(future, None)
        if flight is None:
            return
        made = _outcome(future)
        if made is not None:
            self._note(flight, made)
        if made is None or self._is_to_be_repeated(flight, made):
            self._backlog.put(flight.task, flight.program)
            return
        job = flight.task.job
        tell(*made.messages)
        try:
            _store(made, job.output)
        except OSError as error:
            self._tally.fail(job, error)
            return
        show(job.output)
        self._made += 1
        self._tally.end(job, made.code)

    def _note(self, flight: _Flight, made: worker.Made) -> None:
        """Counts an attempt and the worker's time, and whether it failed."""
        output = flight.task.job.output
        self._attempts[output] += 1
        self._busy += made.seconds
        address = made.worker or flight.worker
        if made.elsewhere:
            self._failures.add(address, output)
        elif made.code == 0:
            self._failures.end(address)

    def _is_to_be_repeated(self, flight: _Flight, made: worker.Made) -> bool:
        """Whether another attempt at the painting is worth it."""
        attempts = self._attempts[flight.task.job.output]
        return made.code > 128 or (made.elsewhere and attempts < _ATTEMPTS)

    def _tell_news(self, workers: int) -> None:
        now = time.monotonic()
        if now - self._told < _NEWS_SECONDS or self._batch.quiet:
            return
        self._told = now
        if not workers:
            tell("no worker is there: start one by dask worker ADDRESS")
            return
        left = len(self._tally.left)
        pace = (now - self._start) / self._made if self._made else 0.0
        more = f", {duration_words(pace * left)} to go" if pace else ""
        tell(f"{self._made} painted by {workers} workers, {left} left{more}")


def _outcome(future: "Future") -> worker.Made | None:
    """What a worker, or Dask in its place, says of a painting; None if it was cancelled."""
    if future.status == "finished":
        return future.result()
    if future.status != "error":
        return None
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        return worker.Made(1, reason="each worker that painted it was lost")
    reason = f"a worker could not paint it ({' '.join(str(error).split())})"
    return worker.Made(1, reason=reason, elsewhere=True)


def _store(made: worker.Made, output: str) -> None:
    """Writes a painting that was sent back; OSError unless it is there in the end."""
    if made.reason:
        raise OSError(made.reason)
    if made.data is not None:
        replace_file(output, made.data)
    elif not is_there(output):
        raise FileNotFoundError(
            "a worker has painted it into a folder that this machine does not see: share the "
            "folder, or add --send-back"
        )
