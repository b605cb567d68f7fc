"""Computation of one scale: the whole picture at once, by windows, or over several devices.

The input is a picture [height, width, 3] (sRGB, nominally in [0, 1]), the network and a `Config`;
the output is a `Problem`: an objective with its arguments, ready for the optimiser. An `Engine`
computes the objective; a `Canvas` maps the optimised array to the visible picture. This package
also estimates the memory in bytes and the number of operations.
"""

from .canvas import Canvas as Canvas
from .canvas import Parametrization as Parametrization
from .devices import Sharded as Sharded
from .engine import Engine as Engine
from .engine import Scene as Scene
from .engine import Tiled as Tiled
from .engine import Whole as Whole
from .problem import Problem as Problem
from .problem import choose_engine as choose_engine
from .problem import make_problem as make_problem
