"""The command of a resumed run: its original words, and those typed beside `--resume`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from ..config import Config
from ..config.effects import idle_fields
from .options.devices import OPTIONS
from .options.parser import typed_options
from .options.parsing import parse
from .options.request import Request, Resume
from .options.templates import literal
from .options.words import UsageError, option, without

_WORDS, _MEMORY = "words", "memory"
_OWN = ("--checkpoint", "--checkpoint-every", *OPTIONS)


def recorded_words(words: Sequence[str]) -> list[str]:
    """The words stored in a painting, without the options of checkpoints and devices."""
    return without(words, *_OWN)


def notes_of(words: Sequence[str], memory: Sequence[str] = ()) -> dict[str, str]:
    """The notes of a checkpoint, read by `continued`.

    Args:
        words: of the command.
        memory: options chosen by the memory of the machine; a resumed run uses them again, but
            its painting does not store them.
    """
    return {_WORDS: json.dumps(list(words)), _MEMORY: json.dumps(list(memory))}


def continued(asked: Resume, notes: Mapping[str, str]) -> tuple[Request, list[str]]:
    """The request of a resumed run, and the words that would have made it in one go.

    Args:
        asked: the `--resume` command.
        notes: of the checkpoint.

    Raises:
        UsageError: for options that contradict the original ones; it lists all of them.
        ValueError: if the checkpoint does not come from the command line.

    Example:
        >>> begun = ["--content", "a.png", "--style", "b.png", "--scales", "0.5", "1"]
        >>> notes = notes_of([*begun, "--steps", "70", "--checkpoint", "c"])
        >>> words = ("--resume", "c", "--steps", "200")
        >>> request, words = continued(Resume("c", words, False), notes)
        >>> request.config.steps, request.output, words[:4]
        ((70, 200), 'a_b.png', ['--content', 'a.png', '--style', 'b.png'])
    """
    if _WORDS not in notes:
        raise ValueError(
            f"{asked.path} was not made by this command: resume it with jnst.stylize(…, resume=…)"
        )
    original = without(json.loads(notes[_WORDS]), "--checkpoint", "--resume", *OPTIONS)
    typed = typed_options(asked.words)
    fixed = [*json.loads(notes.get(_MEMORY, "[]")), "--checkpoint", literal(asked.path)]

    def read(original: Sequence[str], changes: Sequence[str] = ()) -> Any:
        return parse([*without(original, "--memory"), *fixed, *without(changes, "--memory")])

    first = read(original)
    assert isinstance(first, Request)
    changes = without(asked.words, "--resume", "--quiet")
    if typed.style:
        original = without(original, "--style")
    for name in ("content", "content_mask", "style_mask"):
        if getattr(typed, name):
            original = without(original, option(name))
    if typed.tile is not None:
        original = without(original, "--memory")
    if "steps" in typed:
        steps = _extended(first.config.steps_per_scale, sum(typed.steps, ()))
        changes = [*without(changes, "--steps"), "--steps", *map(str, steps)]
        # The explicit steps now replace --taper and --quality.
        original = without(original, "--taper")
        if _quality_is_idle(replace(first, config=replace(first.config, steps=steps))):
            original = without(original, "--quality")
    words = [*original, *changes]
    second = read(original, changes)
    if not isinstance(second, Request):
        raise UsageError("--resume goes on with one painting: give one --content, no folder")
    contradictions = _contradictions(first, second)
    if contradictions:
        raise UsageError(
            f"{asked.path} was begun otherwise: {'; '.join(contradictions)}; leave that out, or "
            "begin anew"
        )
    return replace(second, resume=asked.path, quiet=second.quiet or asked.quiet), words


def _extended(steps: tuple[int, ...], typed: tuple[int, ...]) -> tuple[int, ...]:
    if not typed or (len(typed) > 1 and typed[:-1] != steps[:-1]):
        raise UsageError(
            f"--steps of the run is {' '.join(map(str, steps))}: only the last can be changed, "
            "such as --steps 500"
        )
    return (*steps[:-1], typed[-1])


def _quality_is_idle(request: Request) -> bool:
    return "quality" in idle_fields(request.config, len(request.styles))


def _contradictions(first: Request, second: Request) -> list[str]:
    ignored = {"steps", "taper"} | ({"quality"} if _quality_is_idle(second) else set())
    names = [spec.name for spec in fields(Config) if spec.name not in ignored]
    pairs = [(n, getattr(first.config, n), getattr(second.config, n)) for n in names]
    pairs += [(n, getattr(first, n), getattr(second, n)) for n in ("preset", "preprocess")]
    if first.network and second.network:
        # The checkpoint itself checks that weights from a file are the same.
        pairs += [("network", first.network, second.network)]
    return [f"{option(n)} was {_shown(a)} and is {_shown(b)}" for n, a, b in pairs if a != b]


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
