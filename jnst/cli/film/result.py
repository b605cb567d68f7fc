"""The result of a film: the file of the frames that are there."""

from collections.abc import Iterator
from dataclasses import replace

from ...arrays import Pixels
from ...images import write_image
from ...video.film import kind_of, with_alpha, write_film
from ...video.folder import FrameFolder
from ...video.frame_files import frame_name
from ...wording import size_words
from ..console import show, tell
from .job import Job


def going_on(folder: FrameFolder) -> str:
    """How an interrupted film goes on."""
    return f"jnst video --resume {folder.path} goes on"


def written(job: Job, folder: FrameFolder, signal: int) -> int:
    """Makes the film of the frames that are there; returns the exit code.

    Args:
        job: the film.
        folder: its painted frames.
        signal: that ended the painting, or 0.
    """
    count, total = _there(job, folder), len(job.clip)
    passes = job.request.passes
    whole = count == total and all((passes - 1, number) in folder for number in range(total))
    if not count:
        tell(f"no frame is finished; {going_on(folder)}")
        return 128 + signal if signal else 1
    try:
        path = _write(job, folder, count, "" if whole else f"{count} of {total}")
    except (OSError, ValueError):
        tell(
            f"the painted frames are in {folder.path}; jnst video --resume {folder.path} --output …"
        )
        raise
    show(path)
    if whole:
        size = sum(file.stat().st_size for file in folder.path.iterdir())
        if not job.painting.quiet:
            tell(
                f"{folder.path} holds the frames, {size_words(max(size, 1e6))}: remove it, if "
                "you like"
            )
        return 0
    told = "stopped" if signal else "made"
    tell(f"{told} at frame {count} of {total}; {path} is the film so far; {going_on(folder)}")
    return 128 + signal if signal else 0


def _there(job: Job, folder: FrameFolder) -> int:
    """How many frames there are in any pass, from the first on."""
    passes, count = range(job.request.passes), 0
    while count < len(job.clip) and any((number, count) in folder for number in passes):
        count += 1
    return count


def _write(job: Job, folder: FrameFolder, count: int, part: str) -> str:
    """Writes the film of the first `count` frames, each as its last pass has painted it."""
    plan, output = job.plan, job.painting.output
    embedded = dict(plan.parameters) | ({"frames": part} if part else {})

    def painted() -> Iterator[Pixels]:
        for number in range(count):
            last = max(k for k in range(job.request.passes) if (k, number) in folder)
            yield folder[last, number]

    if kind_of(output):
        write_film(replace(plan, parameters=embedded), painted(), count)
        return output
    for number, (pixels, alpha) in enumerate(with_alpha(painted(), job.clip), start=1):
        path = frame_name(output, number)
        write_image(path, pixels, alpha, bits=job.painting.bits, parameters=embedded)
    return output
