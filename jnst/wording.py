"""Sizes, durations, suggestions for mistyped words, and what an error is about."""

import contextlib
import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple


def size_words(size: float, *, up: bool = False) -> str:
    """A readable number of bytes, optionally rounded up.

    >>> size_words(3_141_592_653), size_words(3_141_592_653, up=True), size_words(87e6)
    ('3.1GB', '3.2GB', '87MB')
    """
    if size < 999.5e6 and not up:
        return f"{round(size / 1e6)}MB"
    tenths = -(-int(size) // 10**8) if up else round(size / 1e8)
    return f"{tenths / 10:g}GB"


def duration_words(seconds: float) -> str:
    """A readable duration, in about two digits.

    >>> [duration_words(s) for s in (0.4, 47, 100, 754, 3600, 9000)]
    ['1 s', '47 s', '1 min 40 s', '13 min', '1 h', '2 h 30 min']
    """
    rounded, unit, smaller = max(1, round(seconds)), "min", "s"
    if rounded >= 600:
        rounded, unit, smaller = round(rounded / 60), "h", "min"
    if rounded < 60:
        return f"{rounded} {smaller}"
    count, rest = divmod(rounded, 60)
    return f"{count} {unit} {rest} {smaller}" if rest else f"{count} {unit}"


_ELSEWHERE = {
    **dict.fromkeys(("content-image", "content-path", "content-img", "input-image"), "content"),
    **dict.fromkeys(("style-image", "style-images", "style-path", "style-img"), "style"),
    **dict.fromkeys(("image-size", "img-size", "imsize", "im-size", "max-size"), "size"),
    **dict.fromkeys(("output-image", "output-path", "output-dir", "out", "result"), "output"),
    **dict.fromkeys(("iterations", "iteration", "iters", "num-iterations", "num-iters"), "steps"),
    **dict.fromkeys(("n-iterations", "max-iterations", "max-iter", "num-steps", "epochs"), "steps"),
    **dict.fromkeys(("lr", "step-size"), "learning-rate"),
    **dict.fromkeys(("save-iter", "save-interval", "print-iter"), "save-every"),
    "style-blend-weights": "style-weights",
    "model-file": "weights",
}
"""Options of other programs for style transfer, and their names here."""


def plain_name(word: str) -> str:
    """A name without the spelling in which it was typed.

    >>> plain_name("--Content_image"), plain_name("-tv_weight")
    ('content-image', 'tv-weight')
    """
    return word.lower().strip("-_").replace("_", "-")


def _closest(word: str, choices: Iterable[str]) -> str | None:
    names = {plain_name(name): name for name in reversed(list(choices))}
    name = plain_name(word)
    if _ELSEWHERE.get(name) in names and name not in names:
        return names[_ELSEWHERE[name]]
    for close in difflib.get_close_matches(name, names, n=1):
        return names[close]
    return None


def nearest(word: str, choices: Iterable[str], otherwise: str = "", *, quoted: bool = False) -> str:
    """A hint with the choice closest to `word`; if none is close, `otherwise` or all words.

    Dashes and underscores are equal, and names that other programs use are known.

    >>> nearest("strid", ["stride", "padding"]), nearest("num_iterations", ["steps", "init"])
    ('did you mean stride?', 'did you mean steps?')
    """
    choices = list(choices)
    if close := _closest(word, choices):
        return f"did you mean {close!r}?" if quoted else f"did you mean {close}?"
    return otherwise or f"choose one of {', '.join(choices)}"


def unknown_name(what: str, value: object, choices: Iterable[str]) -> str:
    """The error text for an unknown name, with the closest choice."""
    return f"unknown {what} {value!r}; {nearest(str(value), choices, quoted=True)}"


class Setting(NamedTuple):
    """A field of `Config` in the text of an error, alone or with a value to give it."""

    field: str
    value: object = None

    def __str__(self) -> str:
        return self.field if self.value is None else f"{self.field}={self.value!r}"


class SettingError(ValueError):
    """A setting that is wrong, and why.

    Args:
        parts: what makes up the text; a `Setting` is spelt as Python does.

    Example:
        >>> error = SettingError(Setting("size"), " is 0: use ", Setting("init", "gray"))
        >>> print(error, error.field)
        size is 0: use init='gray' size
        >>> error.told(lambda setting: f"--{setting.field}")
        '--size is 0: use --init'
    """

    def __init__(self, *parts: str | Setting) -> None:
        super().__init__("".join(map(str, parts)))
        self._parts = parts

    @property
    def field(self) -> str:
        """The field of `Config` that is wrong."""
        return next(part.field for part in self._parts if isinstance(part, Setting))

    def told(self, spell: Callable[[Setting], str]) -> str:
        """The text with each setting spelt in another way, such as an option."""
        return "".join(spell(part) if isinstance(part, Setting) else part for part in self._parts)


def field_of(error: BaseException) -> str | None:
    """The field of `Config`, or the argument of `jnst.stylize`, that an error says it is about."""
    return getattr(error, "field", None)


@contextlib.contextmanager
def about(field: str) -> Iterator[None]:
    """Has errors within say what they are about, unless they know it better: see `field_of`.

    >>> try:
    ...     with about("keep_mask"):
    ...         raise OSError("a.png is damaged")
    ... except OSError as error:
    ...     field_of(error)
    'keep_mask'
    """
    try:
        yield
    except Exception as error:
        if field_of(error) is None:
            vars(error)["field"] = field
        raise
