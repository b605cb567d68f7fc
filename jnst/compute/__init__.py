"""The computation of a scale: the whole picture at once, by windows, or over several devices.

What comes in is a picture [height, width, 3], sRGB nominally in [0, 1], the network and a `Config`;
what goes out is a `Problem`, an objective with its arguments, ready for the optimiser. An `Engine`
computes it; a `Canvas` stands between the optimised array and the picture that is shown. How much
memory in bytes and how many operations that takes is estimated here, too.
"""

from .canvas import Canvas as Canvas
from .devices import Sharded as Sharded
from .engine import Engine as Engine
from .engine import Scene as Scene
from .problem import Problem as Problem
from .problem import check_engine as check_engine
from .problem import choose_engine as choose_engine
from .problem import make_problem as make_problem
from .tiles.engine import Tiled as Tiled
from .whole import Whole as Whole

__all__ = [
    "Canvas",
    "Engine",
    "Problem",
    "Scene",
    "Sharded",
    "Tiled",
    "Whole",
    "check_engine",
    "choose_engine",
    "make_problem",
]
