"""One painting of the command, from the request to the written file: `paint`."""

import itertools
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import jax
import numpy as np

from . import device_options
from .announcement import announce
from .checkpoint import Checkpoint
from .console import Display, Interrupt, show, tell
from .images import Picture
from .keeper import Keeper
from .margins import widened
from .mask_files import read_masks
from .memory import estimate_memory, free_memory, mask_memory, size_words
from .memory_choice import choose
from .minimize import NotFiniteError
from .painting import write_painting
from .parser import STREAM, UsageError
from .recorder import Recorder
from .request import Request
from .resuming import notes_of, recorded_words
from .run_files import check_paths, command_words, parameters, recipe, settled_words
from .run_options import in_options
from .short_of_memory import advice, by_smaller_windows
from .sizes import drop_small_scales, target_sizes
from .streams import read_picture
from .transfer import Known, Pixels, Result, stylize
from .vgg import INPUTS, Params, check_layers, smallest_side
from .watch import Watch
from .weights import load_weights
from .whole import check_by_windows, check_over_devices, needs_whole


def program_version() -> str:
    try:
        return version("jnst")
    except PackageNotFoundError:
        return "unknown"


def paint(
    request: Request,
    words: Sequence[str],
    resume: Checkpoint | None = None,
    *,
    params: Params | None = None,
    known: Known | None = None,
    interrupt: Interrupt | None = None,
) -> int:
    """Reads, paints and writes; returns the exit code, see `jnst.cli`.

    Args:
        request: what the words ask for.
        words: as typed, to be recorded in the painting.
        resume: a run to go on with.
        params, known, interrupt: what the paintings of a batch share.
    """
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
    params = params or load_network(request)
    check_layers(params.network, (*request.config.content_layers, *request.config.style_layers))
    request, tile_words, memory = _fitted(request, params, base, say)
    command = command_words(sys.argv[0], recorded_words(words), request, params)
    embedded = parameters(request, params, command, program_version())
    embedded["recipe"] = recipe(asked, params)
    sizes = target_sizes(content.pixels.shape[0], content.pixels.shape[1], config)
    operations = announce(request, params, base, sizes[-1], memory)
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
        watch = Watch(recorder, display, keeper, interrupt, sizes, done)
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
            result = attempt(None) if shared else _attempted(attempt, request, params, sizes[-1])
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
    shown = _report(request, path, result)
    if interrupt.signal:
        more = f"; --resume {request.checkpoint} goes on" if request.checkpoint else ""
        tell(f"stopped at step {watch.done} of {sum(steps)}; {shown} is the painting so far{more}")
        return 128 + interrupt.signal
    return 0 if path == request.output else 1


def _attempted(
    attempt: Callable[[int | None], Result],
    request: Request,
    params: Params,
    size: tuple[int, int],
) -> Result:
    return by_smaller_windows(
        attempt,
        request.tile or None,
        size,
        lambda: advice(request.config, *size, params.network),
        whole=needs_whole(request.config),
    )


def _report(request: Request, path: str, result: Result) -> str:
    """Tells where the painting is and its losses; returns the former, as a person names it."""
    # Standard output is for the picture alone, where it goes there.
    report = tell if request.output == STREAM else show
    shown = "standard output" if path == STREAM else path
    names = ("total", "content", "style", "tv")
    losses = "  ".join(f"{name} {getattr(result.losses, name):.6g}" for name in names)
    report(shown, losses)
    return shown


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


def load_network(request: Request) -> Params:
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


def _chunk(save_every: int) -> int | None:
    """Steps between two reports, so that snapshots fall on 1, 1+N, 1+2N, … on every device."""
    if jax.default_backend() == "cpu" or not save_every:
        return None
    return next(size for size in range(min(20, save_every), 0, -1) if save_every % size == 0)
