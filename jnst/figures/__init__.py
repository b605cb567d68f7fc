"""Figures: filter responses and feature maps, sheets of pictures, and the loss curves of a run.

The inputs are pictures [height, width, 3] in [0, 1], `Params` or a log. The result is a
`matplotlib.figure.Figure`, which a notebook displays and `save_figure` writes as PNG or SVG.
Modules are imported lazily on attribute access, so matplotlib is loaded only for drawing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .curves import loss_curves as loss_curves
    from .curves import read_log as read_log
    from .filters import feature_maps as feature_maps
    from .filters import filter_sheet as filter_sheet
    from .filters import first_filters as first_filters
    from .kernels import CLASSIC as CLASSIC
    from .kernels import apply_filter as apply_filter
    from .panels import save_figure as save_figure
    from .sheets import contact_sheet as contact_sheet
    from .sheets import grid_sheet as grid_sheet

_FILES = {
    "curves": ("loss_curves", "read_log"),
    "filters": ("feature_maps", "filter_sheet", "first_filters"),
    "kernels": ("CLASSIC", "apply_filter"),
    "panels": ("save_figure",),
    "sheets": ("contact_sheet", "grid_sheet"),
}
__all__ = sorted(name for names in _FILES.values() for name in names)


def __getattr__(name: str) -> Any:
    for file, names in _FILES.items():
        if name in names:
            return getattr(import_module(f".{file}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
