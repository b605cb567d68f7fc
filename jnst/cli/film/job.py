"""The preparation of a film: what it is made of, and the checks before anything is painted."""

import hashlib
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...files import make_folder
from ...images import Picture, check_writable
from ...network import Params
from ...network.architecture import check_layers
from ...system import program_version
from ...transfer.sizes import drop_small_scales, target_sizes
from ...video.clip import Clip, open_clip
from ...video.film import Plan, check_film, kind_of
from ...video.frame_files import frame_name, is_frames
from ..console import tell
from ..forecast import fitted
from ..limits import check_sizes
from ..options.film import FilmRequest
from ..options.request import Request
from ..options.words import UsageError
from ..output import command_words, parameters, recipe
from ..paint import load_network
from ..pictures import check_side, read_masks, read_picture


@dataclass(frozen=True)
class Job:
    """A film that is ready to be painted.

    Attributes:
        asked: the request as it was typed.
        request: with the tile, history and scales that were chosen.
        clip, styles, params: what it is made of.
        masks: of every frame, as arguments of `paint_frames`.
        settled: what the memory chose when the run began.
        memory: bytes that are needed.
        recipe: a hash of all that decides how the frames look.
    """

    asked: FilmRequest
    request: FilmRequest
    clip: Clip
    styles: list[Picture]
    params: Params
    masks: dict[str, Any]
    settled: dict[str, int]
    memory: int
    recipe: str

    @property
    def painting(self) -> Request:
        return self.request.painting

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the painted frames."""
        return target_sizes(self.clip.height, self.clip.width, self.painting.config)[-1]

    @property
    def plan(self) -> Plan:
        """The film to be written."""
        request, painting = self.asked, self.asked.painting
        command = command_words(sys.argv[0], request.words())
        embedded = parameters(painting, self.params, command, program_version())
        return Plan(
            painting.output,
            self.clip,
            *self.size,
            quality=request.encoding,
            sound=request.sound,
            whole=request.start is None and request.end is None,
            parameters=embedded | {"recipe": self.recipe},
        )


def prepared(request: FilmRequest, settled: dict[str, int]) -> Job:
    """Reads the clip and the styles, and checks everything that can be checked before painting."""
    asked, painting = request, replace(request.painting, settled=settled)
    say = (lambda message: None) if painting.quiet else tell
    for note in painting.notes:
        say(f"note: {note}")
    _check_output(request)
    clip = open_clip(
        painting.content,
        start=request.start,
        end=request.end,
        fps=request.fps,
        every=request.every,
        max_pixels=painting.max_pixels,
    )
    for note in clip.notes:
        say(f"note: {note}")
    styles = [read_picture(path, painting) for path in painting.styles]
    shapes, shape = [style.pixels.shape for style in styles], (clip.height, clip.width, 3)
    for path, sides in zip((clip.path, *painting.styles), (shape, *shapes), strict=True):
        check_side(path, sides, painting)
    masks = read_masks(painting, shape, styles, lambda mask, like: mask)
    check_sizes(painting, shape, shapes)
    config = drop_small_scales(painting.config, shape, shapes)
    params = load_network(painting)
    check_layers(params.network, config.layers)
    base = np.broadcast_to(np.float32(0), shape)
    painting, settled, memory = fitted(replace(painting, config=config), params, base, say)
    memory += _earlier_frames(request, target_sizes(clip.height, clip.width, painting.config)[-1])
    request = replace(request, painting=painting)
    made = _recipe(asked, clip, params)
    job = Job(asked, request, clip, styles, params, masks, settled, memory, made)
    _check_shots(request.shots, clip)
    if kind_of(painting.output):
        check_film(job.plan)
    return job


def _check_output(request: FilmRequest) -> None:
    """Refuses files to write that are files to read, or would be among the frames to read."""
    painting, output = request.painting, Path(request.painting.output)
    for path in (painting.content, *painting.styles, *painting.masks.named().values()):
        if Path(path).exists() and output.exists() and output.samefile(path):
            raise UsageError(f"--output would overwrite {path}: choose another name")
    written = {"the painted frames": Path(request.folder)}
    if not kind_of(output):
        written["--output"] = output.parent
    if is_frames(painting.content):
        content = Path(painting.content)
        frames = content if content.is_dir() else content.parent
        for name, folder in written.items():
            if folder.resolve() == frames.resolve():
                raise UsageError(
                    f"{name} would be among those of the clip, in {folder}: choose another folder"
                )
    if not kind_of(output):
        make_folder(output.parent)
        check_writable(frame_name(str(output), 1), bits=painting.bits)


def _check_shots(shots: Sequence[int] | None, clip: Clip) -> None:
    for shot in shots or ():
        if shot > len(clip):
            raise UsageError(f"--shots names frame {shot}, and there are {len(clip)}")


def _earlier_frames(request: FilmRequest, size: tuple[int, int]) -> int:
    """Bytes of the frames that are kept to find the motion from them."""
    return max(request.long_term) * 12 * math.prod(size) if request.temporal else 0


def _recipe(request: FilmRequest, clip: Clip, params: Params) -> str:
    """A hash of everything that decides how the frames look, the pixels of the clip included."""
    painting = request.painting
    pictures = recipe(replace(painting, content=painting.styles[0], bits=8), params)
    names = ("start", "end", "fps", "every", "temporal", "long_term", "passes", "shots")
    values = [str(getattr(request, name)) for name in (*names, "frame_steps")]
    digest = hashlib.sha256(json.dumps([pictures, values, clip.fingerprint()]).encode())
    return digest.hexdigest()
