"""The controls of the page, described by `Config`'s own fields: nothing is listed twice."""

from dataclasses import Field, fields
from typing import Any

from ..cli.options.film_groups import FILM_GROUPS
from ..config import PRESETS, Config
from ..system import program_version
from .recipes import FILM, KINDS

MAIN = ("strength", "size", "preset", "color", "style_scale", "quality", "seed")
"""The controls on top, in this order; all others are under "more"."""

_KINDS = {bool: "flag", int: "integer", float: "number", str: "name"}
_SLIDERS = {"strength": (0.25, 4.0), "size": (64, 2048), "style_scale": (0.25, 4.0)}
"""The ends of sliders, whose middle is the geometric mean."""


def _described(spec: Field[Any]) -> dict[str, Any]:
    kind, several = KINDS[spec.name]
    choices = spec.metadata["choices"]
    return {
        "name": spec.name,
        "group": spec.metadata["group"],
        "kind": "choice" if choices else _KINDS[kind],
        "list": several,
        "choices": choices,
        "help": spec.metadata["help"],
        "slider": _SLIDERS.get(spec.name),
        "defaults": {name: getattr(config, spec.name) for name, config in PRESETS.items()},
    }


def describe_page() -> dict[str, Any]:
    """What the page is told once: presets, the fields of `Config`, and which are on top."""
    return {
        "version": program_version(),
        "presets": list(PRESETS),
        "preset_help": "where the options below start",
        "main": MAIN,
        "controls": list(map(_described, fields(Config))),
        "film": _film(),
    }


def _film() -> list[dict[str, str]]:
    rows = (*FILM_GROUPS["film"], *FILM_GROUPS["steadiness"])
    texts = {name: text for name, _, text in rows}
    return [{"name": name, "label": name, "help": texts[name]} for name in FILM]
