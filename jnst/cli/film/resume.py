"""The request of a film that goes on: the one that its folder of frames notes, and what was typed
beside `--resume`."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from ...config import Config
from ..options.film import FilmRequest, FilmResume, checked_film, output_template
from ..options.parsing import checked
from ..options.words import UsageError, option

_FREE = ("painting", "film_quality", "sound", "frames", "so_far")
"""Fields of `FilmRequest` that decide nothing about the painted frames."""


def continued_film(asked: FilmResume, run: Mapping[str, Any]) -> FilmRequest:
    """The request of a film that goes on.

    Args:
        asked: the `--resume` command.
        run: the note in its folder.

    Raises:
        UsageError: for options that contradict the original ones; it lists all of them.
        ValueError: if the note is of another version.
    """
    try:
        begun = FilmRequest.from_json(run["request"])
    except (TypeError, ValueError, LookupError) as error:
        raise ValueError(f"{asked.path} was made by another version of jnst: {error}") from None
    values = dict(asked.painting)
    values["quiet"] = begun.painting.quiet or bool(values.get("quiet"))
    if values.get("tile") is not None:
        values["memory"] = None
    output = values.pop("output", None)
    changes = {**begun.painting.changes, **asked.changes}
    painting = replace(begun.painting, **values)
    painting = painting.set_to(values.get("preset", painting.preset), changes)
    if output:
        painting = painting.named({"output": output_template(output)})
    request = replace(begun, **dict(asked.film), painting=painting, frames=asked.path)
    old, new = begun.painting, request.painting
    pairs = [
        (s.name, getattr(old.config, s.name), getattr(new.config, s.name)) for s in fields(Config)
    ]
    pairs += [(name, getattr(old, name), getattr(new, name)) for name in ("preset", "preprocess")]
    if not (old.weights or new.weights):
        pairs += [("network", old.architecture, new.architecture)]
    names = [spec.name for spec in fields(FilmRequest) if spec.name not in _FREE]
    pairs += [(name, getattr(begun, name), getattr(request, name)) for name in names]
    wrong = [f"{option(n)} was {_shown(a)} and is {_shown(b)}" for n, a, b in pairs if a != b]
    if wrong:
        raise UsageError(
            f"{asked.path} was begun otherwise: {'; '.join(wrong)}; leave that out, or begin anew"
        )
    return checked_film(replace(request, painting=checked(new)))


def _shown(value: Any) -> str:
    if value is None:
        return "not given"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
