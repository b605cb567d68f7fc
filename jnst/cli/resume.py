"""The request of a resumed run: the one that a checkpoint stores, and what was typed beside it."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from ..config import Config
from ..config.effects import idle_fields
from .options.parsing import checked
from .options.request import MaskFiles, Request, Resume
from .options.templates import as_template
from .options.words import UsageError, option

_REQUEST = "request"


def notes_of(request: Request, settled: Mapping[str, int]) -> dict[str, str]:
    """The notes of a checkpoint, read by `continued`.

    Args:
        request: of the run, as it was asked for.
        settled: tile and history chosen by the memory of the machine; a resumed run uses them
            again, but its painting does not store them.
    """
    return {_REQUEST: replace(request, settled=settled).to_json()}


def continued(asked: Resume, notes: Mapping[str, str]) -> Request:
    """The request of a resumed run.

    Args:
        asked: the `--resume` command.
        notes: of the checkpoint.

    Raises:
        UsageError: for options that contradict the original ones; it lists all of them.
        ValueError: if the checkpoint does not come from the command line.

    Example:
        >>> changes = {"scales": (0.5, 1.0), "steps": (70,)}
        >>> begun = Request("a.png", ("b.png",), "a_b.png").set_to("default", changes)
        >>> more = Resume("c", {}, {}, {"steps": (200,)}, begun.devices)
        >>> continued(more, notes_of(begun, {})).config.steps
        (70, 200)
    """
    begun = _stored(asked.path, notes)
    values = dict(asked.values)
    changes = {**begun.changes, **asked.changes}
    if "masks" in values:
        before, typed = begun.masks, values["masks"]
        values["masks"] = MaskFiles(
            typed.content or before.content,
            typed.styles or before.styles,
            typed.keep or before.keep,
        )
    if values.get("tile") is not None:
        values["memory"] = None
    values["quiet"] = begun.quiet or bool(values.get("quiet"))
    request = replace(begun, **values).set_to(values.get("preset", begun.preset), changes)
    request = _with_more_steps(begun, request, asked.changes.get("steps"))
    templates = {
        name: as_template(text) if name == "output" else text
        for name, text in asked.templates.items()
    }
    return _agreeing(begun, request.named(templates), asked.path)


def continued_job(request: Request, path: str, notes: Mapping[str, str]) -> Request:
    """The request of a painting of a batch that goes on from its checkpoint; errors as above."""
    begun = _stored(path, notes)
    request = replace(request, settled=begun.settled)
    if request.config.steps_per_scale != begun.config.steps_per_scale:
        request = _with_more_steps(begun, request, request.changes.get("steps"))
    return _agreeing(begun, request, path)


def _stored(path: str, notes: Mapping[str, str]) -> Request:
    if "words" in notes:
        raise ValueError(f"{path} was made by an earlier version of jnst: begin anew")
    if _REQUEST not in notes:
        raise ValueError(
            f"{path} was not made by this command: resume it with jnst.stylize(…, resume=…)"
        )
    try:
        return replace(Request.from_json(notes[_REQUEST]), checkpoint=path)
    except (TypeError, ValueError, LookupError) as error:
        raise ValueError(f"{path} was made by another version of jnst: {error}") from None


def _with_more_steps(begun: Request, request: Request, typed: tuple[int, ...] | None) -> Request:
    """The request with the steps of the run, but for those of the last scale."""
    if typed is None:
        return request
    steps = begun.config.steps_per_scale
    if not typed or (len(typed) > 1 and typed[:-1] != steps[:-1]):
        raise UsageError(
            f"--steps of the run is {_shown(steps)}: only the last can be changed, such as "
            "--steps 500"
        )
    changes = {**request.changes, "steps": (*steps[:-1], typed[-1])}
    # The explicit steps now replace --taper and --quality.
    changes.pop("taper", None)
    request = request.set_to(request.preset, changes)
    if _quality_is_idle(request):
        changes.pop("quality", None)
    return request.set_to(request.preset, changes)


def _quality_is_idle(request: Request) -> bool:
    return "quality" in idle_fields(request.config, len(request.styles))


def _agreeing(begun: Request, request: Request, path: str) -> Request:
    """The request, which must not contradict the one that the run was begun with."""
    ignored = {"steps", "taper"} | ({"quality"} if _quality_is_idle(request) else set())
    names = [spec.name for spec in fields(Config) if spec.name not in ignored]
    pairs = [(n, getattr(begun.config, n), getattr(request.config, n)) for n in names]
    pairs += [(n, getattr(begun, n), getattr(request, n)) for n in ("preset", "preprocess")]
    if not (begun.weights or request.weights):
        # The checkpoint itself checks that weights from a file are the same.
        pairs += [("network", begun.architecture, request.architecture)]
    wrong = [f"{option(n)} was {_shown(a)} and is {_shown(b)}" for n, a, b in pairs if a != b]
    if wrong:
        raise UsageError(
            f"{path} was begun otherwise: {'; '.join(wrong)}; leave that out, or begin anew"
        )
    return checked(replace(request, resume=path))


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
