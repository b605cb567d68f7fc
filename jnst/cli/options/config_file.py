"""The settings file of a command, expanded into the options that it stands for.

A painting stores the options themselves, so neither the file nor its later changes matter.
"""

import itertools
from collections.abc import Sequence
from typing import Any

from ...config import PRESETS, save_config
from ...config.effects import idle_fields
from ...config.toml import check_name, read_settings
from .config import config_of, preset_name
from .parser import typed_options
from .sweep import cells, read_sweeps, words_of
from .words import UsageError, option, without


def expanded(words: Sequence[str]) -> tuple[list[str], str | None]:
    """The words with the options that `--config` stands for, and the file of `--save-config`.

    Typed options win over the file, and the file over its preset. Options that equal the preset's
    or have no effect are left out.

    Args:
        words: after the program's name.

    Raises:
        UsageError: for a wrong file; the message names the file, the key and the remedy.
        OSError: if it cannot be read.

    Example:
        >>> expanded(["--size", "300"])
        (['--size', '300'], None)
    """
    if not any(word.split("=")[0] in ("--config", "--save-config") for word in words):
        return list(words), None
    typed = vars(typed_options(words))
    path, saved = typed["config"], typed["save_config"]
    if saved is not None:
        try:
            check_name(saved)
        except ValueError as error:
            raise UsageError(f"--save-config: {error}") from None
    typed_words = without(words, "--config", "--save-config")
    return (_of_file(path, typed, typed_words) if path is not None else typed_words), saved


def _of_file(path: str, typed: dict[str, Any], typed_words: list[str]) -> list[str]:
    try:
        start, changes = read_settings(path)
    except ValueError as error:
        raise UsageError(f"--config {error}") from None
    name = preset_name(typed_words) if typed["preset"] else start or "default"
    sweeps = read_sweeps(typed["sweep"], set())
    swept = {sweep.name for sweep in sweeps}
    if typed["init_image"]:
        changes.pop("init", None)
    preset = None if "preset" in swept else PRESETS[name]
    added = {
        key: _words(key, value)
        for key, value in changes.items()
        if key not in typed and key not in swept and value != getattr(preset, key, None)
    }
    from_preset = ["--preset", name] if start and not typed["preset"] and start != "default" else []
    all_words = [*from_preset, *itertools.chain(*added.values()), *typed_words]
    idle = set(added)
    try:
        for cell in cells(sweeps):
            config = config_of([*all_words, *words_of(cell)])[1]
            # A folder stands for more than one style.
            styles = max(len(typed["style"] or ()), len(config.style_weights))
            idle &= idle_fields(config, styles).keys()
    except UsageError as error:
        raise UsageError(f"--config {path}, with the options beside it: {error}") from None
    useful = (words for key, words in added.items() if key not in idle)
    return [*from_preset, *itertools.chain(*useful), *typed_words]


def _words(field: str, value: Any) -> list[str]:
    """The option that sets a field to a value.

    >>> _words("clamp", False), _words("scales", (0.5, 1.0)), _words("style_layers", ())
    (['--no-clamp'], ['--scales', '0.5', '1.0'], ['--style-layers', ''])
    """
    if isinstance(value, bool):
        return [option(field) if value else option("no_" + field)]
    if isinstance(value, tuple):
        return [option(field), *(map(str, value) if value else [""])]
    return [option(field), str(value)]


def save(words: Sequence[str], path: str) -> bool:
    """Writes the settings of a command; true if the command asks for nothing else.

    Raises:
        UsageError: for wrong options.
        OSError: if the file cannot be written.
    """
    name, config = config_of(words)
    save_config(path, config, name)
    typed = typed_options(words)
    return not (typed.content or typed.style or typed.resume or typed.rerun)
