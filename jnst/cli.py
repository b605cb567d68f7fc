"""The command: words in, a painting out. No mathematics.

`main` returns the exit code: 0 done, 1 a file, the network or the computation failed, 2 the
command is wrong, 128 + n stopped by signal n. Whatever fails ends in one line on standard error.
"""

import functools
import importlib
import io
import itertools
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import jax
import numpy as np

from . import cli_batch, compilation_cache, config_words, device_options, side_by_side
from .arguments import SUBCOMMANDS, Request, Resume, in_options, parse
from .batch import Batch
from .checkpoint import Checkpoint, load_checkpoint
from .console import Display, Interrupt, show, tell
from .device_options import Devices
from .estimate import (
    duration_words,
    expected_seconds,
    measure_speed,
    ordering_operations,
    step_operations,
)
from .images import Picture, read_parameters
from .keeper import Keeper
from .losses import STYLE_LOSSES
from .margins import cut_back, widened
from .mask_files import read_masks
from .memory import estimate_memory, free_memory, mask_memory, size_words
from .memory_choice import choose
from .minimize import NotFiniteError
from .painting import write_painting
from .parser import STREAM, UsageError
from .plan import share_of_direct
from .progress import Progress
from .recorder import Recorder
from .resuming import continued, notes_of, recorded_words
from .run_files import check_paths, command_words, parameters, recipe, settled_words
from .short_of_memory import advice, by_smaller_windows
from .sizes import drop_small_scales, target_sizes
from .streams import read_picture
from .transfer import Known, Pixels, Result, stylize
from .vgg import INPUTS, Params, check_layers, smallest_side
from .weights import load_weights
from .whole import check_by_windows, check_over_devices, needs_whole


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code.

    Args:
        argv: the words after the program's name, by default those of this process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    devices: Devices | None = None
    logging.getLogger("jax").setLevel(logging.ERROR)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name that the terminal cannot spell must not fail a run that is done.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = partial(_tell_warning, False)
            if words and words[0] in SUBCOMMANDS:
                return int(importlib.import_module(SUBCOMMANDS[words[0]]).main(words[1:]))
            words, settings = config_words.expanded(words)
            if settings and config_words.save(words, settings):
                show(settings)
                return 0
            asked = parse(words, version=_version())
            if isinstance(asked, str):
                return _rerun(asked)
            warnings.showwarning = partial(_tell_warning, asked.quiet)
            devices = device_options.typed_devices(words)
            device_options.begin(devices)
            if why_not := compilation_cache.turn_on():
                _tell_warning(asked.quiet, why_not)
            if isinstance(asked, Resume):
                checkpoint = load_checkpoint(asked.path)
                return _paint(*continued(asked, checkpoint.notes), checkpoint)
            if isinstance(asked, Batch):
                places = device_options.chosen(devices) if devices.several else ()
                return cli_batch.run(asked, _paint, _load_network, _explain, places)
            return _paint(asked, words)
    except SystemExit as end:
        return int(end.code or 0)
    except KeyboardInterrupt:
        tell("stopped at once")
        if side_by_side.under_way():
            device_options.leave(130)
        return 130
    except Exception as error:
        if os.environ.get("JNST_DEBUG"):
            raise
        if devices is not None and device_options.peer_lost(devices, error):
            tell(device_options.PEER_LOST)
            device_options.leave(1)
        tell(f"error: {_explain(error)}")
        return 2 if isinstance(error, UsageError) else 1


def _version() -> str:
    try:
        return version("jnst")
    except PackageNotFoundError:
        return "unknown"


def _explain(error: Exception) -> str:
    """One line on what went wrong and, where it is known, what to do."""
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in text:
        advice = text if isinstance(error, MemoryError) else ""
        return f"out of memory: {advice or 'use a smaller --tile, --memory or --size'}"
    if isinstance(error, OSError | ValueError | FloatingPointError | ImportError):
        return text
    return f"unexpected {type(error).__name__}: {text} (JNST_DEBUG=1 shows where)"


def _tell_warning(quiet: bool, message: Warning | str, *_: object) -> None:
    if not compilation_cache.took_care_of(message) and not quiet:
        tell(f"note: {message}")


def _rerun(path: str) -> int:
    command = read_parameters(path).get("command")
    if not command:
        raise ValueError(f"{path} does not say by which command it was made")
    print(command)
    return 0


def _paint(
    request: Request,
    words: Sequence[str],
    resume: Checkpoint | None = None,
    *,
    params: Params | None = None,
    known: Known | None = None,
    interrupt: Interrupt | None = None,
) -> int:
    say = (lambda message: None) if request.quiet else tell
    for note in request.notes:
        say(f"note: {note}")
    content = read_picture(request.content, request)
    styles = [read_picture(path, request) for path in request.styles]
    start = read_picture(request.init_image, request) if request.init_image else None
    _check_sides([content, *styles, *([start] if start else [])], request)
    shapes = [style.pixels.shape for style in styles]
    wide = partial(widened, config=request.config, bucket=request.bucket)
    base = wide(content.pixels)
    masks = read_masks(request, content, styles, wide)
    asked, config = request, drop_small_scales(request.config, base.shape, shapes)
    request = replace(request, config=config)
    if not request.devices.writes:
        request = replace(request, log=None, checkpoint=None, save_every=0, quiet=True)
    else:
        check_paths(request)
    params = params or _load_network(request)
    check_layers(params.network, (*request.config.content_layers, *request.config.style_layers))
    request, tile_words, memory = _fitted(request, params, base, say)
    command = command_words(sys.argv[0], recorded_words(words), request, params)
    embedded = parameters(request, params, command, _version())
    embedded["recipe"] = recipe(asked, params)
    sizes = target_sizes(content.pixels.shape[0], content.pixels.shape[1], config)
    operations = _announce(request, params, base, sizes[-1], memory)
    steps = request.config.steps_per_scale
    done = resume.step if resume else 0
    if resume:
        say(f"going on from {request.resume}, step {done} of {sum(steps)}")
    kept_words = settled_words(words, request, params)
    if resume:
        tile_words = json.loads(resume.notes.get("memory", "[]")) + tile_words
    shared = device_options.chosen(request.devices) if request.devices.several else ()
    keeper = Keeper(request, notes_of(kept_words, tile_words), done)
    with (
        nullcontext(interrupt) if interrupt else Interrupt() as interrupt,
        Recorder(request, embedded, done) as recorder,
        Display(steps, operations, request.quiet) as display,
    ):
        watch = _Watch(recorder, display, keeper, interrupt, sizes, done)
        watch.ends = set(itertools.accumulate(steps[:-1]))

        def attempt(tile: int | None) -> Result:
            if tile != (request.tile or None):
                tell(f"warning: out of memory; on by windows of {tile} pixels, which takes longer")
                keeper.notes = notes_of(kept_words, [*tile_words, "--tile", str(tile)])
            return stylize(
                params,
                base,
                [style.pixels for style in styles],
                request.config,
                init_image=None if start is None else wide(start.pixels, like=content.pixels.shape),
                callback=device_options.agreeing(request.devices, watch),
                chunk=_chunk(request.save_every),
                resume=watch.kept or resume,
                tile=tile,
                known=known,
                devices=shared,
                **masks,
            )

        try:
            result = (
                attempt(None)
                if shared
                else by_smaller_windows(
                    attempt,
                    request.tile or None,
                    sizes[-1],
                    lambda: advice(request.config, *sizes[-1], params.network),
                    whole=needs_whole(request.config),
                )
            )
        except NotFiniteError as error:
            if error.good is not None:
                good = watch.cut(np.asarray(error.good))
                path = write_painting(request, good, content, embedded | watch.unfinished())
                tell(f"{path} is the painting before that")
            raise
        image = watch.cut(result.image)
        if watch.done < sum(steps):
            embedded |= watch.unfinished()
        if not request.devices.writes:
            return 0
        path = write_painting(request, image, content, embedded)
        recorder.finish(content.pixels, [s.pixels for s in styles], image)
    # Standard output is for the picture alone, where it goes there.
    report = tell if request.output == STREAM else show
    shown = "standard output" if path == STREAM else path
    names = ("total", "content", "style", "tv")
    losses = "  ".join(f"{name} {getattr(result.losses, name):.6g}" for name in names)
    report(shown, losses)
    if interrupt.signal:
        more = f"; --resume {request.checkpoint} goes on" if request.checkpoint else ""
        tell(f"stopped at step {watch.done} of {sum(steps)}; {shown} is the painting so far{more}")
        return 128 + interrupt.signal
    return 0 if path == request.output else 1


class _Watch:
    """Passes progress on to whoever records, shows and keeps it; true once a signal has come.

    Attributes:
        done: steps so far.
        ends: the steps after which another scale begins.
        kept: the run after the last scale that is done, to go on from if the next does not fit.
    """

    def __init__(
        self,
        recorder: Recorder,
        display: Display,
        keeper: Keeper,
        interrupt: Interrupt,
        sizes: Sequence[tuple[int, int]],
        done: int,
    ) -> None:
        self._recorder, self._display, self._keeper = recorder, display, keeper
        self._interrupt, self._sizes = interrupt, sizes
        self.done = done
        self.ends: set[int] = set()
        self.kept: Checkpoint | None = None

    def cut(self, image: Pixels) -> Pixels:
        """The picture so far without the margins that `--bucket` gave it."""
        tall, wide = image.shape[:2]
        size = min(self._sizes, key=lambda size: abs(size[0] - tall) + abs(size[1] - wide))
        return cut_back(image, *size)

    def unfinished(self) -> dict[str, str]:
        """What a painting that is not done says of itself."""
        return {"step": str(self.done)}

    def __call__(self, progress: Progress) -> bool:
        self.done = progress.step
        self._recorder.update(progress._replace(image=lambda: self.cut(progress.image())))
        self._display.update(progress)
        # Asked once: a signal that comes later still finds a run that will save.
        stop = bool(self._interrupt.signal)
        self._keeper.update(progress, last=stop or progress.step == progress.steps)
        if progress.step in self.ends:
            self.kept = progress.checkpoint()
        return stop


def _check_sides(pictures: Sequence[Picture], request: Request) -> None:
    layers = (*request.config.content_layers, *request.config.style_layers)
    need = smallest_side(request.network or "vgg19", layers) if layers else 1
    for picture in pictures:
        height, width = picture.pixels.shape[:2]
        if min(height, width) < need:
            raise ValueError(
                f"{picture.path} is {width}x{height} pixels, but these layers look at squares "
                f"of {need}: use a larger picture"
            )


def _load_network(request: Request) -> Params:
    progress = not request.quiet
    if request.weights:
        chosen = INPUTS.get(request.preprocess or "")
        return load_weights(Path(request.weights), network=request.network, preprocessing=chosen)
    try:
        return load_weights(request.network or "vgg19", offline=request.offline, progress=progress)
    except OSError as error:
        if request.network:
            raise
        if progress:
            reason = str(error).removesuffix(", or use the built-in vgg16")
            tell(f"painting with the built-in vgg16: {reason}")
        return load_weights("vgg16")


def _fitted(
    request: Request, params: Params, base: Pixels, say: Callable[[str], None]
) -> tuple[Request, list[str], int]:
    """The request with its tile and history settled; words that settle them; bytes needed."""
    config = request.config
    sizes = target_sizes(base.shape[0], base.shape[1], config)
    height, width = max(sizes, key=lambda size: size[0] * size[1])
    regions, keep = len(request.masks.content), request.masks.keep is not None
    masks = mask_memory(config, height, width, network=params.network, regions=regions, keep=keep)
    if request.tile is not None or request.devices.several:
        tile = request.tile or None
        try:
            if (
                request.devices.several
                and len(shared := device_options.chosen(request.devices)) > 1
            ):
                check_over_devices(config, len(shared))
            elif tile is not None and max(height, width) > tile:
                check_by_windows(config, tile)
        except ValueError as error:
            raise UsageError(in_options(str(error))) from None
        needed = estimate_memory(config, height, width, network=params.network, tile=tile)
        return request, [], needed + masks
    memory = (request.memory or free_memory()) - masks
    choice = choose(config, height, width, network=params.network, memory=memory)
    # A run that goes on must be computed as it was begun, whatever is free then.
    words = ["--tile", str(choice.tile or 0)]
    if choice.history != config.history:
        say(
            f"note: L-BFGS remembers {choice.history} pairs of steps, not {config.history}, to "
            f"fit into {size_words(memory)}"
        )
        words += ["--history", str(choice.history)]
        config = replace(config, history=choice.history)
    return replace(request, config=config, tile=choice.tile or 0), words, choice.memory + masks


def _announce(
    request: Request, params: Params, base: Pixels, shown: tuple[int, int], memory: int
) -> list[float]:
    """Tells what is about to happen; returns the work of a step at each scale."""
    config = request.config
    sizes = target_sizes(base.shape[0], base.shape[1], config)
    layers = (*config.content_layers, *config.style_layers)
    operations = [
        step_operations(params.network, layers, *size)
        * share_of_direct(params.network, *size, config.precision, layers)
        for size in sizes
    ]
    if not STYLE_LOSSES[config.style_loss].by_sums:
        ordering = (ordering_operations(params.network, config.style_layers, *s) for s in sizes)
        operations = list(map(sum, zip(operations, ordering, strict=True)))
    if not request.quiet:
        steps = config.steps_per_scale
        seconds = expected_seconds(operations, steps, _speed())
        height, width = shown
        scales = f" over {len(sizes)} scales" if len(sizes) > 1 else ""
        by_windows = 0 < (request.tile or 0) < max(height, width)
        windows = f", by windows of {request.tile} pixels" if by_windows else ""
        tell(
            f"{params.network} ({params.name}, {params.sha256[:8]}) on {_device()}; "
            f"{width}x{height} pixels, {sum(steps)} {config.optimizer} steps{scales}, "
            f"about {duration_words(seconds)} and {size_words(memory)} of memory{windows}"
        )
    return operations


@functools.cache
def _speed() -> float:
    return measure_speed()


def _device() -> str:
    device = jax.devices()[0]
    if device.platform == "cpu":
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return f"CPU with {count} cores"
    return f"{device.platform.upper()} ({device.device_kind})"


def _chunk(save_every: int) -> int | None:
    """Steps between two reports, so that snapshots fall on 1, 1+N, 1+2N, … on every device."""
    if jax.default_backend() == "cpu" or not save_every:
        return None
    return next(size for size in range(min(20, save_every), 0, -1) if save_every % size == 0)
