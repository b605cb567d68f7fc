"""Neural style transfer in JAX, on convolutions written from scratch."""

from .compute import tiles as tiles
from .config import PRESETS as PRESETS
from .config import Config as Config
from .config import load_config as load_config
from .config import preset as preset
from .config import presets as presets
from .config import save_config as save_config
from .images import keep_colors as keep_colors
from .images import match_colors as match_colors
from .images import read_image as read_image
from .images import write_image as write_image
from .losses import Losses as Losses
from .losses import LossWeights as LossWeights
from .losses import Targets as Targets
from .losses import loss_weights as loss_weights
from .losses import make_targets as make_targets
from .losses.objective import objective as objective
from .network import LAYERS as LAYERS
from .network import Params as Params
from .network import Preprocessing as Preprocessing
from .network import convert_weights as convert_weights
from .network import features as features
from .network import fetch_weights as fetch_weights
from .network import find_weights as find_weights
from .network import load_weights as load_weights
from .network import prepare as prepare
from .transfer import Checkpoint as Checkpoint
from .transfer import Progress as Progress
from .transfer import Result as Result
from .transfer import estimate_memory as estimate_memory
from .transfer import load_checkpoint as load_checkpoint
from .transfer import save_checkpoint as save_checkpoint
from .transfer import stylize as stylize

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
    "read_image",
    "save_checkpoint",
    "save_config",
    "stylize",
    "write_image",
]
