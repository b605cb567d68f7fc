"""The helper process: reads pictures of strangers, converts paintings, estimates; within limits.

It reads one question a line from standard input, and writes one answer a line, both JSON. An answer
with "error" is one line for the user.
"""

import contextlib
import errno
import json
import os
import resource
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TextIO

from ..cli.limits import check_sizes
from ..cli.options.request import Request
from ..cli.options.words import in_options
from ..compute.cost import expected_seconds, measure_speed, step_work
from ..config import Config
from ..images import Picture, fit_size, read_image, read_parameters, resize_picture, write_image
from ..system import free_memory
from ..transfer.budget import choose
from ..transfer.sizes import drop_small_scales, plan_scales
from ..video.clip import open_clip
from ..wording import field_of

_THUMB, _VIEW = 320, 2048
_LONGEST_PARAMETERS = 30_000


def inspect(path: str, folder: str, kind: str, max_pixels: int) -> dict[str, Any]:
    """Reads a picture, writes its thumbnail and its view, and returns its size and parameters."""
    if kind == "clip":
        return _inspect_clip(path, folder, max_pixels)
    picture = read_image(path, max_pixels=max_pixels)
    if kind == "mask":
        picture.as_mask()
    height, width = picture.pixels.shape[:2]
    ending = ".png" if kind == "mask" or picture.alpha is not None else ".jpg"
    _write_smaller(picture, Path(folder, f".view{ending}"), _VIEW)
    _write_smaller(picture, Path(folder, f".thumb{ending}"), _THUMB)
    parameters: dict[str, str] = {}
    with contextlib.suppress(ValueError, OSError):
        parameters = read_parameters(path)
    if len(json.dumps(parameters)) > _LONGEST_PARAMETERS:
        parameters = {}
    return {"width": width, "height": height, "parameters": parameters}


def _inspect_clip(path: str, folder: str, max_pixels: int) -> dict[str, Any]:
    clip = open_clip(path, max_pixels=max_pixels)
    first = Picture(clip[0], None, Path(path))
    _write_smaller(first, Path(folder, ".view.jpg"), _VIEW)
    _write_smaller(first, Path(folder, ".thumb.jpg"), _THUMB)
    size = {"width": clip.width, "height": clip.height, "frames": len(clip)}
    return size | {"seconds": float(clip.duration), "parameters": {}}


def thumb(path: str, to: str, max_pixels: int) -> dict[str, Any]:
    """Writes the thumbnail of a painting."""
    _write_smaller(read_image(path, max_pixels=max_pixels), Path(to), _THUMB)
    return {}


def _write_smaller(picture: Any, path: Path, longest: int) -> None:
    pixels, alpha = picture.pixels, picture.alpha
    if max(pixels.shape) > longest:
        size = fit_size(pixels.shape[0], pixels.shape[1], longest)
        pixels = resize_picture(pixels, *size)
        alpha = None if alpha is None else resize_picture(alpha, *size)
    write_image(path, pixels, alpha)


def export(path: str, to: str, bits: int, max_pixels: int) -> dict[str, Any]:
    """Writes a painting in another format, with its parameters."""
    picture = read_image(path, max_pixels=max_pixels)
    write_image(to, picture.pixels, picture.alpha, bits=bits, parameters=read_parameters(path))
    return {}


def estimate(
    config: dict[str, Any], content: list[int], styles: list[list[int]], max_pixels: int
) -> dict[str, Any]:
    """The steps, scales, size, seconds and bytes of a painting of pictures of these shapes."""
    shape, shapes, wanted = (*content, 3), [(*style, 3) for style in styles], Config(**config)
    check_sizes(Request("", (), config=wanted), shape, shapes)
    settled = drop_small_scales(wanted, shape, shapes)
    scales = plan_scales(shape, settled)
    height, width = scales[-1].size
    choice = choose(settled, height, width, memory=free_memory())
    work = [step_work("vgg16", settled, *scale.painted, choice.tile) for scale in scales]
    steps = [scale.steps for scale in scales]
    return {
        "seconds": expected_seconds(work, steps, _speed()),
        "bytes": choice.memory,
        "steps": sum(steps),
        "scales": len(scales),
        "width": width,
        "height": height,
    }


@cache
def _speed() -> float:
    return measure_speed()


_TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "inspect": inspect,
    "thumb": thumb,
    "export": export,
    "estimate": estimate,
}


def _answered(line: str, max_pixels: int) -> dict[str, Any]:
    """The answer to one question."""
    question = json.loads(line)
    try:
        return _TASKS[question.pop("task")](**question, max_pixels=max_pixels)
    except MemoryError:
        return {"error": "this takes too much memory: make it smaller"}
    except (OSError, ValueError, TypeError) as error:
        full = errno.ENOSPC in (getattr(e, "errno", None) for e in (error, error.__cause__))
        path = question.get("path", "")
        line = in_options(error) if isinstance(error, ValueError) else str(error)
        text = " ".join(line.split()).replace(path, os.path.basename(path))  # noqa: PTH119
        return {"error": text, "full": full, "field": field_of(error)}


def main() -> None:
    """Answers until standard input ends, as it does when the server is killed."""
    memory, max_pixels = map(int, sys.argv[1:])
    if memory:
        with contextlib.suppress(ValueError, OSError):  # macOS knows no such limit
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    replies: TextIO = os.fdopen(os.dup(1), "w", buffering=1)
    # What libraries print must not be mixed with the answers.
    os.dup2(2, 1)
    for line in sys.stdin:
        replies.write(json.dumps(_answered(line, max_pixels)) + "\n")


if __name__ == "__main__":
    main()
