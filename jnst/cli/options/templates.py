"""Templates of file names, for the results of many paintings."""

import os
import re
import string
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...storage import is_remote, joined, place_of
from ...wording import nearest
from .words import STREAM, UsageError

TEMPLATED = ("output", "log", "checkpoint", "snapshots")
"""Options whose value may hold fields such as {content}."""

_FIELDS = ("content", "style", "preset", "size", "seed", "index")
_NAME = "{content}_{style}.png"
SWEPT_NAME = "{content}_{style}_{sweep}.png"
"""The default name of a painting in a sweep."""
_NAMED_STYLES = 3
# No file system has longer names.
_WIDEST = 255


def names(
    content: str, styles: Sequence[str], preset: str, size: int, seed: int, index: int
) -> dict[str, str | int]:
    """The values of a template's fields.

    >>> names("in/cat.jpg", ["night.png", "b.png"], "default", 512, 0, 1)["style"]
    'night_b'
    """
    content, *stems = (
        "stdin" if path == STREAM else Path(path).stem for path in (content, *styles)
    )
    style = "_".join(stems[:_NAMED_STYLES])
    more = len(stems) - _NAMED_STYLES
    style += f"_and_{more}_more" if more > 0 else ""
    values = (content, style, preset, size, seed, index)
    return dict(zip(_FIELDS, values, strict=True))


def as_template(output: str | None, *, many: bool = False, name: str = _NAME) -> str:
    """The template that `--output` means; for a folder, the default `name` inside it.

    With `many` paintings, a name without an ending is a folder that may not exist yet.

    >>> as_template("art/", many=True), as_template("x.png"), as_template(None)
    ('art/{content}_{style}.png', 'x.png', '{content}_{style}.png')
    """
    if not output:
        return name
    is_folder = output.endswith(("/", os.sep)) or (not is_remote(output) and Path(output).is_dir())
    if is_folder or (many and not Path(output).suffix):
        return joined(output, name)
    return output


def filled(option: str, template: str, values: Mapping[str, str | int]) -> str:
    """A template with its fields filled in.

    Args:
        option: name of the option, for errors.
        template: as `str.format` takes it: {index:03} is padded, {{ is a brace.
        values: from `names`.

    Raises:
        UsageError: for an unknown field or a broken template.

    Example:
        >>> filled("output", "{content}-{index:03}.png", {"content": "cat", "index": 7})
        'cat-007.png'
        >>> filled("output", "{contents}.png", {"content": "cat", "index": 7})
        Traceback (most recent call last):
        ...
        jnst.cli.options.words.UsageError: --output has no field {contents}; did you mean content?
    """
    try:
        for _, field, form, _ in string.Formatter().parse(template):
            numbers = [int(digits) for digits in re.findall(r"\d+", form or "")]
            if max(numbers, default=0) > _WIDEST or "{" in (form or ""):
                raise UsageError(
                    f"--{option}: {{{field}:{form}}} is no width of a file's name: give a number "
                    f"of at most {_WIDEST}, such as {{{field}:03}}"
                )
            if field is not None and field not in values:
                raise UsageError(f"--{option} has no field {{{field}}}; {nearest(field, values)}")
        return template.format_map(dict(values))
    except UsageError:
        raise
    except (ValueError, LookupError) as error:
        raise UsageError(
            f"--{option} {template!r} is no template: {error}; a brace is written {{{{ or }}}}"
        ) from None


def literal(path: str) -> str:
    """A path as a template, with its braces escaped.

    >>> literal("a{b}.png")
    'a{{b}}.png'
    """
    return path.replace("{", "{{").replace("}", "}}")


def check_distinct(paths: Sequence[tuple[str, str]]) -> None:
    """Checks that no two paintings write the same file.

    Args:
        paths: the description of a painting and one of its files, for each file.

    Raises:
        UsageError: naming both and the file.

    Example:
        >>> check_distinct([("a by x", "out.png"), ("b by x", "./out.png")])
        Traceback (most recent call last):
        ...
        jnst.cli.options.words.UsageError: a by x and b by x would both be ./out.png: give them \
different names, such as --output "{index}_{content}_{style}.png"
    """
    taken: dict[str, str] = {}
    for what, path in paths:
        place = place_of(path)
        if place in taken:
            raise UsageError(
                f"{taken[place]} and {what} would both be {path}: give them different names, such "
                f'as --output "{{index}}_{_NAME}"'
            )
        taken[place] = what
