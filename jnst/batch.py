"""Many paintings from one command: which pictures go together, and what the results are called.

Nothing is opened here; the file system is only asked what exists.
"""

import glob
import os
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from .parser import STREAM, UsageError
from .sweep_words import Sweep
from .wording import nearest

ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"),
    *(".gif", ".bmp", ".ppm", ".pgm", ".jp2", ".avif"),
)
"""The files of a folder that are taken for pictures."""

TEMPLATED = ("output", "log", "checkpoint", "snapshots")
"""Options whose value may hold fields such as {content}."""

_FIELDS = ("content", "style", "preset", "size", "seed", "index")
_NAME = "{content}_{style}.png"
SWEPT_NAME = "{content}_{style}_{sweep}.png"
"""The name of a painting where options are swept."""
_NAMED_STYLES = 3


class Batch(NamedTuple):
    """A command that asks for many paintings.

    Attributes:
        words: those that every painting shares.
        contents, styles: as typed: files, folders and patterns.
        combine: "every-pair", "pairs" or "blend".
        sweeps: options and the values to try, each with each.
        templates: the typed ones of the options in `TEMPLATED`, by name.
        bucket: what the free side of a painting is rounded up to a multiple of.
        overwrite: whether finished paintings and foreign files are replaced.
        quiet: whether only results and errors are told.
    """

    words: tuple[str, ...]
    contents: tuple[str, ...]
    styles: tuple[str, ...]
    combine: str
    sweeps: tuple[Sweep, ...]
    templates: Mapping[str, str]
    bucket: int
    overwrite: bool
    quiet: bool


def is_many(word: str) -> bool:
    """Whether a word stands for any number of pictures: a folder, or a pattern.

    A file of that very name is a file, whatever its name looks like.

    >>> is_many("photos/*.jpg"), is_many("cat.jpg"), is_many(os.curdir)
    (True, False, True)
    """
    path = Path(word)
    return path.is_dir() or (glob.has_magic(word) and not path.exists())


def expanded(words: Sequence[str]) -> list[str]:
    """The files that words stand for, each once, in the order of the words and sorted in each.

    A folder stands for the pictures in it (by their endings, see `ENDINGS`; hidden files and
    folders in it are left out), a pattern for the files it matches (`**` for folders at any depth).

    Raises:
        FileNotFoundError: if a folder has no picture in it, or nothing matches a pattern.
    """
    files: dict[str, None] = {}
    for word in words:
        if not is_many(word):
            files[word] = None
            continue
        if Path(word).is_dir():
            inside = (p for p in Path(word).iterdir() if not p.name.startswith("."))
            found = [str(p) for p in inside if p.suffix.lower() in ENDINGS and p.is_file()]
            reason = f"the folder {word} has no picture in it ({', '.join(ENDINGS)})"
        else:
            # Path.glob takes no absolute patterns.
            matches = glob.glob(word, recursive=True)  # noqa: PTH207
            found = [name for name in matches if Path(name).is_file()]
            reason = f"no file matches {word}"
        if not found:
            raise FileNotFoundError(reason)
        files |= dict.fromkeys(sorted(found))
    return list(files)


def paired(
    contents: Sequence[str], styles: Sequence[str], combine: str
) -> list[tuple[str, tuple[str, ...]]]:
    """Which content is painted in which styles.

    Args:
        contents, styles: files.
        combine: "every-pair", "pairs" or "blend".

    Raises:
        UsageError: for "pairs" of unequal numbers.

    Example:
        >>> paired(["a", "b"], ["x", "y"], "every-pair")
        [('a', ('x',)), ('a', ('y',)), ('b', ('x',)), ('b', ('y',))]
        >>> paired(["a", "b"], ["x", "y"], "pairs")
        [('a', ('x',)), ('b', ('y',))]
        >>> paired(["a", "b"], ["x", "y"], "blend")
        [('a', ('x', 'y')), ('b', ('x', 'y'))]
    """
    if combine == "blend":
        return [(content, tuple(styles)) for content in contents]
    if combine == "every-pair":
        return [(content, (style,)) for content in contents for style in styles]
    if len(contents) != len(styles):
        raise UsageError(
            f"--pairs needs as many styles as contents, not {len(styles)} for {len(contents)}"
        )
    return [(content, (style,)) for content, style in zip(contents, styles, strict=True)]


def names(
    content: str, styles: Sequence[str], preset: str, size: int, seed: int, index: int
) -> dict[str, str | int]:
    """What the fields of a template stand for.

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
    """The template that `--output` means; of a folder, the default name in it, which is `name`.

    Where `many` paintings are made, a name without an ending is a folder that may not exist yet.

    >>> as_template("art/", many=True), as_template("x.png"), as_template(None)
    ('art/{content}_{style}.png', 'x.png', '{content}_{style}.png')
    """
    if not output:
        return name
    is_folder = output.endswith(("/", os.sep)) or Path(output).is_dir()
    if is_folder or (many and not Path(output).suffix):
        return str(Path(output) / name)
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
        jnst.parser.UsageError: --output has no field {contents}; did you mean content?
    """
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(template)]
        for field in fields:
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
    """A path as the template that stands for it.

    >>> literal("a{b}.png")
    'a{{b}}.png'
    """
    return path.replace("{", "{{").replace("}", "}}")


def check_distinct(paths: Sequence[tuple[str, str]]) -> None:
    """Makes sure that no two paintings write the same file.

    Args:
        paths: what is painted, in words, and a file of it.

    Raises:
        UsageError: naming both and the file.

    Example:
        >>> check_distinct([("a by x", "out.png"), ("b by x", "./out.png")])
        Traceback (most recent call last):
        ...
        jnst.parser.UsageError: a by x and b by x would both be ./out.png: give them different \
names, such as --output "{index}_{content}_{style}.png"
    """
    taken: dict[str, str] = {}
    for what, path in paths:
        place = os.path.realpath(path)
        if place in taken:
            raise UsageError(
                f"{taken[place]} and {what} would both be {path}: give them different names, such "
                f'as --output "{{index}}_{_NAME}"'
            )
        taken[place] = what
