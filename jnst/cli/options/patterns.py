"""Folders and patterns: the files that they stand for, and the pairs of content and style.

No file is opened here; only its existence is checked.
"""

import glob
from collections.abc import Sequence
from pathlib import Path

from ...storage import is_remote, is_stored_folder, is_there, list_stored
from .words import UsageError

ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"),
    *(".gif", ".bmp", ".ppm", ".pgm", ".jp2", ".avif"),
)
"""The endings of the files in a folder that are taken for pictures."""


def is_many(word: str) -> bool:
    """Whether a word stands for any number of pictures: a folder, or a pattern.

    An existing file of exactly that name is a file, even if its name looks like a pattern.

    >>> is_many("photos/*.jpg"), is_many("cat.jpg"), is_many(".")
    (True, False, True)
    """
    if is_remote(word):
        return is_stored_folder(word) or (glob.has_magic(word) and not is_there(word))
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
        if is_remote(word):
            names = list_stored(word)
            paths = [name for name in names if _is_picture(name.rpartition("/")[2])]
            reason = f"{word} holds no picture ({', '.join(ENDINGS)})"
        elif Path(word).is_dir():
            visible = (p for p in Path(word).iterdir() if not p.name.startswith("."))
            paths = [str(p) for p in visible if p.suffix.lower() in ENDINGS and p.is_file()]
            reason = f"the folder {word} has no picture in it ({', '.join(ENDINGS)})"
        else:
            # Path.glob takes no absolute patterns.
            matches = glob.glob(word, recursive=True)  # noqa: PTH207
            paths = [name for name in matches if Path(name).is_file()]
            reason = f"no file matches {word}"
        if not paths:
            raise FileNotFoundError(reason)
        files |= dict.fromkeys(sorted(paths))
    return list(files)


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(ENDINGS)


def paired(
    contents: Sequence[str], styles: Sequence[str], combine: str
) -> list[tuple[str, tuple[str, ...]]]:
    """The pairs of a content and the styles that it is painted in.

    Args:
        contents, styles: files.
        combine: "every-pair", "pairs" or "blend".

    Raises:
        UsageError: for "pairs" with unequal numbers of contents and styles.

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
