"""Settings of a run in TOML files: the fields of `Config`, and the preset they started from."""

import os
import tomllib
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import tomli_w

from ..files import AnyPath, readable_path, replace_file
from ..wording import unknown_name
from .checks import field_kind
from .config import Config
from .presets import preset

_LARGEST = 1_000_000
_HEAD = "# Settings of jnst, for --config; options typed beside it win.\n"


def save_config(path: AnyPath, config: Config, start: str = "default") -> None:
    """Writes all fields of a config, and the preset that it started from, into a file.

    Raises:
        ValueError: for a name that does not end in .toml.
        OSError: if the file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_config(f"{folder}/run.toml", Config(size=300))
        ...     load_config(f"{folder}/run.toml") == Config(size=300)
        True
    """
    check_name(path)
    text = tomli_w.dumps({"preset": start, **config.to_dict()})
    replace_file(path, (_HEAD + text).encode())


def load_config(path: AnyPath) -> Config:
    """The config of a file: its preset, or the default one, with its fields changed.

    Raises:
        ValueError: if it is not TOML, or for an unknown key, preset or value; the message names
            the file, the key and the remedy.
        OSError: if it cannot be read.
    """
    start, changes = read_settings(path)
    return preset(start or "default", **changes)


def read_settings(path: AnyPath) -> tuple[str | None, dict[str, Any]]:
    """The preset that a file names, or None, and its fields; errors as of `load_config`."""
    name = os.fspath(path)
    settings = _parsed(name, readable_path(path, _LARGEST).read_bytes())
    specs = {spec.name: spec for spec in fields(Config)}
    start = settings.pop("preset", None)
    try:
        if start is not None and not isinstance(start, str):
            raise ValueError(f"preset is {start!r}: give a name in quotes")
        for key in settings:
            if key not in specs:
                raise ValueError(unknown_name("key", key, ("preset", *specs)))
        changes = {key: _converted(specs[key], value) for key, value in settings.items()}
        preset(start or "default", **changes)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: {error}") from None
    return start, changes


def _parsed(name: str, content: bytes) -> dict[str, Any]:
    try:
        # Editors of Windows begin a file with a mark of its encoding.
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError(
            f"{name} is not a TOML file: it is not in UTF-8; save it again in that encoding"
        ) from None
    except RecursionError:
        raise ValueError(
            f"{name} is not a TOML file of settings: its brackets are nested too deeply; a value "
            "is a number, a name or a list of those"
        ) from None
    except tomllib.TOMLDecodeError as error:
        remedy = "; save it again as UTF-8" if b"\0" in content else ""
        raise ValueError(f"{name} is not a TOML file: {error}{remedy}") from None


def check_name(path: AnyPath) -> None:
    """Raises ValueError for a file to write that does not end in .toml."""
    if Path(path).suffix.lower() != ".toml":
        raise ValueError(f"{os.fspath(path)!r} is not a name for settings: it must end in .toml")


def _converted(spec: Field[Any], value: Any) -> Any:
    """A TOML value in the type of its field; a list of one value may be written as that value."""
    kind, is_list = field_kind(spec)
    if is_list:
        values = value if isinstance(value, list) else [value]
        return tuple(_number_or_name(spec.name, entry, kind) for entry in values)
    return _number_or_name(spec.name, value, kind)


def _number_or_name(key: str, value: Any, kind: Any) -> Any:
    if any((kind is other) != isinstance(value, other) for other in (bool, str)) or isinstance(
        value, list | dict
    ):
        raise ValueError(f"{key} is {value!r}: give {_KINDS[kind]}")
    if kind is float and isinstance(value, int):
        return float(value)
    return int(value) if isinstance(value, float) and value.is_integer() and kind is int else value


_KINDS = {bool: "true or false", str: "a name in quotes", int: "a number", float: "a number"}
