"""The engine's protocol: what computes an objective of pictures, and everything that it needs."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from jaxtyping import Array

from ..arrays import Image, Pixels
from ..config import Config
from ..losses import Known, Targets
from ..losses.guidance import EVERYWHERE, Guidance
from ..network import Params
from ..optimize.optimizer import State
from ..optimize.steps import Evaluator, Objective


class Scene(NamedTuple):
    """The pictures of one scale.

    Attributes:
        content: [H, W, 3], with its margin.
        styles: [h, w, 3] each.
        guidance: which style acts where.
    """

    content: Pixels
    styles: Sequence[Pixels]
    guidance: Guidance = EVERYWHERE


class Engine(Protocol):
    """One way of computing a scale: `Whole`, `Tiled` or `Sharded`; `choose_engine` chooses.

    All give the same numbers, up to rounding.
    """

    @property
    def objective(self) -> Objective | Evaluator:
        """(image, params, targets, weights) -> (total, Losses), or what computes its gradient."""

    @property
    def compiles_step(self) -> bool:
        """Whether the optimiser's step is one program with the objective, known by its shapes."""

    def prepare(self, params: Params, height: int, width: int, config: Config) -> Params:
        """The network, made ready for pictures of this size."""

    def targets_of(
        self, params: Params, scene: Scene, config: Config, known: Known | None = None
    ) -> Targets:
        """What the image is compared with; statistics of styles are kept in `known`."""

    def place(self, tree: Any) -> Any:
        """The arrays of a tree, on the devices that compute."""

    def place_state(self, begin: Array | State, config: Config) -> Array | State:
        """A first image or a state, on the device that holds the optimiser's state."""

    def diagnose(self, image: Image, *args: Any) -> str:
        """Where the objective of that image leaves the finite numbers, "" if unknown."""
