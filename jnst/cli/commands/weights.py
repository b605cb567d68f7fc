"""`jnst weights`: lists, fetches, converts and checks weight files.

Errors are exceptions, which `jnst.cli.main` turns into one line and an exit code.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...network import convert_weights, fetch_weights, find_weights
from ...network.architecture import CONVOLUTIONS
from ...network.manifest import known_files
from ...network.preprocessing import INPUTS
from ...wording import nearest
from ..console import show
from ..options.parser import Parser
from ..options.words import UsageError
from .weights_report import details, overview

_EXAMPLES = """examples:
  jnst weights fetch vgg19
  jnst weights check vgg19-dcbb9e9d.pth
  jnst weights convert vgg19-dcbb9e9d.pth -o vgg19.h5 --dtype float16
  jnst --content cat.jpg --style night.jpg --weights vgg19.h5"""


def main(argv: Sequence[str]) -> int:
    """Runs a verb, such as `fetch`, prints its result, and returns 0.

    Args:
        argv: the words after `weights`.

    Raises:
        UsageError: for wrong words; the message suggests the nearest valid ones.
        OSError, ValueError, ImportError: if a file cannot be fetched, read, written, or used.
    """
    _check_verb(argv)
    parser, verbs = _parser()
    typed, extra = parser.parse_known_args(list(argv))
    if extra:  # argparse would not suggest the nearest option of the verb
        verbs[typed.verb].error(f"unrecognized arguments: {' '.join(extra)}")
    return int(_VERBS[typed.verb](typed))


def _check_verb(argv: Sequence[str]) -> None:
    """Refuses a wrong verb; argparse does so only after the options, and suggests none."""
    word = argv[0] if argv else ""
    if word in _VERBS or word in ("-h", "--help"):
        return
    hint = nearest(word, _VERBS)
    raise UsageError(f"weights: unknown {word!r}; {hint}" if word else f"weights: {hint}")


def _parser() -> tuple[Parser, dict[str, Parser]]:
    """The parser, and the parser of each verb."""
    parser = Parser(
        prog="jnst weights",
        description="Weight files: which are known and here; fetching, converting, checking them.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    verbs = parser.add_subparsers(dest="verb", metavar="{list,fetch,convert,check}", required=True)

    def add(name: str, text: str) -> Any:
        return verbs.add_parser(name, help=text, description=text, allow_abbrev=False)

    add("list", "The files that jnst knows: size, licence, and whether they are here.")
    fetch = add("fetch", "Brings a network's weights into the cache, and goes on where it broke.")
    fetch.add_argument("network", metavar="NETWORK", help=f"{' or '.join(_fetchable())}")
    fetch.add_argument("--quiet", action="store_true", help="tell the result and errors only")
    convert = add("convert", "Writes a weight file of any known format as jnst's own .h5.")
    convert.add_argument("file", metavar="FILE", help="the file to read")
    convert.add_argument("-o", "--output", metavar="OUT.h5", required=True, help="the new file")
    convert.add_argument(
        "--dtype",
        choices=("float32", "float16"),
        default="float32",
        help="of the kernels (default: float32; float16 is half the size)",
    )
    check = add("check", "Tells all about a weight file; exit code 0 if jnst can use it, else 1.")
    check.add_argument("file", metavar="FILE", help="the file to read")
    for verb in (convert, check):
        verb.add_argument(
            "--preprocess",
            choices=tuple(INPUTS),
            help="what a network of unknown origin was trained on (the known ones need it not)",
        )
    return parser, verbs.choices


def _list(_: argparse.Namespace) -> int:
    show(*overview())
    return 0


def _fetch(typed: argparse.Namespace) -> int:
    network = typed.network
    if network not in CONVOLUTIONS:
        hint = nearest(network, CONVOLUTIONS, f"choose {' or '.join(_fetchable())}")
        raise UsageError(f"unknown network {network!r}; {hint}")
    path = None if network in _fetchable() else find_weights(network)
    show(str(path or fetch_weights(network, progress=not typed.quiet)))
    return 0


def _convert(typed: argparse.Namespace) -> int:
    source, out = Path(typed.file), Path(typed.output)
    if out.suffix.lower() not in (".h5", ".hdf5"):
        raise UsageError(f"--output: {typed.output!r} would be an HDF5 file: end its name in .h5")
    if os.path.realpath(source.expanduser()) == os.path.realpath(out.expanduser()):
        raise UsageError(f"--output would overwrite the input {typed.file!r}; choose another name")
    preprocessing = INPUTS.get(typed.preprocess)
    show(str(convert_weights(source, out, dtype=typed.dtype, preprocessing=preprocessing)))
    return 0


def _check(typed: argparse.Namespace) -> int:
    for line in details(Path(typed.file).expanduser(), INPUTS.get(typed.preprocess)):
        show(line)
    return 0


def _fetchable() -> list[str]:
    return [file.network for file in known_files() if file.download]


_VERBS = {"list": _list, "fetch": _fetch, "convert": _convert, "check": _check}
