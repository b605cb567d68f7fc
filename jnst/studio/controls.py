"""The controls of the page, described by `Config`'s own fields: nothing is listed twice."""

from dataclasses import fields
from typing import Any

from ..config import PRESETS, Config, preset
from ..system import program_version
from .recipes import KINDS

MAIN = ("strength", "size", "preset", "color", "style_scale", "quality", "seed")
"""The controls on top, in this order; all others are under "more"."""

_KINDS = {bool: "flag", int: "integer", float: "number", str: "name"}
_SLIDERS = {
    "strength": (0.25, 4.0, True),
    "size": (64, 2048, True),
    "style_scale": (0.25, 4.0, True),
    "style_weights": (0.0, 4.0, False),
}


def describe_controls() -> list[dict[str, Any]]:
    """The fields of `Config` as the page shows them, in their order."""
    controls = []
    for spec in fields(Config):
        kind, several = KINDS[spec.name]
        choices = spec.metadata["choices"]
        lowest, is_open, highest = (
            _bounds(spec.name) if kind in (int, float) else (None, False, None)
        )
        slider = _SLIDERS.get(spec.name)
        controls.append(
            {
                "name": spec.name,
                "label": spec.name.replace("_", " "),
                "group": spec.metadata["group"],
                "main": spec.name in MAIN,
                "kind": "choice" if choices else _KINDS[kind],
                "list": several,
                "choices": choices,
                "help": spec.metadata["help"],
                "min": lowest,
                "min_open": is_open,
                "max": highest,
                "slider": slider and dict(zip(("from", "to", "log"), slider, strict=True)),
                "defaults": {name: getattr(config, spec.name) for name, config in PRESETS.items()},
            }
        )
    return controls


def describe_page() -> dict[str, Any]:
    """What the page is told once: presets, controls, and which are on top."""
    return {
        "version": program_version(),
        "presets": list(PRESETS),
        "preset_help": "where the options below start",
        "main": MAIN,
        "controls": describe_controls(),
    }


def _bounds(name: str) -> tuple[int | None, bool, float | None]:
    """(minimum, whether it is excluded, maximum) of a number, found by trying what is allowed."""
    whole = KINDS[name][0] is int
    below = -1 if whole else -1e-3
    if _is_allowed(name, below):
        lowest, is_open = None, False
    elif _is_allowed(name, 0):
        lowest, is_open = 0, False
    else:
        lowest, is_open = (1, False) if whole else (0, True)
    tops = (value for value in (0.25, 1.0, 4.0, 10.0, 1e4, 1e6) if not whole)
    highest = next((top for top in tops if not _is_allowed(name, top * 1.001)), None)
    return lowest, is_open, highest


def _is_allowed(name: str, value: float) -> bool:
    number = value if KINDS[name][0] is int else float(value)
    try:
        preset("default", **{name: (number,) if KINDS[name][1] else number})
    except (ValueError, TypeError):
        # A lone scale must be 1; of two, the first may be anything.
        if name != "scales":
            return False
        try:
            Config(scales=(number, 1.0))
        except (ValueError, TypeError):
            return False
    return True
