"""The forecast of a painting, printed before it compiles, and the windows that fit in memory."""

import functools
import itertools
import os
from collections.abc import Callable
from dataclasses import replace

import jax

from ..arrays import Pixels
from ..compute import choose_engine
from ..compute.cost import expected_seconds, measure_speed, step_work
from ..compute.memory import devices_memory, mask_memory
from ..config import Config
from ..network import Params
from ..system import free_memory, total_memory
from ..transfer import estimate_memory
from ..transfer.budget import choose
from ..transfer.sizes import painted_size, plan_scales, target_sizes
from ..wording import about, duration_words, field_of, size_words
from .console import tell
from .distributed import chosen
from .limits import check_bands, enough_pairs
from .options.request import Request
from .options.words import UsageError, in_options


def announce(
    request: Request,
    params: Params,
    base: Pixels,
    shown: tuple[int, int],
    memory: int,
    done: int,
) -> list[float]:
    """Prints the forecast of what is left after `done` steps; returns the work of a step at each
    scale."""
    config = request.config
    planned = plan_scales(base.shape, config)
    sizes = [scale.painted for scale in planned]
    operations = [step_work(params.network, config, *size, request.tile) for size in sizes]
    if not request.quiet:
        steps = config.steps_per_scale
        ends = itertools.accumulate(steps)
        left = [min(count, max(0, end - done)) for count, end in zip(steps, ends, strict=True)]
        seconds = expected_seconds(operations, left, speed())
        height, width = shown
        scales = f" over {len(sizes)} scales" if len(sizes) > 1 else ""
        last, bucket = planned[-1], ""
        if last.size != shown:
            bucket = f" (worked on as {last.width}x{last.height}, by --bucket {request.bucket})"
        by_windows = 0 < (request.tile or 0) < max(sizes[-1])
        windows = f", by windows of {request.tile} pixels" if by_windows else ""
        tell(
            f"{network_words(params)}; "
            f"{width}x{height} pixels{bucket}, {sum(steps)} {config.optimizer} steps{scales}, "
            f"about {duration_words(seconds)} and {size_words(memory)} of memory{windows}"
        )
    return operations


@functools.cache
def speed() -> float:
    """Operations a second, measured once."""
    return measure_speed()


def network_words(params: Params) -> str:
    """The network, its weights, and the device that JAX has chosen."""
    return f"{params.network} ({params.name}, {params.sha256[:8]}) on {_device_words()}"


def _device_words() -> str:
    device = jax.devices()[0]
    if device.platform == "cpu":
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return f"CPU with {count} cores"
    return f"{device.platform.upper()} ({device.device_kind})"


def fitted(
    request: Request, params: Params, base: Pixels, say: Callable[[str], None]
) -> tuple[Request, dict[str, int], int]:
    """The request with tile and history chosen; what of these the memory decided, now or when the
    run was begun; and the bytes needed."""
    settled = dict(request.settled)
    config = replace(request.config, history=settled.get("history", request.config.history))
    if request.tile is not None:
        settled.pop("tile", None)
    if config.optimizer == "lbfgs":
        config = replace(config, history=enough_pairs(config.history, config.steps_per_scale))
    sizes = target_sizes(base.shape[0], base.shape[1], config)
    height, width = max(sizes, key=lambda size: size[0] * size[1])
    regions, keep = len(request.masks.content), request.masks.keep is not None
    masks = mask_memory(config, height, width, network=params.network, regions=regions, keep=keep)
    windows = settled.get("tile", request.tile)
    if windows is not None or request.devices.several:
        tile = windows or None
        devices = chosen(request.devices) if request.devices.several else ()
        painted = painted_size(height, width, config)
        if devices:
            check_bands(request, painted[0], len(devices))
        try:
            choose_engine(config, tile, devices, painted)
        except ValueError as error:
            raise UsageError(in_options(error), field_of(error)) from None
        needed = estimate_memory(config, height, width, network=params.network, tile=tile)
        needed += devices_memory(params.network, devices) + masks
        if devices and needed > total_memory():
            raise UsageError(
                f"--devices gives {len(devices)}, which need {size_words(needed)} of memory, and "
                f"there are {size_words(total_memory())}: give fewer"
            )
        settled |= _history(request, config)
        return replace(request, config=config, tile=windows), settled, needed
    memory = (request.share or request.memory or free_memory()) - masks
    with about("size"):
        choice = choose(config, height, width, network=params.network, memory=memory)
    if choice.history != config.history:
        say(
            f"note: L-BFGS remembers {choice.history} pairs of steps, not {config.history}, to "
            f"fit into {size_words(memory)}"
        )
        config = replace(config, history=choice.history)
    # A resumed run must use the same windows, however much memory is free then.
    settled |= {"tile": choice.tile or 0} | _history(request, config)
    return replace(request, config=config, tile=choice.tile or 0), settled, choice.memory + masks


def _history(request: Request, config: Config) -> dict[str, int]:
    """The history, if it is not the one asked for."""
    return {} if config.history == request.config.history else {"history": config.history}
