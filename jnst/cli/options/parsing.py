"""The parser of a command line into a checked request; no file is read or written here."""

import argparse
import os
from collections.abc import Sequence

from ...config.effects import idle_fields
from ...network.architecture import check_layers
from ...wording import nearest
from .config import FIELDS, in_options, preset_name, typed_config
from .devices import check_shared, devices_of
from .groups import NETWORKS, WHOLE
from .parser import typed_options
from .patterns import is_many
from .request import Batch, MaskFiles, Request, Resume, beside
from .sweep import interpolation, read_sweeps
from .templates import TEMPLATED, as_template, filled, names
from .values import Interval
from .words import STREAM, UsageError, without


def parse(argv: Sequence[str], *, version: str = "") -> Request | Batch | Resume | str:
    """Parses a command line.

    One content and style files make one painting, unless `--pairs` or `--every-pair` is given;
    several contents, a folder, a pattern or a sweep make a batch.

    Args:
        argv: the words after the program's name.
        version: what `--version` prints.

    Returns:
        The request; for many paintings a `Batch`; for `--resume FILE` a `Resume`; for
        `--rerun FILE` that file's name.

    Raises:
        UsageError: for an unknown option, preset, layer or choice (with the nearest one), a value
            out of range, or options that do not go together.
        SystemExit: with code 0, after `--help` or `--version` has printed its text.

    Example:
        >>> request = parse(["--content", "cat.jpg", "--style", "night.jpg", "--size", "300"])
        >>> request.output, request.config.size, request.network
        ('cat_night.png', 300, 'vgg16')
        >>> parse(["--content", "cat.jpg", "--style", "night.jpg", "--stpes", "9"])
        Traceback (most recent call last):
        ...
        jnst.cli.options.words.UsageError: unknown option --stpes; did you mean --steps?
    """
    name = preset_name(argv)
    typed = typed_options(argv, name, version)
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
            raise UsageError(f"--{needed} is missing: give a picture (see --help)")
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
    batch_options = (
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
    fixed = {name for name in (*FIELDS, "preset") if getattr(typed, name, None) is not None}
    sweeps = read_sweeps(typed.sweep, fixed)
    sweeps += (interpolation(typed.style_blend),) if typed.style_blend else ()
    blended = blended or bool(typed.style_blend)
    typed_templates = {name: getattr(typed, name) for name in TEMPLATED}
    return Batch(
        words=tuple(without(argv, *(f"--{name}" for name in batch_options))),
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


def _request(typed: argparse.Namespace, name: str) -> Request:
    config = typed_config(typed, name)
    styles = tuple(typed.style)
    network = typed.network or (None if typed.weights else "vgg16")
    if network is not None and network not in NETWORKS:
        raise UsageError(f"unknown network {network!r}; {nearest(network, NETWORKS)}")
    try:
        # VGG-19 has every layer of VGG-16.
        check_layers(network or "vgg19", config.layers)
        for per_style in (config.weights_per_style, config.scales_per_style):
            per_style(len(styles))
        config.sizes_per_style(len(styles))
    except ValueError as error:
        raise UsageError(in_options(str(error))) from None
    for field, why in idle_fields(config, len(styles)).items():
        if hasattr(typed, field):
            raise UsageError(why)
    _check_together(typed)
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
        # The library that connects the processes writes a line to standard output.
        raise UsageError("--output - is not for several processes: give a file")
    return Request(
        content=content,
        styles=styles,
        output=output,
        preset=name,
        config=config,
        network=network,
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
        new_folder=(typed.output or "").endswith(("/", os.sep)),
    )


def _check_together(typed: argparse.Namespace) -> None:
    """Refuses options without effect, or that lack or exclude another one."""
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


def _notes(typed: argparse.Namespace) -> tuple[str, ...]:
    notes = []
    chosen = typed.combine or typed.content_mask or hasattr(typed, "style_weights")
    if len(typed.style) > 1 and not chosen:
        count = len(typed.style)
        notes.append(f"one painting in the blend of {count} styles; --every-pair paints {count}")
    if typed.overwrite:
        notes.append("--overwrite has no effect on one painting: its file is always replaced")
    return tuple(notes)


def masks_of(typed: argparse.Namespace) -> MaskFiles:
    """The masks of one painting.

    Raises:
        UsageError: if the number of masks is not the number of styles.
    """
    content, styles = typed.content_mask or (), typed.style_mask or ()
    for name, paths in (("content", content), ("style", styles)):
        if len(paths) not in (0, len(typed.style)):
            raise UsageError(
                f"--{name}-mask names {len(paths)} files for {len(typed.style)} styles: give one "
                "for each, in their order"
                + (f", or {WHOLE} for all of a style" if name == "style" else "")
            )
    return MaskFiles(tuple(content), tuple(styles), typed.keep_mask)


def refuse_for_many(typed: argparse.Namespace, many: bool, many_contents: bool) -> None:
    """Raises UsageError for masks that many paintings cannot share.

    Args:
        typed: the command.
        many: whether the paintings differ in content or styles.
        many_contents: whether they differ in content.
    """
    for name in ("content", "style"):
        if many and getattr(typed, f"{name}_mask"):
            raise UsageError(
                f"--{name}-mask belongs to one painting: give one --content, and the styles as "
                "files, one for each mask"
            )
    if typed.keep_mask and many_contents:
        raise UsageError("--keep-mask belongs to one picture: give one --content, and no folder")
