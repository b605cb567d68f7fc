"""The words of a command line: the spelling of options, and the error for wrong words."""

from ...wording import SettingError

STREAM = "-"
"""Standard input or output, in place of a picture's file."""


class UsageError(ValueError):
    """The command is wrong as written.

    Args:
        text: one line for the user.
        field: what it is about, see `jnst.wording.field_of`; "sweep" and "preset" as well.
    """

    def __init__(self, text: str, field: str | None = None) -> None:
        super().__init__(text)
        self.field = field


def option(field: str) -> str:
    """The option of a field of `Config`.

    >>> option("tv_weight")
    '--tv-weight'
    """
    return "--" + field.replace("_", "-")


def option_words(field: str, value: object) -> list[str]:
    """The option that sets a field to a value.

    >>> option_words("clamp", False), option_words("scales", (0.5, 1.0))
    (['--no-clamp'], ['--scales', '0.5', '1'])
    >>> option_words("style_layers", ()), option_words("noise", 1 / 3)
    (['--style-layers', ''], ['--noise', '0.3333333333333333'])
    """
    if isinstance(value, bool):
        return [option(field if value else f"no_{field}")]
    values = value if isinstance(value, tuple) else (value,)
    return [option(field), *(map(_word, values) if values else [""])]


def _word(value: object) -> str:
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return short if not isinstance(value, float) or float(short) == value else repr(value)


def in_options(error: ValueError) -> str:
    """The text of an error of the library, with its settings spelt as options.

    >>> from jnst.wording import Setting
    >>> in_options(SettingError(Setting("size_side"), " is 3: use ", Setting("clamp", True)))
    '--size-side is 3: use --clamp'
    """
    if not isinstance(error, SettingError):
        return str(error)
    return error.told(
        lambda named: (
            option(named.field)
            if named.value is None
            else " ".join(option_words(named.field, named.value))
        )
    )
