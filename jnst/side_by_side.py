"""Tasks shared out between places, such as paintings between devices: one at a time at each."""

import itertools
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

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
