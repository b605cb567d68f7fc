"""The options of the command line and their help; those of a run are generated from `Config`."""

import argparse
import difflib
from collections.abc import Iterable
from dataclasses import fields
from typing import Any, NoReturn, get_args, get_type_hints

from .image_file import MAX_FILE_SIZE, MAX_PIXELS
from .presets import PRESETS, Config
from .typed_words import (
    READERS,
    count,
    devices,
    interval,
    listed,
    size_in_bytes,
    tile,
    whole,
)
from .vgg import INPUTS, LAYERS

NETWORKS = tuple(LAYERS)
STREAM = "-"
"""Standard input or output in the place of a picture's file."""
WHOLE = "none"
"""In the place of a style's mask: all of it counts."""

USAGE = """jnst --content FILE --style FILE [FILE …] [--output FILE] [options]
       jnst --content FILE|FOLDER|PATTERN … --style FILE|FOLDER|PATTERN … [options]
       jnst --resume FILE [options]
       jnst --rerun FILE"""

EPILOG = """examples:
  jnst --content cat.jpg --style night.jpg
  jnst --content cat.jpg --style night.jpg waves.jpg --style-weights 3 1 --output cat.jpg
  jnst --content cat.jpg --style night.jpg --preset gatys2016 --size 384 --steps 300
  jnst --preset gatys2016 --help
  jnst --content cat.jpg --style night.jpg --sweep content_weight=1,5,20 --output sweep/
  jnst --content photos/ --style night.jpg waves.jpg --output "out/{content}_{style}.png"

One content and several style files make one painting, in the blend of the styles, unless you say
--every-pair. Several contents, or a folder or a quoted pattern in either place, make a painting of
each content in each style: see "many paintings". So does each --sweep of its values.

Other commands: jnst filters --help (what filters see), jnst curves --help (losses, drawn),
jnst weights --help (which networks are here; fetching, converting, checking them).

Lists are separated by spaces or commas. A layer is called relu4_2, or conv4_2 before its ReLU.
A preset sets the options of a run; options typed beside it change it.

A picture called - is read from standard input; --output - writes a PNG to standard output.

The result (the painting's path and its losses) goes to stdout; progress and messages go to
stderr. Exit code: 0 done; 1 a file, the network or the computation failed; 2 the command is
wrong; 128 + n stopped by signal n: Ctrl-C (130), SIGTERM (143) and SIGHUP (129) finish the step
and save the painting as far as it got, and the checkpoint; Ctrl-C again stops at once."""


class UsageError(ValueError):
    """The command cannot be meant as it is written; the message is one line for a person."""


def nearest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """The known word that was probably meant; if none is near, `otherwise` or all of them.

    >>> nearest("strid", ["stride", "padding"])
    'did you mean stride?'
    """
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1)
    return (
        f"did you mean {close[0]}?" if close else otherwise or f"choose one of {', '.join(known)}"
    )


def without(words: Iterable[str], *options: str) -> list[str]:
    """The words but those options and their values.

    >>> without(["--style", "a.png", "b.png", "--size", "9", "--resume=x"], "--style", "--resume")
    ['--size', '9']
    >>> without(["--content", "-", "--size", "9"], "--content")
    ['--size', '9']
    """
    kept, skipping = [], False
    for word in words:
        if word.startswith("-") and word != STREAM:
            skipping = word.split("=")[0] in options
        if not skipping:
            kept.append(word)
    return kept


def unknown_option(word: str, parser: argparse.ArgumentParser) -> str:
    """The text for an option, or option=value, that a parser does not have."""
    word = word.split("=")[0]
    known = [name for action in parser._actions for name in action.option_strings]
    return f"unknown option {word}; {nearest(word, known, '--help shows all options')}"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message.removeprefix("argument "))


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32)


def option(field: str) -> str:
    """The option of a field of `Config`.

    >>> option("tv_weight")
    '--tv-weight'
    """
    return "--" + field.replace("_", "-")


def build_parser(preset: str = "default", version: str = "") -> argparse.ArgumentParser:
    """The parser of a run; its help shows the defaults of the named preset.

    The parsed namespace has a field of `Config` only if it was typed.
    """
    parser = _Parser(
        prog="jnst",
        usage=USAGE,
        description="Paints a photograph in the style of one or more pictures.",
        epilog=EPILOG,
        formatter_class=_Formatter,
        allow_abbrev=False,
        add_help=False,
    )
    _add_files(parser.add_argument_group("files"))
    _add_masks(parser.add_argument_group("regions"))
    _add_many(parser.add_argument_group("many paintings"))
    _add_checkpoints(parser.add_argument_group("checkpoints"))
    _add_network(parser.add_argument_group("network"))
    _add_memory(parser.add_argument_group("memory"))
    _add_devices(parser.add_argument_group("devices"))
    _add_run(parser, preset)
    other = parser.add_argument_group("other")
    other.add_argument("--quiet", action="store_true", help="tell the result and errors only")
    other.add_argument("--rerun", metavar="FILE", help="print the command that made this painting")
    other.add_argument("--version", action="version", version=f"jnst {version}")
    other.add_argument(
        "-h", "--help", action="help", help="print this, with the defaults of --preset"
    )
    return parser


def _add_files(group: Any) -> None:
    group.add_argument(
        "--content",
        metavar="FILE",
        nargs="+",
        action="extend",
        help="the photograph to paint, or several: files, folders, quoted patterns",
    )
    group.add_argument(
        "--style",
        metavar="FILE",
        nargs="+",
        action="extend",
        help="the pictures to paint like: files, folders, quoted patterns",
    )
    group.add_argument(
        "--output",
        metavar="FILE",
        help="the painting, .png, .jpg, .webp or .tif, or a folder; {content}, {style}, {preset}, "
        "{size}, {seed} and {index} are filled in, also in --log, --checkpoint and --snapshots "
        "(default: {content}_{style}.png, here)",
    )
    group.add_argument(
        "--bits", type=whole, default=8, metavar="N", help="8, or 16 for .png and .tif"
    )
    group.add_argument("--init-image", metavar="FILE", help="the picture that --init file means")
    group.add_argument(
        "--save-every",
        type=whole,
        default=0,
        metavar="N",
        help="save snapshots at steps 1, 1+N, 1+2N, …, and in the end OUTPUT_sheet.png with all",
    )
    group.add_argument(
        "--snapshots", metavar="FOLDER", help="where snapshots go (default: OUTPUT_steps)"
    )
    group.add_argument(
        "--log", metavar="FILE", help="the losses of each step, one JSON object a line"
    )
    add_limits(group)


def add_limits(group: Any) -> None:
    """The options that raise the limits of `read_image`."""
    group.add_argument(
        "--max-pixels",
        type=count,
        default=MAX_PIXELS,
        metavar="N",
        help=f"refuse pictures of more pixels (default: {MAX_PIXELS})",
    )
    group.add_argument(
        "--max-file-size",
        type=count,
        default=MAX_FILE_SIZE,
        metavar="N",
        help=f"refuse picture files of more bytes (default: {MAX_FILE_SIZE // 10**9}G)",
    )


def _add_masks(group: Any) -> None:
    group.add_argument(
        "--content-mask",
        metavar="FILE",
        nargs="+",
        action="extend",
        help="where each --style acts: a gray picture for each, white inside, black outside, of "
        "the content's proportions (default: everywhere, in their blend)",
    )
    group.add_argument(
        "--style-mask",
        metavar="FILE",
        nargs="+",
        action="extend",
        help=f"which part of each --style is looked at, {WHOLE} for all of it",
    )
    group.add_argument(
        "--keep-mask",
        metavar="FILE",
        help="white stays exactly as it is in the content, gray is faded into the painting",
    )


def _add_many(group: Any) -> None:
    ways = group.add_mutually_exclusive_group()
    for name, text in (
        ("every-pair", "a painting of each content in each style"),
        ("pairs", "the first content in the first style, the second in the second, …"),
        (
            "blend",
            "a painting of each content in the blend of all styles, as --style-weights says; a "
            "folder is one style, its pictures averaged",
        ),
    ):
        ways.add_argument(f"--{name}", action="store_const", const=name, dest="combine", help=text)
    group.add_argument(
        "--sweep",
        metavar="NAME=X,Y,…",
        action="append",
        default=[],
        help="try each of these values of an option below, with each of every other --sweep: a "
        "painting of each, {sweep} and {NAME} in its name, and a sheet of all",
    )
    group.add_argument(
        "--style-blend",
        type=whole,
        metavar="N",
        help="N paintings from the first of two styles to the second, and a sheet of all",
    )
    group.add_argument(
        "--overwrite",
        action="store_true",
        help="paint also what is finished, and replace files that jnst did not make",
    )
    group.add_argument(
        "--bucket",
        type=whole,
        metavar="N",
        help="round the side that --size does not give up to a multiple of N: the content is "
        "mirrored at its borders, and the painting cut back, so that pictures of nearly the same "
        "shape share one compilation (default: 16 for many paintings, 1 for one)",
    )


def _add_checkpoints(group: Any) -> None:
    group.add_argument(
        "--checkpoint", metavar="FILE", help="keep the whole state of the run in this file"
    )
    group.add_argument(
        "--checkpoint-every",
        type=interval,
        metavar="60s|N",
        help="how often: a time, or a number of steps (default: 60s); and always at the end",
    )
    group.add_argument(
        "--resume",
        metavar="FILE",
        help="go on from a checkpoint, with all of its options; --steps N gives the last scale "
        "more steps",
    )


def _add_network(group: Any) -> None:
    group.add_argument(
        "--network",
        metavar=_braces(NETWORKS),
        help="the network that looks (default: vgg19, or the built-in vgg16 if it cannot be had)",
    )
    group.add_argument("--weights", metavar="FILE", help="a weight file of your own")
    group.add_argument(
        "--preprocess",
        choices=tuple(INPUTS),
        help="what --weights of unknown origin expect (for the known ones it is known)",
    )
    group.add_argument(
        "--offline", action="store_true", help="download nothing (so does JNST_OFFLINE=1)"
    )


def _add_memory(group: Any) -> None:
    group.add_argument(
        "--memory",
        type=size_in_bytes,
        metavar="4GB",
        help="use no more: large pictures are computed by windows, with the same result, and "
        "L-BFGS remembers less where it must (default: 80%% of what is free)",
    )
    group.add_argument(
        "--tile",
        type=tile,
        metavar="N",
        help="compute by windows of N pixels, 128 or more; 0: the whole picture at once (default: "
        "as --memory allows)",
    )


def _add_devices(group: Any) -> None:
    group.add_argument(
        "--devices",
        type=devices,
        metavar="N|all",
        help="share the work between N devices (default: 1): one painting by bands of its rows, of "
        "many each makes its own, in turn; a CPU counts as N, which saves no time",
    )
    group.add_argument(
        "--coordinator",
        metavar="HOST:PORT",
        help="share it with other processes, begun with the same command here or on other hosts; "
        "they meet at this address of process 0, which alone writes",
    )
    group.add_argument("--processes", type=whole, metavar="N", help="how many there are")
    group.add_argument(
        "--process-id", type=whole, metavar="I", help="the number of this one, from 0"
    )


def _add_run(parser: argparse.ArgumentParser, preset: str) -> None:
    """An option for each field of `Config`, in the groups that their metadata name."""
    start = parser.add_argument_group("preset")
    start.add_argument(
        "--preset",
        metavar=_braces(PRESETS),
        help="where the options below start (default: default)",
    )
    start.add_argument(
        "--config",
        metavar="FILE",
        help="a .toml file of the options below, and of preset; what is typed wins over the file, "
        "the file over the preset",
    )
    start.add_argument(
        "--save-config",
        metavar="FILE",
        help="write the options below to a .toml file; without pictures, do nothing else",
    )
    groups: dict[str, Any] = {}
    kinds = get_type_hints(Config)
    for spec in fields(Config):
        title = spec.metadata["group"]
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        value, choices = getattr(PRESETS[preset], spec.name), spec.metadata["choices"]
        text = f"{spec.metadata['help']} (default: {_shown(value)})".replace("%", "%%")
        settings: dict[str, Any] = {"help": text, "default": argparse.SUPPRESS}
        if kinds[spec.name] is bool:
            settings["action"] = argparse.BooleanOptionalAction
        else:
            kind = (get_args(kinds[spec.name]) or (kinds[spec.name],))[0]
            read, name = READERS[kind]
            many = isinstance(value, tuple)
            settings["type"] = listed(read) if many else read
            settings["nargs"] = ("+" if spec.default else "*") if many else None
            settings["metavar"] = _braces(choices) if choices else name
        groups[title].add_argument(option(spec.name), **settings)


def _braces(names: Any) -> str:
    return "{" + ",".join(names) + "}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(map(_shown, value)) or "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
