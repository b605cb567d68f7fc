"""A command line as a checked value; nothing is read or written, and no array is made, here."""

import argparse
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

from .batch import TEMPLATED, Batch, as_template, filled, is_many, names
from .device_options import Devices, check_shared, devices_of
from .effects import idle_fields
from .mask_options import MaskFiles, masks_of, refuse_for_many
from .parser import (
    NETWORKS,
    STREAM,
    UsageError,
    build_parser,
    nearest,
    option,
    unknown_option,
    without,
)
from .presets import PRESETS, Config, preset
from .sweep_words import interpolation, read_sweeps
from .typed_words import Interval
from .vgg import check_layers

SUBCOMMANDS = {
    "filters": "jnst.cli_filters",
    "curves": "jnst.cli_curves",
    "weights": "jnst.cli_weights",
}
"""First words that name another command, and the module whose `main(argv)` runs it."""

_FIELDS = tuple(spec.name for spec in fields(Config))


class Resume(NamedTuple):
    """A command that goes on from the checkpoint at `path`, and all of its words."""

    path: str
    words: tuple[str, ...]
    quiet: bool


@dataclass(frozen=True)
class Request:
    """What a command asks for.

    Attributes:
        content, styles, output: paths as they were typed, - for standard input and output;
            `output` derived if it was not.
        preset: its name.
        config: the preset with the options that were typed.
        network: "vgg16" or "vgg19" if it was typed, else None.
        weights: path of a weight file, or None.
        preprocess: "caffe" or "torchvision" if the input of `weights` was named, else None.
        offline: whether a download is forbidden.
        init_image: path of the picture to start from, or None.
        masks: paths of masks.
        max_pixels, max_file_size: of the pictures that are read.
        bits: 8 or 16 for each channel of the output.
        bucket: what the side that the size leaves free is rounded up to a multiple of.
        save_every: steps between two snapshots, 0 for none.
        snapshots: folder of the snapshots.
        log: path of the log, or None.
        checkpoint: path of the checkpoint, or None.
        checkpoint_every: how often it is written.
        resume: path of the checkpoint that the run goes on from, or None.
        memory: bytes that may be used, or None for what is free.
        tile: pixels of the windows, 0 for the whole picture at once, or None if it was not typed.
        devices: what shares the work.
        quiet: whether only errors are told.
        notes: what a person should know about the command before it runs.
    """

    content: str
    styles: tuple[str, ...]
    output: str
    preset: str
    config: Config
    network: str | None
    weights: str | None
    preprocess: str | None
    offline: bool
    init_image: str | None
    masks: MaskFiles
    max_pixels: int
    max_file_size: int
    bits: int
    bucket: int
    save_every: int
    snapshots: str
    log: str | None
    checkpoint: str | None
    checkpoint_every: Interval
    resume: str | None
    memory: int | None
    tile: int | None
    devices: Devices
    quiet: bool
    notes: tuple[str, ...]

    @property
    def sheet(self) -> str:
        """Path of the contact sheet."""
        return beside(self.output, "_sheet.png")


def beside(output: str, ending: str) -> str:
    """A path next to `output`, with its name up to the suffix and another ending.

    >>> beside("art/cat.jpg", "_steps"), beside("-", "_steps")
    ('art/cat_steps', 'painting_steps')
    """
    path = Path("painting" if output == STREAM else output)
    return str(path.with_name(path.stem + ending))


def parse(argv: Sequence[str], *, version: str = "") -> Request | Batch | Resume | str:
    """Reads a command.

    One content and files as styles are one painting, unless `--pairs` or `--every-pair` says
    otherwise; several contents, a folder or a pattern are a batch.

    Args:
        argv: the words after the program's name.
        version: what `--version` prints.

    Returns:
        The request; for many paintings a `Batch`; for `--resume FILE` a `Resume`; for
        `--rerun FILE` that file's name.

    Raises:
        UsageError: for an unknown option, preset, layer or choice (with the nearest one), a value
            out of range, or options that do not go together.
        SystemExit: with code 0, when `--help` or `--version` has printed its text.

    Example:
        >>> request = parse(["--content", "cat.jpg", "--style", "night.jpg", "--size", "300"])
        >>> request.output, request.config.size, request.network
        ('cat_night.png', 300, None)
        >>> parse(["--content", "cat.jpg", "--style", "night.jpg", "--stpes", "9"])
        Traceback (most recent call last):
        ...
        jnst.parser.UsageError: unknown option --stpes; did you mean --steps?
    """
    name = preset_name(argv)
    parser = build_parser(name, version)
    typed, extra = parser.parse_known_args(list(argv))
    if extra:
        raise UsageError(_unexpected(extra, parser))
    if typed.rerun is not None:
        if len(argv) > 2:
            raise UsageError("--rerun FILE only prints a command; it goes with no other option")
        return str(typed.rerun)
    if typed.resume is not None:
        if typed.memory is not None:
            raise UsageError(
                "--memory is settled when a run begins: leave it out, or give --tile N"
            )
        return Resume(typed.resume, tuple(argv), typed.quiet)
    for needed in ("content", "style"):
        if not getattr(typed, needed):
            raise UsageError(f"--{needed} is missing: give a picture (--help shows all options)")
    if typed.bucket is not None and typed.bucket < 1:
        raise UsageError(f"--bucket is {typed.bucket}: give a whole number of at least 1")
    _check_style_blend(typed)
    several = len(typed.content) > 1 or any(map(is_many, (*typed.content, *typed.style)))
    several = several or typed.combine in ("pairs", "every-pair")
    if several or typed.sweep or typed.style_blend:
        return _batch(typed, argv, several)
    return _request(typed, name)


def _batch(typed: argparse.Namespace, argv: Sequence[str], several: bool) -> Batch:
    if STREAM in (*typed.content, *typed.style, typed.init_image, typed.output):
        raise UsageError("- is one picture: many paintings are made of files and into files")
    if devices_of(typed).processes > 1:
        raise UsageError(
            "--coordinator shares the work on one painting: give one --content, no folder"
        )
    many_contents = len(typed.content) > 1 or is_many(typed.content[0])
    refuse_for_many(typed, several or typed.combine not in (None, "blend"), many_contents)
    blended = len(sum(getattr(typed, "style_weights", []), ())) > 1
    own = (
        "content",
        "style",
        "pairs",
        "every-pair",
        "blend",
        "overwrite",
        "bucket",
        "sweep",
        "style-blend",
        "devices",
        *TEMPLATED,
    )
    fixed = {name for name in (*_FIELDS, "preset") if getattr(typed, name, None) is not None}
    sweeps = read_sweeps(typed.sweep, fixed)
    sweeps += (interpolation(typed.style_blend),) if typed.style_blend else ()
    blended = blended or bool(typed.style_blend)
    typed_templates = {name: getattr(typed, name) for name in TEMPLATED}
    return Batch(
        words=tuple(without(argv, *(f"--{name}" for name in own))),
        contents=tuple(typed.content),
        styles=tuple(typed.style),
        combine=typed.combine or ("blend" if blended or not several else "every-pair"),
        sweeps=sweeps,
        templates={name: value for name, value in typed_templates.items() if value},
        bucket=(16 if several else 1) if typed.bucket is None else typed.bucket,
        overwrite=typed.overwrite,
        quiet=typed.quiet,
    )


def _check_style_blend(typed: argparse.Namespace) -> None:
    count = typed.style_blend
    if count is None:
        return
    if count < 2:
        raise UsageError(f"--style-blend is {count}: give a number of paintings of at least 2")
    if len(typed.style) != 2 or typed.combine not in (None, "blend"):
        raise UsageError(
            f"--style-blend goes from one style to another: give two, not {len(typed.style)}, and "
            "neither --pairs nor --every-pair"
        )
    swept = (text.partition("=")[0].replace("-", "_") for text in typed.sweep)
    if hasattr(typed, "style_weights") or "style_weights" in swept:
        raise UsageError("--style-blend sets --style-weights itself: give one of the two")


def config_of(argv: Sequence[str]) -> tuple[str, Config]:
    """The preset that a command names and the config that it means; it need not name pictures.

    Raises:
        UsageError: for an unknown option, or a wrong value.
    """
    name = preset_name(argv)
    parser = build_parser(name)
    typed, extra = parser.parse_known_args(list(argv))
    if extra:
        raise UsageError(_unexpected(extra, parser))
    return name, _config(typed, name)


def preset_name(argv: Sequence[str]) -> str:
    """The preset that a command names, "default" if it names none; UsageError if it is unknown."""
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    finder.add_argument("--preset", nargs="?", default="default")
    name = finder.parse_known_args(list(argv))[0].preset
    if name is None:
        raise UsageError(f"--preset needs a name: choose one of {', '.join(PRESETS)}")
    if name not in PRESETS:
        raise UsageError(f"unknown preset {name!r}; {nearest(name, PRESETS)}")
    return str(name)


def _unexpected(extra: list[str], parser: argparse.ArgumentParser) -> str:
    strays = [word for word in extra if word.startswith("-")]
    if strays:
        return unknown_option(strays[0], parser)
    hint = "pictures are given as --content FILE and --style FILE"
    return f"unexpected {extra[0]!r}; {nearest(extra[0], SUBCOMMANDS, hint)}"


def _request(typed: argparse.Namespace, name: str) -> Request:
    config = _config(typed, name)
    styles = tuple(typed.style)
    if typed.network is not None and typed.network not in NETWORKS:
        raise UsageError(f"unknown network {typed.network!r}; {nearest(typed.network, NETWORKS)}")
    try:
        check_layers(typed.network or "vgg19", (*config.content_layers, *config.style_layers))
        for per_style in (config.weights_per_style, config.scales_per_style):
            per_style(len(styles))
        config.sizes_per_style(len(styles))
    except ValueError as error:
        raise UsageError(in_options(str(error))) from None
    for field, why in idle_fields(config, len(styles)).items():
        if hasattr(typed, field):
            raise UsageError(why)
    if typed.preprocess and not typed.weights:
        raise UsageError("--preprocess is for weights of unknown origin: add --weights FILE")
    if typed.bits not in (8, 16):
        raise UsageError(f"--bits is {typed.bits}: choose 8 or 16")
    if typed.save_every < 0:
        raise UsageError(f"--save-every is {typed.save_every}: give a number of steps, or 0")
    if typed.snapshots and not typed.save_every:
        raise UsageError("--snapshots says where, but not when: add --save-every N")
    if typed.checkpoint_every and not typed.checkpoint:
        raise UsageError("--checkpoint-every says when, but not where: add --checkpoint FILE")
    if typed.memory is not None and typed.tile is not None:
        raise UsageError("--memory chooses the windows that --tile names: give one of the two")
    masks = masks_of(typed)
    if [*typed.content, *styles, typed.init_image, *masks.named().values()].count(STREAM) > 1:
        raise UsageError("standard input holds one picture: give - once, and files for the others")
    (content,) = typed.content
    values = names(content, styles, name, config.size, config.seed, 1)
    paths = {n: filled(n, getattr(typed, n), values) for n in TEMPLATED if getattr(typed, n)}
    output = filled("output", as_template(typed.output), values)
    devices = devices_of(typed)
    check_shared(typed, devices)
    if devices.processes > 1 and output == STREAM:
        # The library by which the processes talk writes a line there.
        raise UsageError("--output - is not for several processes: give a file")
    return Request(
        content=content,
        styles=styles,
        output=output,
        preset=name,
        config=config,
        network=typed.network,
        weights=typed.weights,
        preprocess=typed.preprocess,
        offline=typed.offline or os.environ.get("JNST_OFFLINE", "") not in ("", "0"),
        init_image=typed.init_image,
        masks=masks,
        max_pixels=typed.max_pixels,
        max_file_size=typed.max_file_size,
        bits=typed.bits,
        bucket=typed.bucket or 1,
        save_every=typed.save_every,
        snapshots=paths.get("snapshots") or beside(output, "_steps"),
        log=paths.get("log"),
        checkpoint=paths.get("checkpoint"),
        checkpoint_every=typed.checkpoint_every or Interval(seconds=60.0),
        resume=None,
        memory=typed.memory,
        tile=typed.tile,
        devices=devices,
        quiet=typed.quiet,
        notes=_notes(typed),
    )


def _config(typed: argparse.Namespace, name: str) -> Config:
    changes = {}
    for field, value in vars(typed).items():
        if field in _FIELDS:
            changes[field] = sum(value, ()) if isinstance(value, list) else value
    if typed.init_image:
        changes.setdefault("init", "file")
    try:
        config = preset(name, **changes)
    except ValueError as error:
        raise UsageError(in_options(str(error))) from None
    if config.init == "file" and not typed.init_image:
        raise UsageError("--init file starts from a picture: add --init-image FILE")
    if config.init != "file" and typed.init_image:
        raise UsageError(f"--init-image has no use with --init {config.init}: use --init file")
    return config


def in_options(message: str) -> str:
    """Says an error of the library in the words of the command line.

    >>> in_options("tv_weight is -1.0: it must be a finite number of at least 0")
    '--tv-weight is -1.0: it must be a finite number of at least 0'
    >>> in_options("clamp has no effect with lbfgs: use optimizer='adam' or clamp=False")
    '--clamp has no effect with lbfgs: use --optimizer adam or --no-clamp'
    """
    names = "|".join(_FIELDS)

    def assignment(match: re.Match[str]) -> str:
        name, value = match.groups()
        if value in ("True", "False"):
            return option(name if value == "True" else f"no_{name}")
        return f"{option(name)} {value.strip(chr(39))}"

    message = re.sub(rf"\b({names})=('[^']*'|[\w.]+)", assignment, message)
    message = re.sub(rf"^({names})(?= (?:is|has)\b)", lambda m: option(m[1]), message)
    return re.sub(rf"(?<!-)\b({names})\b", lambda m: option(m[1]) if "_" in m[1] else m[1], message)


def _notes(typed: argparse.Namespace) -> tuple[str, ...]:
    notes = []
    chosen = typed.combine or typed.content_mask or hasattr(typed, "style_weights")
    if len(typed.style) > 1 and not chosen:
        count = len(typed.style)
        notes.append(f"one painting in the blend of {count} styles; --every-pair paints {count}")
    if typed.overwrite:
        notes.append("--overwrite has no effect on one painting: its file is always replaced")
    return tuple(notes)
