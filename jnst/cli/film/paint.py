"""The painting of a film, from the request to the written file: `paint_film`."""

import math
import shutil
from dataclasses import replace

from ...compute.cost import expected_seconds, step_work
from ...losses.registry import needs_whole
from ...system import program_version
from ...transfer.budget import advice, by_smaller_windows
from ...transfer.sizes import plan_scales
from ...video import paint_frames
from ...video.folder import FrameFolder
from ...video.shot import FRAME_SHARE
from ...wording import duration_words, size_words
from ..console import tell
from ..forecast import network_words, speed
from ..interrupt import Interrupt
from ..options.film import FilmRequest
from ..options.words import UsageError
from .display import FilmDisplay
from .job import Job, prepared
from .result import going_on, written

_MEGABYTE = 10**6


def paint_film(request: FilmRequest, settled: dict[str, int] | None = None) -> int:
    """Reads, paints and writes a film; returns the exit code, see `jnst.cli.command`.

    Args:
        request: the parsed command.
        settled: of the run that goes on; None for a new one.
    """
    folder = FrameFolder(request.folder)
    if settled is None and folder.has_run:
        raise UsageError(
            f"there are painted frames in {folder.path} already: go on with "
            f"jnst video --resume {folder.path}, remove it, or name another by --frames"
        )
    job = prepared(request, settled or {})
    with folder:
        if request.so_far:
            return written(job, folder, 0)
        _note(job, folder)
        _announce(job, folder)
        with Interrupt() as interrupt:
            _paint(job, folder, interrupt)
            return written(job, folder, interrupt.signal)


def _note(job: Job, folder: FrameFolder) -> None:
    """Notes the run in its folder, or checks that it is the one that is noted there."""
    if folder.has_run and folder.read_run().get("recipe") != job.recipe:
        raise ValueError(
            f"{folder.path} holds frames of another clip, style or mask: a file was changed "
            "since; begin anew, in another folder"
        )
    request = replace(job.asked, frames=str(folder.path))
    folder.write_run(
        {
            "request": request.to_json(),
            "recipe": job.recipe,
            "settled": job.settled,
            "frames": len(job.clip),
            "software": f"jnst {program_version()}",
        }
    )


def _announce(job: Job, folder: FrameFolder) -> None:
    """Tells what is to be painted, and the time, memory and room on the disk that it takes."""
    painting, clip, config = job.painting, job.clip, job.painting.config
    count, passes = len(clip), job.request.passes
    done = sum(1 for key in folder if key[0] < passes and key[1] < count)
    room = max(6 * math.prod(job.size) * (count * passes - done), _MEGABYTE)
    free = shutil.disk_usage(folder.path).free
    if room > free:
        tell(
            f"warning: the painted frames may need {size_words(room)} in {folder.path}, where "
            f"{size_words(free)} are free: name another folder by --frames"
        )
    if painting.quiet:
        return
    if done:
        tell(f"going on from {folder.path}, frame {done} of {count * passes}")
    scales = plan_scales((clip.height, clip.width), config)
    network, tile = job.params.network, painting.tile
    operations = [step_work(network, config, *scale.painted, tile) for scale in scales]
    still = expected_seconds(operations, list(config.steps_per_scale), speed())
    left = count * passes - done
    share = FRAME_SHARE if job.request.temporal else 1.0
    if job.request.frame_steps and job.request.temporal:
        steps = job.request.frame_steps
        share = expected_seconds(operations[-1:], [steps], speed()) / still
    seconds = still * (share * left + (1 - share) * (not done))
    height, width = job.size
    tell(
        f"{network_words(job.params)}; {count} frames of {width}x{height} pixels, "
        f"{float(clip.look.rate):.4g} a second"
        + (f", painted {passes} times" if passes > 1 else "")
        + f"; about {duration_words(seconds)}, {size_words(job.memory)} of memory and up to "
        f"{size_words(room)} of disk"
    )


def _paint(job: Job, folder: FrameFolder, interrupt: Interrupt) -> None:
    """Paints the frames that the folder lacks, until all are there or a signal comes."""
    request, painting, count = job.request, job.painting, len(job.clip)
    display = FilmDisplay(count * request.passes, folder, interrupt, painting.quiet)

    def attempt(tile: int | None) -> None:
        if tile is not None and tile != painting.tile:
            tell(f"warning: out of memory; on by windows of {tile} pixels, which takes longer")
            _note(replace(job, settled={**job.settled, "tile": tile}), folder)
        for _ in paint_frames(
            job.params,
            job.clip,
            job.styles,
            painting.config,
            temporal=request.temporal,
            long_term=request.long_term,
            steps=request.frame_steps,
            passes=request.passes,
            shots=None if request.shots is None else [shot - 1 for shot in request.shots],
            store=folder,
            callback=display.update,
            tile=tile,
            **job.masks,
        ):
            if interrupt.signal:
                return

    size, config = job.size, painting.config
    try:
        with display:
            by_smaller_windows(
                attempt,
                painting.tile or None,
                size,
                lambda: advice(config, *size, job.params.network),
                whole=needs_whole(config),
            )
    except Exception:
        if len(folder):
            tell(f"{len(folder)} frames are in {folder.path}; {going_on(folder)}")
        raise
