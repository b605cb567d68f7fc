"""What the command says before it compiles: the network, the size, the time and the memory."""

import functools
import os

import jax

from .arrays import Pixels
from .compute.cost import (
    expected_seconds,
    measure_speed,
    ordering_operations,
    root_operations,
    step_operations,
)
from .console import tell
from .losses import STYLE_LOSSES
from .network import Params
from .network.algorithms import share_of_direct
from .request import Request
from .transfer.sizes import painted_sizes
from .wording import duration_words, size_words


def announce(
    request: Request, params: Params, base: Pixels, shown: tuple[int, int], memory: int
) -> list[float]:
    """Tells what is about to happen; returns the work of a step at each scale."""
    config = request.config
    sizes = painted_sizes(base.shape[0], base.shape[1], config)
    layers = (*config.content_layers, *config.style_layers)
    operations = [
        step_operations(params.network, layers, *size)
        * share_of_direct(params.network, *size, config.precision, layers)
        for size in sizes
    ]
    if not STYLE_LOSSES[config.style_loss].by_sums:
        ordering = (ordering_operations(params.network, config.style_layers, *s) for s in sizes)
        operations = list(map(sum, zip(operations, ordering, strict=True)))
    if config.style_loss.startswith("wasserstein"):
        roots = (root_operations(params.network, config.style_layers, *s) for s in sizes)
        operations = list(map(sum, zip(operations, roots, strict=True)))
    if not request.quiet:
        steps = config.steps_per_scale
        seconds = expected_seconds(operations, steps, _speed())
        height, width = shown
        scales = f" over {len(sizes)} scales" if len(sizes) > 1 else ""
        by_windows = 0 < (request.tile or 0) < max(sizes[-1])
        windows = f", by windows of {request.tile} pixels" if by_windows else ""
        tell(
            f"{params.network} ({params.name}, {params.sha256[:8]}) on {_device()}; "
            f"{width}x{height} pixels, {sum(steps)} {config.optimizer} steps{scales}, "
            f"about {duration_words(seconds)} and {size_words(memory)} of memory{windows}"
        )
    return operations


@functools.cache
def _speed() -> float:
    return measure_speed()


def _device() -> str:
    device = jax.devices()[0]
    if device.platform == "cpu":
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return f"CPU with {count} cores"
    return f"{device.platform.upper()} ({device.device_kind})"
