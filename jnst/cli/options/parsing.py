"""The parser of a command line into a checked request; no picture is read here."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from ...config.effects import idle_fields
from ...config.toml import check_name
from ...network.architecture import check_layers
from ...storage import is_remote
from ...wording import about, field_of, nearest
from .devices import Devices, devices_of
from .groups import NETWORKS, WHOLE
from .many import OF_MANY, check_cluster, check_not_of_many, check_style_blend, refuse_masks
from .parser import build_parser, typed_options, typed_preset
from .patterns import is_many
from .request import Batch, MaskFiles, Request, Resume, Save
from .settings import FIELDS, config_of, settings_of
from .sweep import Sweep, interpolation, read_sweeps
from .templates import TEMPLATED, as_template
from .values import Shard
from .words import STREAM, UsageError, in_options


def parse(argv: Sequence[str], *, version: str = "") -> Request | Batch | Resume | Save | str:
    """Parses a command line.

    One content and style files make one painting, unless `--pairs` or `--every-pair` is given;
    several contents, a folder, a pattern or a sweep make a batch.

    Args:
        argv: the words after the program's name.
        version: what `--version` prints.

    Returns:
        The request; for many paintings a `Batch`; for `--resume FILE` a `Resume`; for
        `--save-config FILE` a `Save`; for `--print-command FILE` that file's name.

    Raises:
        UsageError: for an unknown option, preset, layer or choice (with the nearest one), a value
            out of range, or options that do not go together.
        OSError: if the file of `--config` cannot be read.
        SystemExit: with code 0, after `--help` or `--version` has printed its text.

    Example:
        >>> request = parse(["--content", "cat.jpg", "--style", "night.jpg", "--size", "300"])
        >>> request.output, request.config.size, request.architecture
        ('cat_night.png', 300, 'vgg16')
        >>> parse(["--content", "cat.jpg", "--style", "night.jpg", "--stpes", "9"])
        Traceback (most recent call last):
        ...
        jnst.cli.options.words.UsageError: unknown option --stpes; did you mean --steps?
    """
    typed = vars(typed_options(argv, build_parser(typed_preset(argv), version)))
    if "rerun" in typed:
        if len(argv) > 2:
            raise UsageError("--rerun FILE only prints a command; it goes with no other option")
        return str(typed["rerun"])
    sweeps = read_sweeps(typed.get("sweep", ()), [*FIELDS, "preset"] & typed.keys())
    name, changes = settings_of(typed, sweeps)
    if "save_config" not in typed:
        return _command(typed, name, changes, sweeps)
    try:
        check_name(typed["save_config"])
    except ValueError as error:
        raise UsageError(f"--save-config: {error}") from None
    config = config_of(name or "default", changes, typed.get("init_image"))
    only = not {"content", "style", "resume"} & typed.keys()
    command = None if only else _command(typed, name, changes, sweeps)
    return Save(typed["save_config"], name or "default", config, command)


def _command(
    typed: Mapping[str, Any],
    name: str | None,
    changes: Mapping[str, Any],
    sweeps: tuple[Sweep, ...],
) -> Request | Batch | Resume:
    values = values_of(typed)
    templates = {name: typed[name] for name in TEMPLATED if name in typed}
    many = len(typed.get("content", ())) > 1
    many = many or any(map(is_many, (*typed.get("content", ()), *typed.get("style", ()))))
    many = many or typed.get("combine") in ("pairs", "every-pair")
    if "resume" in typed:
        if "memory" in typed:
            raise UsageError(
                "--memory is settled when a run begins: leave it out, or give --tile N"
            )
        if many or sweeps or ({"style_blend"} | OF_MANY) & typed.keys():
            raise UsageError("--resume goes on with one painting: give one --content, no folder")
        values |= {"preset": name} if name else {}
        return Resume(typed["resume"], values, templates, changes, devices_of(typed))
    for needed in ("content", "style"):
        if needed not in typed:
            field = {"style": "styles"}.get(needed, needed)
            raise UsageError(f"--{needed} is missing: give a picture (see --help)", field)
    check_style_blend(typed, sweeps)
    values |= {"notes": _notes(typed), "preset": name or "default", "changes": changes}
    request = Request(**values)
    if many or sweeps or "style_blend" in typed:
        return _batch(typed, request, sweeps, templates, many)
    check_not_of_many(typed)
    templates = {**templates, "output": as_template(typed.get("output"))}
    return checked(request.set_to(request.preset, changes).named(templates))


_SAME = {spec.name for spec in fields(Request)} - {
    *(*TEMPLATED, "content", "preset", "config", "resume"),
}


def values_of(typed: Mapping[str, Any]) -> dict[str, Any]:
    """The typed fields of a `Request`, without names that are templates."""
    values = {name: value for name, value in typed.items() if name in _SAME}
    if "content" in typed:
        values["content"] = typed["content"][0]
    if "style" in typed:
        values["styles"] = tuple(typed["style"])
    content, styles = (tuple(typed.get(name, ())) for name in ("content_mask", "style_mask"))
    masks = MaskFiles(content, styles, typed.get("keep_mask"))
    if any(masks):
        values["masks"] = masks
    values["devices"] = devices_of(typed)
    if typed.get("output", "").endswith(("/", os.sep)):
        values["new_folder"] = True
    return values


def _batch(
    typed: Mapping[str, Any],
    request: Request,
    sweeps: tuple[Sweep, ...],
    templates: Mapping[str, str],
    many: bool,
) -> Batch:
    contents, styles = typed["content"], typed["style"]
    if STREAM in (*contents, *styles, request.init_image, typed.get("output")):
        raise UsageError("- is one picture: many paintings are made of files and into files")
    if request.devices.processes > 1:
        raise UsageError(
            "--coordinator shares the work on one painting: give one --content, no folder"
        )
    combine = typed.get("combine")
    refuse_masks(
        request.masks,
        many=many or combine not in (None, "blend"),
        many_contents=len(contents) > 1 or is_many(contents[0]),
    )
    blended = len(request.changes.get("style_weights", ())) > 1
    if "style_blend" in typed:
        sweeps, blended = (*sweeps, interpolation(typed["style_blend"])), True
    _check_bucket(request)
    check_cluster(typed, request)
    bucket = typed.get("bucket", 16 if many else 1)
    return Batch(
        request=replace(request, bucket=bucket, devices=Devices(), notes=()),
        contents=tuple(contents),
        styles=tuple(styles),
        combine=combine or ("blend" if blended or not many else "every-pair"),
        sweeps=sweeps,
        templates=templates,
        overwrite="overwrite" in typed,
        devices=request.devices,
        shard=typed.get("shard", Shard()),
        cluster=typed.get("cluster", ""),
        send_back="send_back" in typed,
    )


def checked(request: Request) -> Request:
    """The request of one painting, its file names filled in.

    Raises:
        UsageError: for options that lack or exclude another one, have no effect, or do not fit
            the number of styles.
    """
    config, count = request.config, len(request.styles)
    if request.network is not None and request.network not in NETWORKS:
        raise UsageError(
            f"unknown network {request.network!r}; {nearest(request.network, NETWORKS)}"
        )
    try:
        for field in ("content_layers", "style_layers"):
            with about(field):
                check_layers(request.architecture, getattr(config, field))
        for per_style in (config.weights_per_style, config.scales_per_style):
            per_style(count)
        config.sizes_per_style(count)
    except ValueError as error:
        raise UsageError(in_options(error), field_of(error)) from None
    for field, why in idle_fields(config, count).items():
        if field in request.changes:
            raise UsageError(why, field)
    _check_bucket(request)
    _check_together(request)
    for name in ("content", "styles"):
        _check_masks(name.removesuffix("s"), len(getattr(request.masks, name)), count)
    files = (request.content, *request.styles, request.init_image)
    if [*files, *request.masks.named().values()].count(STREAM) > 1:
        raise UsageError("standard input holds one picture: give - once, and files for the others")
    _check_shared(request)
    if request.devices.processes > 1 and request.output == STREAM:
        # The library that connects the processes writes a line to standard output.
        raise UsageError("--output - is not for several processes: give a file")
    return request


def _check_bucket(request: Request) -> None:
    if request.bucket < 1:
        raise UsageError(f"--bucket is {request.bucket}: give a whole number of at least 1")


def _check_together(request: Request) -> None:
    """Refuses options without effect, or that lack or exclude another one."""
    if request.preprocess and not request.weights:
        raise UsageError("--preprocess is for weights of unknown origin: add --weights FILE")
    if request.bits not in (8, 16):
        raise UsageError(f"--bits is {request.bits}: choose 8 or 16")
    if request.save_every < 0:
        raise UsageError(f"--save-every is {request.save_every}: give a number of steps, or 0")
    if request.snapshots and not request.save_every:
        raise UsageError("--snapshots says where, but not when: add --save-every N")
    for name, path in (("checkpoint", request.checkpoint), ("weights", request.weights)):
        if path and is_remote(path):
            raise UsageError(
                f"--{name} is {path}: it stays on this machine, so give the name of a file"
            )
    if request.checkpoint_every and not request.checkpoint:
        raise UsageError("--checkpoint-every says when, but not where: add --checkpoint FILE")
    if request.memory is not None and request.tile is not None:
        raise UsageError("--memory chooses the windows that --tile names: give one of the two")


def _notes(typed: Mapping[str, Any]) -> tuple[str, ...]:
    notes = []
    count = len(typed["style"])
    if count > 1 and not {"combine", "content_mask", "style_weights"} & typed.keys():
        notes.append(f"one painting in the blend of {count} styles; --every-pair paints {count}")
    if "overwrite" in typed:
        notes.append("--overwrite has no effect on one painting: its file is always replaced")
    return tuple(notes)


def _check_masks(name: str, masks: int, styles: int) -> None:
    if masks not in (0, styles):
        raise UsageError(
            f"--{name}-mask names {masks} files for {styles} styles: give one for each, in their "
            "order" + (f", or {WHOLE} for all of a style" if name == "style" else ""),
            f"{name}_masks",
        )


def _check_shared(request: Request) -> None:
    """Raises UsageError for options that devices sharing one picture do not support."""
    if not request.devices.several:
        return
    option = "--devices" if request.devices.processes == 1 else "--coordinator"
    if request.tile is not None or request.memory is not None:
        other = "--memory" if request.tile is None else "--tile"
        raise UsageError(f"{option} keeps bands of the picture on the devices: leave out {other}")
    if request.config.precision != "float32":
        raise UsageError(
            f"{option} computes in float32: leave out --precision {request.config.precision}"
        )
