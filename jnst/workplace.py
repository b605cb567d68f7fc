"""Where the paintings of a batch are made: on JAX's choice of a device, or one on each of several.

A device that makes a painting alone has the network and the statistics of the styles for itself,
so it waits for no other. What it compiles is compiled for it: of one shape once on each device.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import jax

from .network import Params
from .request import Request
from .system import free_memory


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
