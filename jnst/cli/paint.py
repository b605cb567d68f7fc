"""One painting of the command, from the request to the written file: `paint`."""

import itertools
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np

from ..losses import StyleCache
from ..losses.registry import needs_whole
from ..network import Params, load_weights
from ..network.architecture import check_layers
from ..network.preprocessing import INPUTS
from ..optimize import NotFiniteError
from ..system import program_version
from ..transfer import Checkpoint, Result, stylize
from ..transfer.budget import advice, by_smaller_windows
from ..transfer.sizes import drop_small_scales, target_sizes
from . import distributed
from .console import Display, show, tell
from .forecast import announce, fitted
from .interrupt import Interrupt
from .options.request import Request
from .options.words import STREAM
from .output import command_words, parameters, recipe, write_painting
from .paths import check_paths
from .pictures import Pictures, read_pictures
from .recorder import Recorder
from .resume import notes_of
from .watch import Keeper, Watch


def paint(
    request: Request,
    resume: Checkpoint | None = None,
    *,
    params: Params | None = None,
    style_cache: StyleCache | None = None,
    interrupt: Interrupt | None = None,
    program: str = "",
) -> int:
    """Reads, paints and writes; returns the exit code, see `jnst.cli.command`.

    Args:
        request: the parsed command.
        resume: the checkpoint of a run to continue.
        params, style_cache, interrupt: shared by the paintings of a batch.
        program: what the command that is stored in the painting calls; default: this process.
    """
    say = (lambda message: None) if request.quiet else tell
    for note in request.notes:
        say(f"note: {note}")
    pictures = read_pictures(request)
    original, request = request, _settled(request, pictures)
    params = params or load_network(request)
    check_layers(params.network, request.config.layers)
    request, settled, memory = fitted(request, params, pictures.base, say)
    command = command_words(program or sys.argv[0], original.words())
    embedded = parameters(request, params, command, program_version())
    embedded["recipe"] = recipe(original, params)
    height, width = pictures.content.pixels.shape[:2]
    sizes = target_sizes(height, width, request.config)
    done = resume.step if resume else 0
    operations = announce(request, params, pictures.base, sizes[-1], memory, done)
    steps = request.config.steps_per_scale
    if resume:
        say(f"going on from {request.resume}, step {done} of {sum(steps)}")
    keeper = Keeper(request, notes_of(original, settled), done)
    display = Display(steps, operations, request.quiet)
    with (
        nullcontext(interrupt) if interrupt else Interrupt() as interrupt,
        Recorder(request, embedded, done) as recorder,
    ):
        watch = Watch(recorder, display, keeper, interrupt, sizes, done)
        watch.ends = set(itertools.accumulate(steps[:-1]))

        def going_on(tile: int) -> None:
            tell(f"warning: out of memory; on by windows of {tile} pixels, which takes longer")
            keeper.notes = notes_of(original, {**settled, "tile": tile})

        try:
            with display:
                result = _painted(request, params, pictures, watch, resume, style_cache, going_on)
        except NotFiniteError as error:
            if error.good is not None:
                good = watch.cut(np.asarray(error.good))
                unfinished = embedded | watch.unfinished()
                path = write_painting(request, good, pictures.content, unfinished)
                tell(f"{_print_path(path)} is the painting before that")
            raise
        image = watch.cut(result.image)
        if watch.done < sum(steps):
            embedded |= watch.unfinished()
        if not request.devices.writes:
            return 0
        names = ("total", "content", "style", "tv")
        say("  ".join(f"{name} {getattr(result.losses, name):.6g}" for name in names))
        path = write_painting(request, image, pictures.content, embedded)
        content, styles = pictures.content.pixels, pictures.style_pixels
        recorder.finish(content, styles, image, result.losses)
    shown = _print_path(path)
    if interrupt.signal:
        tell(_stopped(request, shown, watch, result))
        return 128 + interrupt.signal
    return 0 if path == request.output else 1


def _stopped(request: Request, shown: str, watch: Watch, result: Result) -> str:
    """What to tell of a run that a signal has stopped."""
    more = f"; --resume {request.checkpoint} goes on" if request.checkpoint else ""
    if result.size != result.image.shape[:2]:
        height, width = watch.size_without_bucket(*result.size)
        more = f", enlarged from {width}x{height} pixels{more}"
    steps = sum(request.config.steps_per_scale)
    return f"stopped at step {watch.done} of {steps}; {shown} is the painting so far{more}"


def _settled(request: Request, pictures: Pictures) -> Request:
    """The request without scales that are too small, or files that another process writes."""
    shapes = [pixels.shape for pixels in pictures.style_pixels]
    config = drop_small_scales(request.config, pictures.base.shape, shapes)
    request = replace(request, config=config)
    if not request.devices.writes:
        return replace(request, log=None, checkpoint=None, save_every=0, quiet=True)
    check_paths(request)
    return request


def _painted(
    request: Request,
    params: Params,
    pictures: Pictures,
    watch: Watch,
    resume: Checkpoint | None,
    style_cache: StyleCache | None,
    going_on: Callable[[int], None],
) -> Result:
    """Paints; if memory runs out, calls `going_on` and continues by smaller windows."""
    config, several = request.config, request.devices.several

    def attempt(tile: int | None) -> Result:
        if tile is not None and tile != request.tile:
            going_on(tile)
        return stylize(
            params,
            pictures.painted,
            pictures.styles,
            config,
            callback=distributed.agreeing(request.devices, watch),
            chunk=_chunk(request.save_every),
            resume=watch.kept or resume,
            tile=tile,
            style_cache=style_cache,
            devices=distributed.chosen(request.devices) if several else (),
            **pictures.others,
        )

    if several:
        return attempt(None)
    height, width = pictures.base.shape[:2]
    size = target_sizes(height, width, config)[-1]
    return by_smaller_windows(
        attempt,
        request.tile or None,
        size,
        lambda: advice(config, *size, params.network),
        whole=needs_whole(config),
    )


def _print_path(path: str) -> str:
    """Prints the painting's path, but not where the painting is; returns it in words."""
    if path == STREAM:
        return "standard output"
    show(path)
    return path


def load_network(request: Request) -> Params:
    if request.weights:
        chosen = INPUTS.get(request.preprocess or "")
        return load_weights(Path(request.weights), network=request.network, preprocessing=chosen)
    quiet = request.quiet
    return load_weights(request.architecture, offline=request.offline, progress=not quiet)


def _chunk(save_every: int) -> int | None:
    """Steps between two reports, so that snapshots fall on 1, 1+N, 1+2N, … on every device."""
    if jax.default_backend() == "cpu" or not save_every:
        return None
    return next(size for size in range(min(20, save_every), 0, -1) if save_every % size == 0)
