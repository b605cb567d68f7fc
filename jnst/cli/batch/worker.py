"""A worker of a cluster: what one process of Dask does with the paintings it is given.

It loads a network once, and keeps its compiled programs and the statistics of styles. It paints one
picture at a time, whatever number of threads it was started with: a device, or the cores of a
machine, are busy with one.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import jax

from ...files import readable_path
from ...network import Params
from ...storage import lent, open_stored
from ...system import free_memory, program_version
from .. import compilation_cache
from ..console import explain, heard
from ..interrupt import Interrupt
from ..options.request import Batch, Request
from ..paint import load_network, paint
from .due import begun, why
from .workers import Workplace

_CANCELLED = 15  # as SIGTERM
_ALONE = threading.Lock()
_PLACES: dict[tuple[Any, ...], Workplace] = {}


class Order(NamedTuple):
    """A painting to be made by a worker.

    Attributes:
        request: of the painting.
        sha256: of the driver's network.
        version: of the driver's program.
        program: its name, for the command that the painting stores.
        anew: whether it is made even if it is there.
        folder: the current one of the driver, to which paths are relative.
        sharing: number of workers on the machine.
        pictures: the inputs by their paths, where the painting is to be sent back.
    """

    request: Request
    sha256: str
    version: str
    program: str
    anew: bool
    folder: str
    sharing: int = 1
    pictures: Mapping[str, bytes] | None = None


def order_for(batch: Batch, job: Request, sha256: str, sharing: int) -> Order:
    """The order for a painting of a batch, as the driver gives it.

    Raises:
        OSError, ValueError: if the painting is to be sent back, and a picture cannot be read here.
    """
    paths = (job.content, *job.styles, job.init_image, *job.masks.named().values())
    pictures = {path: _read(path) for path in paths if path} if batch.send_back else None
    version, program, folder = program_version(), sys.argv[0], str(Path.cwd())
    return Order(job, sha256, version, program, batch.overwrite, folder, sharing, pictures)


def _read(path: str) -> bytes:
    stored = open_stored(path)
    return readable_path(path).read_bytes() if stored is None else stored.getvalue()


class Made(NamedTuple):
    """What became of an order.

    Attributes:
        code: as of a run, see `jnst.cli.command`.
        messages: told by the run.
        reason: why it failed, "" if it did not.
        elsewhere: whether another worker may succeed: this one has no room on its disk or in its
            memory, or has another network or version.
        data: the painting, if it is to be sent back.
        seconds: that it took.
        worker: its address, "" outside of Dask.
    """

    code: int
    messages: tuple[str, ...] = ()
    reason: str = ""
    elsewhere: bool = False
    data: bytes | None = None
    seconds: float = 0.0
    worker: str = ""


def make(order: Order) -> Made:
    """Makes a painting on the worker that calls this; errors become a part of the answer."""
    with _ALONE, heard() as messages:
        start = time.monotonic()
        try:
            made = _make(order)
        except Exception as error:
            reason = explain(error)
            elsewhere = isinstance(error, (OSError, MemoryError)) or "out of memory" in reason
            made = Made(1, reason=reason, elsewhere=elsewhere)
        seconds = time.monotonic() - start
        return made._replace(messages=tuple(messages), seconds=seconds, worker=_address())


def _make(order: Order) -> Made:
    if order.version != program_version():
        reason = f"a worker has jnst {program_version()}, and the driver {order.version}"
        return Made(1, reason=reason, elsewhere=True)
    if not order.pictures:
        try:
            os.chdir(order.folder)  # one painting at a time is made here
        except OSError:
            reason = f"a worker has no folder {order.folder!r}: share it, or add --send-back"
            return Made(1, reason=reason, elsewhere=True)
    place = _place(order.request)
    if place.params.sha256 != order.sha256:
        return Made(1, reason="a worker has another network than the driver", elsewhere=True)
    with contextlib.ExitStack() as stack:
        written = stack.enter_context(lent(order.pictures)) if order.pictures else {}
        # The message that it was finished may have been lost with the worker that made it.
        if not (order.anew or order.pictures) and why(order.request, place.params) is None:
            return Made(0)
        request, checkpoint = begun(order.request)
        free = place.free if jax.default_backend() == "cpu" else None
        memory = request.memory or free
        code = paint(
            replace(request, quiet=True, share=memory // order.sharing if memory else None),
            checkpoint,
            params=place.params,
            style_cache=place.style_cache,
            interrupt=_Cancelled(),
            program=order.program,
        )
        reason = "" if code != 1 else "it could not be written where it belongs"
        return Made(code, reason=reason, elsewhere=code == 1, data=written.get(request.output))


def _address() -> str:
    from distributed import get_worker

    try:
        return str(get_worker().address)
    except ValueError:
        return ""


def _place(request: Request) -> Workplace:
    """This worker's network and statistics for a request."""
    key = (request.architecture, request.weights, request.preprocess)
    if key not in _PLACES:
        if not _PLACES:
            compilation_cache.turn_on()
            _use_all_cores()
        params: Params = load_network(request)
        _PLACES[key] = Workplace(params, free=free_memory())
    return _PLACES[key]


def _use_all_cores() -> None:
    """Gives NumPy's matrix products the threads that they have outside of Dask, which allows one.

    Their number decides how sums are rounded: paintings would differ from those of other runs.
    """
    import scipy.linalg  # noqa: F401  # which brings a library of its own
    import threadpoolctl

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threadpoolctl.threadpool_limits(cores, user_api="blas")


class _Cancelled(Interrupt):
    """Stops the painting after the step in which its driver has cancelled it, or has gone."""

    def __init__(self) -> None:
        from distributed import get_worker

        self._worker = get_worker()
        self._key = self._worker.get_current_task()

    @property
    def signal(self) -> int:
        """15 once the task is cancelled, 0 before."""
        state = self._worker.state.tasks.get(self._key)
        return _CANCELLED if state is None or state.state == "cancelled" else 0

    @signal.setter
    def signal(self, number: int) -> None:
        raise AttributeError(number)
