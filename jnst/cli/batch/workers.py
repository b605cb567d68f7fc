"""Workers of a batch: paintings shared out between devices, one at a time on each.

A device that makes a painting alone has the network and the statistics of the styles for itself,
so it waits for no other. What it compiles is compiled for it: of one shape once on each device.
"""

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import jax

from ...network import Params
from ...system import free_memory
from ..options.request import Request

Task = TypeVar("Task")
Place = TypeVar("Place")

_NAME = "jnst-place"
_SECONDS = 0.2


def share_out(
    work: Callable[[Task, Place], None],
    tasks: Iterable[Task],
    places: Sequence[Place],
    stopped: Callable[[], bool],
) -> None:
    """Calls `work(task, place)` for all tasks, each at the place that is free first.

    Of several places each has a thread of its own: what waits for a device, or compiles for it,
    does not hold Python's lock. Of one place everything happens in the caller's thread.

    Args:
        work: does one task.
        tasks: begun in this order.
        places: where they are done.
        stopped: asked before each task: whether no more shall begin.

    Raises:
        Exception: the first that `work` raises, once what else is under way has ended.
        KeyboardInterrupt: at once; what is under way is then left to itself (`under_way`).

    Example:
        >>> done = []
        >>> share_out(lambda n, place: done.append(n * place), range(4), [1, 1], lambda: False)
        >>> sorted(done)
        [0, 1, 2, 3]
    """
    queue, lock, raised = iter(tasks), threading.Lock(), list[Exception]()

    def at(place: Place) -> None:
        while not (stopped() or raised):
            with lock:
                found = list(itertools.islice(queue, 1))
            if not found:
                return
            try:
                work(found[0], place)
            except Exception as error:
                raised.append(error)

    if len(places) == 1:
        at(places[0])
    else:
        threads = [
            threading.Thread(target=at, args=(place,), name=_NAME, daemon=True) for place in places
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                # Signals are handled between two of these.
                thread.join(_SECONDS)
    if raised:
        raise raised[0]


def under_way() -> bool:
    """Whether threads of `share_out` are still at work, as after a KeyboardInterrupt."""
    return any(thread.name == _NAME for thread in threading.enumerate())


@dataclass
class Workplace:
    """A device, or JAX's own choice, and what lies on it.

    Attributes:
        params: the network.
        device: None for JAX's own choice.
        sharing: how many places there are in the same memory.
        free: bytes that may be used there by all of them, None to look when they are needed.
        known: the statistics of styles, for `jnst.stylize`.
    """

    params: Params
    device: jax.Device | None = None
    sharing: int = 1
    free: int | None = None
    known: dict[Any, Any] = field(default_factory=dict)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """In the block, this thread computes here."""
        # What is given the network follows it; the rest, such as a resized picture, is told so.
        with jax.default_device(self.device) if self.device else nullcontext():
            yield

    def settled(self, request: Request) -> Request:
        """The request as it is painted here: beside others, quietly and with a part of the memory.

        Bars and estimates of several paintings at once would be no help to a reader.
        """
        if self.device is None:
            return request
        memory = request.memory or self.free
        part = memory // self.sharing if memory else None
        return replace(request, quiet=True, memory=part)


def workplaces(params: Params, devices: Sequence[jax.Device]) -> list[Workplace]:
    """A place on each of two or more devices, or one on JAX's own choice.

    Example:
        >>> import jnst
        >>> params = jnst.load_weights("vgg16")
        >>> [place.device for place in workplaces(params, [])]
        [None]
        >>> len(workplaces(params, jax.devices() * 2))
        2
    """
    if len(devices) < 2:
        return [Workplace(params)]
    # The devices of a CPU have its memory together, others their own.
    together = devices[0].platform == "cpu"
    free, sharing = (free_memory(), len(devices)) if together else (None, 1)
    return [Workplace(jax.device_put(params, d), d, sharing, free) for d in devices]
