"""The computation of a scale: the whole picture at once, by windows, or over several devices.

What comes in is a picture [height, width, 3], sRGB nominally in [0, 1], the network and a `Config`;
what goes out is an objective with its arguments, ready for the optimiser. How much memory in bytes
and how many operations that takes is estimated here, too.
"""

from .devices import Spread as Spread
from .engine import Way as Way
from .engine import check_way as check_way

__all__ = [
    "Spread",
    "Way",
    "check_way",
]
