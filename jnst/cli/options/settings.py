"""The settings of a command: a preset and the changes to it, typed or from a file, as a `Config`.

Typed options win over the file, and the file over its preset.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from ...config import PRESETS, Config, preset
from ...config.effects import idle_fields
from ...config.toml import read_settings
from ...wording import field_of, nearest
from .sweep import Sweep, cells
from .words import UsageError, in_options

FIELDS = tuple(spec.name for spec in fields(Config))


def check_preset(name: str | None) -> str:
    """The name of a preset; UsageError if it is missing or unknown."""
    if name is None:
        raise UsageError(f"--preset needs a name: choose one of {', '.join(PRESETS)}", "preset")
    if name not in PRESETS:
        raise UsageError(f"unknown preset {name!r}; {nearest(name, PRESETS)}", "preset")
    return name


def config_of(name: str, changes: Mapping[str, Any], init_image: str | None = None) -> Config:
    """The config of a preset with changes; a picture to start from means `init="file"`.

    Raises:
        UsageError: for an unknown preset or a wrong value, in the words of the command line.
    """
    start = {"init": "file"} if init_image else {}
    try:
        config = preset(check_preset(name), **start | dict(changes))
    except ValueError as error:
        raise UsageError(in_options(error), field_of(error)) from None
    if config.init == "file" and not init_image:
        raise UsageError("--init file starts from a picture: add --init-image FILE", "init")
    if config.init != "file" and init_image:
        text = f"--init-image has no use with --init {config.init}: use --init file"
        raise UsageError(text, "init_image")
    return config


def typed_changes(typed: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `Config` among typed options, by name.

    An option that was typed more than once is a list of its tuples.
    """
    return {
        name: sum(value, ()) if isinstance(value, list) else value
        for name, value in typed.items()
        if name in FIELDS
    }


def settings_of(
    typed: Mapping[str, Any], sweeps: Sequence[Sweep]
) -> tuple[str | None, dict[str, Any]]:
    """The preset, None if neither typed nor in the file of `--config`, and the changes to it.

    What in the file equals its preset, or has no effect, is left out.

    Raises:
        UsageError: for a wrong file; the message names the file, the key and the remedy.
        OSError: if it cannot be read.
    """
    changes, name = typed_changes(typed), typed.get("preset")
    if "config" not in typed:
        return name, changes
    try:
        start, from_file = read_settings(typed["config"])
    except ValueError as error:
        raise UsageError(f"--config {error}") from None
    swept = {sweep.name for sweep in sweeps}
    init_image = typed.get("init_image")
    base = None if "preset" in swept else PRESETS[name or start or "default"]
    added = {
        key: value
        for key, value in from_file.items()
        if key not in changes and key not in swept and value != getattr(base, key, None)
    }
    if init_image:
        added.pop("init", None)
    name = name or (start if start != "default" else None)
    idle = set(added)
    try:
        for _, cell in cells(sweeps):
            config = config_of(
                cell.pop("preset", name or "default"), added | changes | cell, init_image
            )
            # A folder stands for more than one style.
            styles = max(len(typed.get("style", ())), len(config.style_weights))
            idle &= idle_fields(config, styles).keys()
    except UsageError as error:
        raise UsageError(
            f"--config {typed['config']}, with the options beside it: {error}", error.field
        ) from None
    return name, {key: value for key, value in added.items() if key not in idle} | changes
