"""The engine that computes a picture by windows."""

from dataclasses import dataclass
from functools import partial

import jax
from jaxtyping import Array

from ...config import Config
from ...losses import Known, Targets
from ...network import Params, prepare
from ...optimize.optimizer import State
from ...optimize.steps import Evaluator
from ..engine import Engine, Scene
from ..memory import home
from . import evaluation


@dataclass(frozen=True)
class Tiled(Engine):
    """See `Engine`; `tile` is the longest side of a window, in pixels."""

    tile: int

    @property
    def objective(self) -> Evaluator:
        value_and_gradient = partial(evaluation.value_and_gradient, tile=self.tile)
        return Evaluator(value_and_gradient, partial(evaluation.objective, tile=self.tile))

    def prepare(self, params: Params, height: int, width: int, config: Config) -> Params:
        return prepare(params, self.tile, self.tile, config.precision, config.layers)

    def targets_of(
        self, params: Params, scene: Scene, config: Config, style_cache: Known | None = None
    ) -> Targets:
        content, styles, guidance = scene
        return evaluation.make_targets(
            params, content, styles, config, tile=self.tile, guidance=guidance
        )

    def place_state(self, begin: Array | State, config: Config) -> Array | State:
        height, width, _ = (begin.point if isinstance(begin, State) else begin).shape
        device = home(config, height, width)
        return begin if device is None else jax.device_put(begin, device)
