"""The protocol of engines, which compute an objective of pictures and its targets."""

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
        content: [H, W, 3], margin included.
        styles: [h, w, 3] each.
        guidance: the regions of the styles.
    """

    content: Pixels
    styles: Sequence[Pixels]
    guidance: Guidance = EVERYWHERE


class Engine(Protocol):
    """A method of computing a scale: `Whole`, `Tiled` or `Sharded`; see `choose_engine`.

    All engines give the same numbers, up to rounding.
    """

    @property
    def objective(self) -> Objective | Evaluator:
        """(image, params, targets, weights) -> (total, Losses), or an evaluator of its gradient."""

    @property
    def compiles_step(self) -> bool:
        """Whether step and objective compile into one program, from the shapes of its arguments."""

    def prepare(self, params: Params, height: int, width: int, config: Config) -> Params:
        """The network, prepared for pictures of this size."""

    def targets_of(
        self, params: Params, scene: Scene, config: Config, known: Known | None = None
    ) -> Targets:
        """The targets of a scene; `known` caches the styles' statistics."""

    def place(self, tree: Any) -> Any:
        """Moves the arrays of a tree to the computing devices."""

    def place_state(self, begin: Array | State, config: Config) -> Array | State:
        """Moves a first image or a state to the device of the optimiser's state."""

    def diagnose(self, image: Image, *args: Any) -> str:
        """Where the objective of an image first becomes NaN or infinite; "" if unknown."""
