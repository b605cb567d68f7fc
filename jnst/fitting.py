"""How a painting of the command fits into memory: whole or by windows, and what is remembered."""

from collections.abc import Callable
from dataclasses import replace

from .arrays import Pixels
from .compute import check_way
from .compute.memory import mask_memory
from .device_options import chosen
from .network import Params
from .parser import UsageError
from .request import Request
from .run_options import in_options
from .system import free_memory
from .transfer import estimate_memory
from .transfer.budget import choose
from .transfer.sizes import painted_size, target_sizes
from .wording import size_words


def fitted(
    request: Request, params: Params, base: Pixels, say: Callable[[str], None]
) -> tuple[Request, list[str], int]:
    """The request with its tile and history settled; words that settle them; bytes needed."""
    config = request.config
    sizes = target_sizes(base.shape[0], base.shape[1], config)
    height, width = max(sizes, key=lambda size: size[0] * size[1])
    regions, keep = len(request.masks.content), request.masks.keep is not None
    masks = mask_memory(config, height, width, network=params.network, regions=regions, keep=keep)
    if request.tile is not None or request.devices.several:
        tile = request.tile or None
        devices = len(chosen(request.devices)) if request.devices.several else 1
        try:
            check_way(config, [painted_size(height, width, config)], tile, devices)
        except ValueError as error:
            raise UsageError(in_options(str(error))) from None
        needed = estimate_memory(config, height, width, network=params.network, tile=tile)
        return request, [], needed + masks
    memory = (request.memory or free_memory()) - masks
    choice = choose(config, height, width, network=params.network, memory=memory)
    # A run that goes on must be computed as it was begun, whatever is free then.
    words = ["--tile", str(choice.tile or 0)]
    if choice.history != config.history:
        say(
            f"note: L-BFGS remembers {choice.history} pairs of steps, not {config.history}, to "
            f"fit into {size_words(memory)}"
        )
        words += ["--history", str(choice.history)]
        config = replace(config, history=choice.history)
    return replace(request, config=config, tile=choice.tile or 0), words, choice.memory + masks
