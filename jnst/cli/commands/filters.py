"""`jnst filters`: figures of what filters detect, classic ones and a network's.

Errors are exceptions, which `jnst.cli.main` turns into one line and an exit code.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...figures.filters import feature_maps, filter_sheet, first_filters
from ...figures.panels import check_format, save_figure
from ...files import prove_writable
from ...images import fit_size, read_image, resize_picture
from ...images.opening import MAX_FILE_SIZE, MAX_PIXELS
from ...network import Params, load_weights
from ...network.architecture import check_layers
from ...network.preprocessing import INPUTS
from ...system import check_device
from ..console import show
from ..options.groups import LIMITS, NETWORKS, add_options
from ..options.parser import Parser
from ..options.words import UsageError

KINDS = ("classic", "vgg", "maps")
_LAYER, _COUNT = "relu3_1", 12
_MOST_PADDING = 1000
# The kinds for which an option has an effect; with others it is refused, not ignored.
_EFFECT = {
    "stride": ("classic",),
    "padding": ("classic",),
    "layer": ("maps",),
    "count": ("maps",),
    "network": ("vgg", "maps"),
    "weights": ("vgg", "maps"),
    "preprocess": ("vgg", "maps"),
    "offline": ("vgg", "maps"),
}


def main(argv: Sequence[str]) -> int:
    """Draws the figure, prints its path, and returns 0.

    Args:
        argv: the words after `filters`.

    Raises:
        UsageError: for wrong words; the message suggests the nearest valid ones.
        OSError, ValueError: if a file cannot be read, written, or used.
    """
    typed = _parse(argv)
    prove_writable(typed.output)
    check_device()
    pixels = _photograph(typed) if typed.image else None
    if typed.kind == "vgg":
        figure = first_filters(_network(typed), pixels)
    elif pixels is None:
        raise UsageError("--image is missing: give a photograph (--help shows all options)")
    elif typed.kind == "maps":
        params = _network(typed)
        layer = _known_layer(params.network, typed.layer or _LAYER)
        figure = feature_maps(params, pixels, layer, typed.count or _COUNT)
    else:
        figure = filter_sheet(
            pixels,
            stride=typed.stride or 1,
            padding="SAME" if typed.padding is None else typed.padding,
        )
    save_figure(figure, typed.output)
    show(typed.output)
    return 0


def _parser() -> Parser:
    parser = Parser(
        prog="jnst filters",
        description="Draws what filters see in a photograph.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--image", metavar="FILE", help="the photograph; --kind vgg can do without")
    add("--output", metavar="FILE", required=True, help="the picture to write, .png or .svg")
    add(
        "--kind",
        choices=KINDS,
        default="classic",
        help="classic filters (default), a network's first filters, or a layer's strongest maps",
    )
    add("--size", type=_positive, default=512, metavar="N", help=_SIZE_HELP)
    add(
        "--stride", type=_positive, metavar="N", help="classic: pixels between results (default: 1)"
    )
    add("--padding", type=_padding, metavar="P", help=_PADDING_HELP)
    add("--layer", metavar="NAME", help=f"maps: the layer to show (default: {_LAYER})")
    add("--count", type=_positive, metavar="N", help=f"maps: how many (default: {_COUNT})")
    add("--network", choices=NETWORKS, help="vgg, maps: the network (default: vgg16, built in)")
    add("--weights", metavar="FILE", help="vgg, maps: a weight file of your own")
    add("--preprocess", choices=tuple(INPUTS), help="vgg, maps: the input of unknown --weights")
    add("--offline", action="store_const", const=True, help=_OFFLINE_HELP)
    add_options(parser, LIMITS)
    parser.set_defaults(max_pixels=MAX_PIXELS, max_file_size=MAX_FILE_SIZE)
    return parser


_SIZE_HELP = "a longer side above N pixels is reduced to it first (default: 512)"
_OFFLINE_HELP = "vgg, maps: download nothing (so does JNST_OFFLINE=1)"
_PADDING_HELP = "classic: SAME (default), VALID, or pixels of zeros on each side"


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return value


def _padding(text: str) -> str | int:
    if text.upper() in ("SAME", "VALID"):
        return text.upper()
    if text.isdecimal():
        if int(text) > _MOST_PADDING:
            raise argparse.ArgumentTypeError(f"{text} is too much: {_MOST_PADDING} at most")
        return int(text)
    raise argparse.ArgumentTypeError(f"unknown padding {text!r}; use SAME, VALID or a number")


def _parse(argv: Sequence[str]) -> Any:
    typed = _parser().parse_args(list(argv))
    check_figure_path(typed.output, (typed.image, typed.weights))
    for field, kinds in _EFFECT.items():
        if getattr(typed, field) is not None and typed.kind not in kinds:
            fitting = " or ".join(f"--kind {kind}" for kind in kinds)
            raise UsageError(f"--{field} has no effect with --kind {typed.kind}; use {fitting}")
    if typed.preprocess and not typed.weights:
        raise UsageError("--preprocess is for weights of unknown origin: add --weights FILE")
    if typed.layer and not typed.weights:
        _known_layer(typed.network or "vgg16", typed.layer)
    return typed


def check_figure_path(output: str, inputs: Sequence[str | None]) -> None:
    """Raises UsageError unless `output` ends in .png or .svg and is none of the inputs."""
    try:
        check_format(output)
    except ValueError as error:
        raise UsageError(f"--output: {error}") from None
    for path in inputs:
        if path is not None and Path(path).resolve() == Path(output).resolve():
            raise UsageError(f"--output would overwrite the input {path!r}; choose another name")


def _known_layer(network: str, layer: str) -> str:
    try:
        check_layers(network, [layer])
    except ValueError as error:
        raise UsageError(f"--layer: {error}") from None
    return layer


def _photograph(typed: Any) -> NDArray[np.float32]:
    limits = {"max_pixels": typed.max_pixels, "max_file_size": typed.max_file_size}
    pixels = read_image(typed.image, **limits).pixels
    height, width = pixels.shape[:2]
    return resize_picture(pixels, *fit_size(height, width, typed.size, enlarge=False))


def _network(typed: Any) -> Params:
    offline = bool(typed.offline)
    if typed.weights:
        chosen = INPUTS.get(typed.preprocess or "")
        return load_weights(Path(typed.weights), network=typed.network, preprocessing=chosen)
    return load_weights(typed.network or "vgg16", offline=offline, progress=True)
