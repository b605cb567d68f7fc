"""The options of the command line and their help; those of a run are generated from `Config`."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, NoReturn

from ...config import PRESETS, Config
from ...config.checks import field_kind
from ...files import NO_ADDRESS
from ...storage import is_address, is_remote
from ...wording import nearest, plain_name
from ..help import Help, default_words
from .groups import GROUPS, MODES, add_options, braces
from .settings import check_preset
from .values import READERS, listed
from .words import UsageError, option

SUBCOMMANDS = {
    "filters": "jnst.cli.commands.filters",
    "curves": "jnst.cli.commands.curves",
    "weights": "jnst.cli.commands.weights",
    "video": "jnst.cli.commands.video",
    "status": "jnst.cli.commands.status",
    "studio": "jnst.studio.command",
}
"""Names of other commands, and the module whose `main(argv)` runs each."""

USAGE = """jnst --content FILE --style FILE [FILE …] [--output FILE] [options]
       jnst --content FILE|FOLDER|PATTERN … --style FILE|FOLDER|PATTERN … [options]
       jnst --resume FILE [options]
       jnst --print-command FILE"""

EPILOG = """One content and several style files make one painting in their blend, or one in
each with --every-pair. Several contents, a folder, a quoted pattern, or --sweep make many: see
jnst --help many.

Lists are separated by spaces or commas. A layer is called relu4_2, or conv4_2 before its ReLU.
A picture called - is read from standard input; --output - writes a PNG to standard output.

The painting's path goes to standard output; of many, a line for each that is finished. All else
goes to standard error. Exit code: 0 done; 1 a file, the network or the computation failed; 2 the
command is wrong; 128 + n stopped by signal n. Ctrl-C, SIGTERM and SIGHUP finish the step and save
the painting so far, and the checkpoint; Ctrl-C again stops at once."""


_DEVICES = frozenset(
    ("gpu", "gpus", "gpu-id", "use-gpu", "cuda", "use-cuda", "device", "backend", "cpu", "tpu")
)
_OF_PICTURES = {name for rows in (*GROUPS.values(), MODES) for name, *_ in rows}
_OF_FILES = ("FILE", "FOLDER", "OUT.h5")
_DEVICE_HINT = (
    "JAX chooses the device: a GPU, if it is installed for one (JAX_PLATFORMS=cpu forbids that); "
    "see --devices"
)


def unknown_option(word: str, parser: argparse.ArgumentParser) -> str:
    """The error message for an option, or option=value, that a parser does not have."""
    word = word.split("=")[0]
    options = [name for action in parser._actions for name in action.option_strings]
    if plain_name(word) in _DEVICES and "--devices" in options:
        return f"unknown option {word}; {_DEVICE_HINT}"
    all_options = "--help all" if "--content" in options else "--help"
    if parser.prog == "jnst video" and plain_name(word) in _OF_PICTURES:
        return f"{word} is not for films; {all_options} shows all options of jnst video"
    return f"unknown option {word}; {nearest(word, options, f'{all_options} shows all options')}"


class Parser(argparse.ArgumentParser):
    """Raises UsageError instead of exiting, with the nearest option for one that does not exist.

    Refuses the address of a file on the web in place of its name, and an empty name: the unset
    variable of a script, which would stand for the current folder.
    """

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        for word in args or ():
            value = word.partition("=")[2] if word.startswith("--") else word
            if is_address(value) and not is_remote(value):
                raise UsageError(f"{value} {NO_ADDRESS}")
        parsed, rest = super().parse_known_args(args, namespace)
        for action in self._actions:
            value = getattr(parsed, action.dest, None)
            if action.metavar in _OF_FILES and "" in (
                value if isinstance(value, list | tuple) else [value]
            ):
                name = next(iter(action.option_strings), action.metavar)
                raise UsageError(f"{name} is empty: give the name of a file or folder")
        return parsed, rest

    def error(self, message: str) -> NoReturn:
        text = message.removeprefix("argument ")
        if text.startswith("unrecognized arguments: "):
            text = unknown_option(text.removeprefix("unrecognized arguments: ").split()[0], self)
        raise UsageError(text)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32)


def build_parser(
    preset: str = "default",
    version: str = "",
    groups: Mapping[str, Any] = GROUPS,
    **texts: str,
) -> argparse.ArgumentParser:
    """The parser of a run; its help shows the defaults of the named preset.

    The parsed namespace holds only what was typed.

    Args:
        preset: where the options start.
        version: what `--version` prints.
        groups: the options that are not fields of `Config`.
        texts: program, usage, description and epilog of another command than `jnst`.
    """
    own = {
        "prog": "jnst",
        "usage": USAGE,
        "description": "Paints a photograph in the style of one or more pictures.",
        "epilog": EPILOG,
    }
    parser = Parser(
        **own | texts,  # type: ignore[arg-type]
        formatter_class=_Formatter,
        allow_abbrev=False,
        add_help=False,
        argument_default=argparse.SUPPRESS,
    )
    for title, options in groups.items():
        group = parser.add_argument_group(title)
        if title == "many paintings":
            modes = group.add_mutually_exclusive_group()
            for name, text in MODES:
                flag = {"action": "store_const", "const": name, "dest": "combine"}
                add_options(modes, [(name, flag, text)])
        add_options(group, options)
    _add_run(parser, preset, savable=groups is GROUPS)
    other = parser.add_argument_group("other")
    other.add_argument("--quiet", action="store_true", help="tell the result and errors only")
    if groups is GROUPS:
        other.add_argument(
            "--print-command",
            "--rerun",
            metavar="FILE",
            dest="rerun",
            help="print the command that made this painting or film",
        )
    other.add_argument("--version", action="version", version=f"jnst {version}")
    other.add_argument(
        "-h",
        "--help",
        action=Help,
        nargs="*",
        const=preset,
        metavar="GROUP",
        help="print what most need; with a group, an option, or all: those; always with the "
        "defaults of --preset",
    )
    return parser


def typed_preset(argv: Sequence[str]) -> str:
    """The preset that a command names, "default" if it names none; UsageError if it is unknown."""
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    finder.add_argument("--preset", nargs="?", default="default")
    return check_preset(finder.parse_known_args(list(argv))[0].preset)


def typed_options(words: Sequence[str], parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options that were typed, as a parser reads them.

    Raises:
        UsageError: for a wrong value, an unknown option, or a word that belongs to no option.
        SystemExit: after `--help` or `--version` has printed its text.
    """
    typed, extra = parser.parse_known_args(list(words))
    if extra:
        raise UsageError(_unexpected(extra, parser))
    return typed


def _unexpected(extra: list[str], parser: argparse.ArgumentParser) -> str:
    strays = [word for word in extra if word.startswith("-")]
    if strays:
        return unknown_option(strays[0], parser)
    hint = "pictures are given as --content FILE and --style FILE"
    return f"unexpected {extra[0]!r}; {nearest(extra[0], SUBCOMMANDS, hint)}"


def _add_run(parser: argparse.ArgumentParser, preset: str, *, savable: bool) -> None:
    """Adds an option for each field of `Config`, in the groups that their metadata name."""
    start = parser.add_argument_group("preset")
    start.add_argument(
        "--preset",
        metavar=braces(PRESETS),
        help="where the options below start (default: default)",
    )
    start.add_argument(
        "--config",
        metavar="FILE",
        help="a .toml file of the options below, and of preset; what is typed wins over the file, "
        "the file over the preset",
    )
    if savable:
        start.add_argument(
            "--save-config",
            metavar="FILE",
            help="write the options below to a .toml file; without pictures, do nothing else",
        )
    groups: dict[str, Any] = {}
    for spec in fields(Config):
        title = spec.metadata["group"]
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        value, choices = getattr(PRESETS[preset], spec.name), spec.metadata["choices"]
        text = f"{spec.metadata['help']} (default: {default_words(value)})".replace("%", "%%")
        settings: dict[str, Any] = {"help": text}
        kind, is_list = field_kind(spec)
        if kind is bool:
            settings["action"] = argparse.BooleanOptionalAction
        else:
            read, name = READERS[kind]
            settings["type"] = listed(read) if is_list else read
            settings["nargs"] = ("+" if spec.default else "*") if is_list else None
            settings["metavar"] = braces(choices) if choices else name
        groups[title].add_argument(option(spec.name), **settings)
