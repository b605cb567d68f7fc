"""The command of a run that goes on: the words of its beginning, and those typed beside them."""

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
    """The words that a painting remembers: where a checkpoint was kept, and on what it was
    computed, does not change it."""
    return without(words, *_OWN)


def notes_of(words: Sequence[str], memory: Sequence[str] = ()) -> dict[str, str]:
    """What a checkpoint notes, for `continued` to read.

    Args:
        words: of the command.
        memory: options that the memory of the machine decided on; a run that goes on is computed
            as it was begun, but its painting does not remember them.
    """
    return {_WORDS: json.dumps(list(words)), _MEMORY: json.dumps(list(memory))}


def continued(asked: Resume, notes: Mapping[str, str]) -> tuple[Request, list[str]]:
    """The request that goes on with a run, and the words that would have made it at once.

    Args:
        asked: the command.
        notes: of the checkpoint.

    Raises:
        UsageError: for options that contradict those of the beginning, with all of them.
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
    begun = without(json.loads(notes[_WORDS]), "--checkpoint", "--resume", *OPTIONS)
    typed = typed_options(asked.words)
    settled = [*json.loads(notes.get(_MEMORY, "[]")), "--checkpoint", literal(asked.path)]

    def read(begun: Sequence[str], changes: Sequence[str] = ()) -> Any:
        return parse([*without(begun, "--memory"), *settled, *without(changes, "--memory")])

    first = read(begun)
    assert isinstance(first, Request)
    changes = without(asked.words, "--resume", "--quiet")
    if typed.style:
        begun = without(begun, "--style")
    for name in ("content", "content_mask", "style_mask"):
        if getattr(typed, name):
            begun = without(begun, option(name))
    if typed.tile is not None:
        begun = without(begun, "--memory")
    if "steps" in typed:
        steps = _extended(first.config.steps_per_scale, sum(typed.steps, ()))
        changes = [*without(changes, "--steps"), "--steps", *map(str, steps)]
        # From here on they say what these said of them.
        begun = without(begun, "--taper")
        if _quality_is_idle(replace(first, config=replace(first.config, steps=steps))):
            begun = without(begun, "--quality")
    words = [*begun, *changes]
    second = read(begun, changes)
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
    settled = {"steps", "taper"} | ({"quality"} if _quality_is_idle(second) else set())
    names = [spec.name for spec in fields(Config) if spec.name not in settled]
    pairs = [(n, getattr(first.config, n), getattr(second.config, n)) for n in names]
    pairs += [(n, getattr(first, n), getattr(second, n)) for n in ("preset", "preprocess")]
    if first.network and second.network:
        # Of weights in a file, the checkpoint knows whether they are those of the beginning.
        pairs += [("network", first.network, second.network)]
    return [f"{option(n)} was {_shown(a)} and is {_shown(b)}" for n, a, b in pairs if a != b]


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
