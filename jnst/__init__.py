"""Neural style transfer in JAX, on convolutions written from scratch."""

from .compute import tiles
from .config import PRESETS, Config, load_config, preset, presets, save_config
from .images import keep_colors, match_colors, read_image, write_image
from .losses import Losses, LossWeights, Targets, loss_weights, make_targets
from .losses.objective import objective
from .network import (
    LAYERS,
    Params,
    Preprocessing,
    convert_weights,
    features,
    fetch_weights,
    find_weights,
    load_weights,
    prepare,
)
from .transfer import (
    Checkpoint,
    Progress,
    Result,
    estimate_memory,
    load_checkpoint,
    save_checkpoint,
    stylize,
)

__all__ = [
    "LAYERS",
    "PRESETS",
    "Checkpoint",
    "Config",
    "LossWeights",
    "Losses",
    "Params",
    "Preprocessing",
    "Progress",
    "Result",
    "Targets",
    "convert_weights",
    "estimate_memory",
    "features",
    "fetch_weights",
    "find_weights",
    "keep_colors",
    "load_checkpoint",
    "load_config",
    "load_weights",
    "loss_weights",
    "make_targets",
    "match_colors",
    "objective",
    "prepare",
    "preset",
    "presets",
    "read_image",
    "save_checkpoint",
    "save_config",
    "stylize",
    "tiles",
    "write_image",
]
