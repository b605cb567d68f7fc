"""The settings of a run: `Config` and its checks, presets of published methods, settings files.

A `Config` is a frozen value of numbers and names, checked when it is made. `PRESETS` and `preset`
give the configs of published programs; `load_config` and `save_config` read and write TOML files.
Nothing here computes with arrays.
"""

from .config import Config as Config
from .presets import DEFAULT as DEFAULT
from .presets import PRESETS as PRESETS
from .presets import preset as preset
from .toml import load_config as load_config
from .toml import save_config as save_config
