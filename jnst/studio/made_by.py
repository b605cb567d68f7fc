"""The settings of a painting that was dropped on the page, from what is stored in its file."""

import json
import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import PurePath
from typing import Any

from ..config import PRESETS, Config
from .recipes import MOST_STYLES, Recipe

_PICTURE = re.compile(r"(?:.*[/\\])?pictures[/\\]([0-9a-f]{32})[/\\][^/\\]+")
_MASKS = {"--keep-mask": "keep_mask", "--init-image": "init_image"}
_MASKS |= {"--content-mask": "content_masks", "--style-mask": "style_masks"}


def made_by(parameters: Mapping[str, str], pictures: Collection[str]) -> dict[str, Any] | None:
    """The recipe of a painting; None for a picture that jnst did not make.

    Args:
        parameters: from `jnst.read_parameters`; anybody may have written them.
        pictures: the ids of those in the studio, which alone are named in the answer.
    """
    if "config" not in parameters:
        return None
    try:
        config = Config(**json.loads(parameters["config"]))
        styles = json.loads(parameters.get("styles", "[]"))
        command = shlex.split(parameters.get("command", ""))
    except (ValueError, TypeError, RecursionError) as error:
        return {"error": f"its settings are of another version: {error}"}
    styles = [str(style) for style in styles[:MOST_STYLES]] if isinstance(styles, list) else []
    name = parameters.get("preset", "default")
    name = name if name in PRESETS else "default"
    values = [(spec.name, getattr(config, spec.name)) for spec in fields(Config)]
    defaults = PRESETS[name]
    parts = _pictures_of(command, pictures)
    if not parts["init_image"]:
        values = [(field, value) for field, value in values if value != "file"]
    recipe = Recipe(
        content=_known(parameters.get("content", ""), pictures),
        styles=tuple(_known(style, pictures) for style in styles),
        preset=name,
        settings={field: value for field, value in values if value != getattr(defaults, field)},
        **parts,
    )
    names = {
        "content": PurePath(parameters.get("content", "")).name[:200],
        "styles": [PurePath(style).name[:200] for style in styles],
    }
    return {"recipe": recipe.to_json(), "names": names}


def _known(path: str, pictures: Collection[str]) -> str | None:
    """The id of a picture of the studio, from a path in it."""
    match = _PICTURE.fullmatch(path)
    return match[1] if match and match[1] in pictures else None


def _pictures_of(command: list[str], pictures: Collection[str]) -> dict[str, Any]:
    """The masks and the start that a command names, as far as the studio has them."""
    named: dict[str, list[str | None]] = {key: [] for key in _MASKS.values()}
    key = None
    for word in command:
        if word.startswith("--"):
            key = _MASKS.get(word)
        elif key:
            named[key].append(_known(word, pictures))
    content_masks = named["content_masks"]
    return {
        "keep_mask": next(iter(named["keep_mask"]), None),
        "init_image": next(iter(named["init_image"]), None),
        "content_masks": tuple(i for i in content_masks if i) if all(content_masks) else (),
        "style_masks": tuple(named["style_masks"][:MOST_STYLES]),
    }
