"""Recipes: what a painting is made of, as the page sends it, checked; and the command's words."""

import argparse
import itertools
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ..cli.options.film_groups import time
from ..config import PRESETS, Config
from ..config.checks import field_kind
from .answers import Problem

ID = re.compile(r"[0-9a-f]{32}")
KINDS = {spec.name: field_kind(spec) for spec in fields(Config)}
"""The type of each field of `Config`, and whether it is a list of it."""

MOST_STYLES, MOST_PAINTINGS, _MOST_SWEEPS, _MOST_MEMBERS = 8, 36, 2, 40
FILM = {"start": float, "end": float, "every": int, "temporal": float, "passes": int}
"""The options of a film that the page has, and their types."""

_LEAST = {"every": 1, "passes": 1}
_NAME = re.compile(r"[a-z][a-z0-9_+-]{0,39}")
_SWEPT = re.compile(r"(?!-[a-z-])[\w.+ -]{1,100}", re.ASCII)


@dataclass(frozen=True)
class Recipe:
    """What a painting is made of: ids of pictures, settings that differ from the preset's, sweeps.

    The attributes are the keys of the JSON object that the page sends.
    """

    content: str | None = None
    styles: tuple[str | None, ...] = ()
    preset: str = "default"
    settings: Mapping[str, Any] = field(default_factory=dict)
    init_image: str | None = None
    keep_mask: str | None = None
    content_masks: tuple[str, ...] = ()
    style_masks: tuple[str | None, ...] = ()
    sweep: tuple[Mapping[str, Any], ...] = ()
    film: Mapping[str, Any] | None = None  # of a clip as the content: the options in `FILM`

    @property
    def pictures(self) -> list[str]:
        """The ids of all pictures."""
        several = (self.styles, self.content_masks, self.style_masks)
        alone = (self.content, self.init_image, self.keep_mask)
        return [i for i in (*alone, *itertools.chain(*several)) if i]

    def cells(self) -> list[dict[str, str]]:
        """The swept values of each painting, in the command's order; one {} without a sweep."""
        names = [sweep["name"] for sweep in self.sweep]
        values = itertools.product(*(sweep["values"] for sweep in self.sweep))
        return [dict(zip(names, chosen, strict=True)) for chosen in values]

    def control(self, field: str | None) -> str | None:
        """The control of the page for an error about a field: of a swept one, the sweep's."""
        return "sweep" if field in {sweep["name"] for sweep in self.sweep} else field

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `read_recipe` reads."""
        return asdict(self)


def read_recipe(data: Mapping[str, Any]) -> Recipe:
    """The recipe in a JSON object.

    Raises:
        Problem: 400 for a key, type or value that no recipe has; 404 is for whoever looks the
            pictures up.
    """
    for key in data:
        if key not in Recipe.__dataclass_fields__:
            raise Problem(400, f"unknown key {key[:40]!r} in the recipe")
    name = data.get("preset", "default")
    if not isinstance(name, str) or name not in PRESETS:
        raise Problem(400, f"there is no preset {str(name)[:40]!r}", "preset")
    styles = _ids(data, "styles")
    return Recipe(
        content=_id(data.get("content"), "content"),
        styles=styles,
        preset=name,
        settings=_settings(data.get("settings", {})),
        init_image=_id(data.get("init_image"), "init_image"),
        keep_mask=_id(data.get("keep_mask"), "keep_mask"),
        content_masks=tuple(filter(None, _ids(data, "content_masks"))),
        style_masks=_ids(data, "style_masks"),
        sweep=_sweep(data.get("sweep", [])),
        film=_film(data.get("film")),
    )


def _id(value: Any, key: str) -> str | None:
    if value is None or (isinstance(value, str) and ID.fullmatch(value)):
        return value
    raise Problem(400, f"{key} is no picture of the studio", key)


def _ids(data: Mapping[str, Any], key: str) -> tuple[str | None, ...]:
    values = data.get(key) or []
    if not isinstance(values, list) or len(values) > MOST_STYLES:
        raise Problem(400, f"{key} is no list of at most {MOST_STYLES} pictures", key)
    return tuple(_id(value, key) for value in values)


def _settings(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise Problem(400, "settings is no JSON object")
    for name, value in data.items():
        if name not in KINDS:
            raise Problem(400, f"there is no setting {name[:40]!r}")
        kind, several = KINDS[name]
        members = value if several else [value]
        if not isinstance(members, list) or len(members) > _MOST_MEMBERS:
            raise Problem(400, f"{name} is no list of at most {_MOST_MEMBERS}", name)
        for member in members:
            if not _is_of(kind, member):
                raise Problem(400, f"{name} is {str(member)[:40]!r}: {_WANTED[kind]}", name)
    return {
        name: value if not isinstance(value, int) or KINDS[name][0] is not float else float(value)
        for name, value in data.items()
    }


_WANTED = {bool: "give true or false", int: "give a whole number", float: "give a number"}
_WANTED[str] = "give a name"


def _is_of(kind: type, value: Any) -> bool:
    if kind is str:
        return isinstance(value, str) and bool(_NAME.fullmatch(value))
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if kind is int and isinstance(value, float):
        return False
    return isinstance(value, int | float) and abs(value) < 1e300


def _film(data: Any) -> dict[str, Any] | None:
    if data is None:
        return None
    if not isinstance(data, dict) or not data.keys() <= FILM.keys():
        raise Problem(400, f"film has no options but {', '.join(FILM)}", "film")
    values = {name: _seconds(v) if name in ("start", "end") else v for name, v in data.items()}
    for name, value in values.items():
        least = _LEAST.get(name, 0)
        if not _is_of(FILM[name], value) or value < least:
            told = f"{name} is {str(value)[:40]!r}: {_WANTED[FILM[name]]} from {least}"
            raise Problem(400, told, "film")
    return values


def _seconds(value: Any) -> Any:
    """A time such as "1:23.5" in seconds."""
    if not isinstance(value, str):
        return value
    try:
        return float(time(value))
    except argparse.ArgumentTypeError as error:
        raise Problem(400, str(error), "film") from None


def _sweep(data: Any) -> tuple[dict[str, Any], ...]:
    if not isinstance(data, list) or len(data) > _MOST_SWEEPS:
        raise Problem(400, f"sweep is no list of at most {_MOST_SWEEPS} options", "sweep")
    sweeps, count = [], 1
    for one in data:
        if not isinstance(one, dict) or one.keys() != {"name", "values"}:
            raise Problem(400, "a sweep has a name and values", "sweep")
        name, values = one["name"], one["values"]
        if not isinstance(name, str) or name not in (*KINDS, "preset"):
            raise Problem(400, f"there is no option {str(name)[:40]!r} to sweep", "sweep")
        if not isinstance(values, list) or not values or len(values) > MOST_PAINTINGS:
            raise Problem(400, f"give {name} at most {MOST_PAINTINGS} values", "sweep")
        if not all(isinstance(value, str) and _SWEPT.fullmatch(value) for value in values):
            raise Problem(400, f"the values of {name} are no numbers or names", "sweep")
        count *= len(values)
        sweeps.append({"name": name, "values": [" ".join(value.split()) for value in values]})
    if count > MOST_PAINTINGS:
        raise Problem(400, f"these are {count} paintings: {MOST_PAINTINGS} at most", "sweep")
    return tuple(sweeps)
