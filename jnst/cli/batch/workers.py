"""Workers of a batch: paintings distributed over devices, one at a time on each.

Each device has its own copy of the network and of the style statistics, so it never waits for
another. It also compiles its own programs: each shape is compiled once per device.
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


def share_out(
    work: Callable[[Task, Place], None],
    tasks: Iterable[Task],
    places: Sequence[Place],
    stopped: Callable[[], bool],
) -> None:
    """Calls `work(task, place)` for all tasks, each at the first free place.

    Several places have a thread each: waiting for a device, or compiling for it, does not hold
    Python's lock. With one place, everything runs in the caller's thread.

    Args:
        work: does one task.
        tasks: started in this order.
        places: each does one task at a time.
        stopped: called before each task; if true, no more tasks start.

    Raises:
        Exception: the first that `work` raises, once the other running tasks have ended.

    Example:
        >>> done = []
        >>> share_out(lambda n, place: done.append(n * place), range(4), [1, 1], lambda: False)
        >>> sorted(done)
        [0, 1, 2, 3]
    """
    queue, lock, errors = iter(tasks), threading.Lock(), list[Exception]()

    def at(place: Place) -> None:
        while not (stopped() or errors):
            with lock:
                next_task = list(itertools.islice(queue, 1))
            if not next_task:
                return
            try:
                work(next_task[0], place)
            except Exception as error:
                errors.append(error)

    if len(places) == 1:
        at(places[0])
    else:
        threads = [threading.Thread(target=at, args=(place,), daemon=True) for place in places]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]


@dataclass
class Workplace:
    """A device, or JAX's default one, with its network and style statistics.

    Attributes:
        params: the network.
        device: None for JAX's default.
        sharing: number of places that share the same memory.
        free: bytes that they may use together, or None to measure them when needed.
        style_cache: the statistics of styles, for `jnst.stylize`.
    """

    params: Params
    device: jax.Device | None = None
    sharing: int = 1
    free: int | None = None
    style_cache: dict[Any, Any] = field(default_factory=dict)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Within the block, this thread computes on the device."""
        # Computations with the network run on its device; others, such as resizing, need this.
        with jax.default_device(self.device) if self.device else nullcontext():
            yield

    def settled(self, request: Request) -> Request:
        """The request for painting beside others: quiet, and with a share of the memory.

        Progress bars and forecasts of several paintings at once would be unreadable.
        """
        if self.device is None:
            return request
        memory = request.memory or self.free
        share = memory // self.sharing if memory else None
        return replace(request, quiet=True, share=share)


def workplaces(params: Params, devices: Sequence[jax.Device]) -> list[Workplace]:
    """A place on each of two or more devices, or one place on JAX's default device.

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
    # The devices of a CPU share its memory; others have their own.
    shared = devices[0].platform == "cpu"
    free, sharing = (free_memory(), len(devices)) if shared else (None, 1)
    return [Workplace(jax.device_put(params, d), d, sharing, free) for d in devices]
