"""The options of a run as a `Config`, and its errors in the words of the command line."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import fields

from ...config import PRESETS, Config, preset
from ...wording import nearest
from .parser import typed_options
from .words import UsageError, option

FIELDS = tuple(spec.name for spec in fields(Config))


def config_of(argv: Sequence[str]) -> tuple[str, Config]:
    """The preset and the config of a command, which need not name pictures.

    Raises:
        UsageError: for an unknown option, or a wrong value.
    """
    name = preset_name(argv)
    return name, typed_config(typed_options(argv, name), name)


def preset_name(argv: Sequence[str]) -> str:
    """The preset that a command names, "default" if it names none; UsageError if it is unknown."""
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    finder.add_argument("--preset", nargs="?", default="default")
    name = finder.parse_known_args(list(argv))[0].preset
    if name is None:
        raise UsageError(f"--preset needs a name: choose one of {', '.join(PRESETS)}")
    if name not in PRESETS:
        raise UsageError(f"unknown preset {name!r}; {nearest(name, PRESETS)}")
    return str(name)


def typed_config(typed: argparse.Namespace, name: str) -> Config:
    """The config of a preset with the typed options applied."""
    changes = {}
    for field, value in vars(typed).items():
        if field in FIELDS:
            changes[field] = sum(value, ()) if isinstance(value, list) else value
    if typed.init_image:
        changes.setdefault("init", "file")
    try:
        config = preset(name, **changes)
    except ValueError as error:
        raise UsageError(in_options(str(error))) from None
    if config.init == "file" and not typed.init_image:
        raise UsageError("--init file starts from a picture: add --init-image FILE")
    if config.init != "file" and typed.init_image:
        raise UsageError(f"--init-image has no use with --init {config.init}: use --init file")
    return config


def in_options(message: str) -> str:
    """Rewrites an error of the library in the words of the command line.

    >>> in_options("normalize_gradients leaves no gradient of the loss, which the zoom search \
needs: use line_search='none' or optimizer='adam'")
    '--normalize-gradients leaves no gradient of the loss, which the zoom search needs: \
use --line-search none or --optimizer adam'
    """
    names = "|".join(FIELDS)

    def assignment(match: re.Match[str]) -> str:
        name, value = match.groups()
        if value in ("True", "False"):
            return option(name if value == "True" else f"no_{name}")
        return f"{option(name)} {value.strip(chr(39))}"

    message = re.sub(rf"\b({names})=('[^']*'|[\w.]+)", assignment, message)
    message = re.sub(rf"^({names})(?= (?:is|has)\b)", lambda m: option(m[1]), message)
    return re.sub(rf"(?<!-)\b({names})\b", lambda m: option(m[1]) if "_" in m[1] else m[1], message)
