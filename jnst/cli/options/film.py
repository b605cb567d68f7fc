"""The options of `jnst video`: words in, a checked `FilmRequest` or `FilmResume` out."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from ...storage import is_remote
from ...video.film import QUALITIES, kind_of
from ...video.frame_files import is_frames
from ...video.paint import LONG_TERM
from .film_groups import FILM_GROUPS
from .groups import NETWORKS
from .parser import build_parser, typed_options, typed_preset
from .parsing import checked, values_of
from .request import Request, beside
from .settings import settings_of
from .templates import as_template
from .words import STREAM, UsageError, option_words

_NAME = "{content}_{style}.mp4"
_FRAME = "frame_%06d.png"


_USAGE = """jnst video --content CLIP --style FILE [FILE …] [--output FILM] [options]
       jnst video --resume FOLDER [--so-far] [options]"""
_EPILOG = """The film's path goes to standard output, all else to standard error. Exit codes are
those of jnst. Ctrl-C, SIGTERM and SIGHUP finish the step and make a film of the
frames so far; the frame that is being painted is begun anew by --resume."""


@dataclass(frozen=True)
class FilmRequest:
    """A command that asks for a painted film.

    Attributes:
        painting: how each frame is painted; its content is the clip, its output the film.
        start, end, fps, every: the frames that are painted, see `jnst.video.clip`.
        temporal, long_term, passes, shots, frame_steps: see `jnst.video.paint_frames`.
        film_quality: of the encoding; "": that of the painting.
        sound: whether it is copied.
        frames: folder of the painted frames; "": beside the film.
        so_far: whether a film is made of those frames that are there.
    """

    painting: Request
    start: Fraction | None = None
    end: Fraction | None = None
    fps: Fraction | None = None
    every: int = 1
    temporal: float = 1.0
    long_term: tuple[int, ...] = LONG_TERM
    passes: int = 1
    shots: tuple[int, ...] | None = None
    frame_steps: int | None = None
    film_quality: str = ""
    sound: bool = True
    frames: str = ""
    so_far: bool = False

    @property
    def folder(self) -> str:
        """Path of the folder of painted frames."""
        if self.frames:
            return self.frames
        output = self.painting.output
        return beside(str(Path(output).parent) if is_frames(output) else output, "_frames")

    @property
    def encoding(self) -> str:
        """The quality of the encoding."""
        return self.film_quality or self.painting.config.quality

    def words(self) -> list[str]:
        """The words of a command that makes the same film.

        >>> painting = Request("a.mp4", ("b.png",), "c.mp4")
        >>> FilmRequest(painting, end=Fraction(3, 2), sound=False).words()[7:]
        ['--end', '3/2', '--no-sound']
        """
        words = ["video", *self.painting.words()]
        for spec in fields(self):
            value = getattr(self, spec.name)
            if spec.name in ("painting", "frames", "so_far") or value == spec.default:
                continue
            if spec.name == "sound":
                words.append("--no-sound")
            elif isinstance(value, tuple):
                name = option_words(spec.name, "")[0]
                words += [name, ",".join(map(str, value)) or "none"]
            else:
                words += option_words(spec.name, value)
        return words

    def to_json(self) -> dict[str, Any]:
        """The values that a run needs to be resumed."""
        values = {spec.name: getattr(self, spec.name) for spec in fields(self)}
        values = {n: str(v) if isinstance(v, Fraction) else v for n, v in values.items()}
        return values | {"painting": json.loads(self.painting.to_json())}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "FilmRequest":
        """The request of `to_json`; TypeError, LookupError or ValueError for another version's."""
        plain = dict(values)
        painting = Request.from_json(json.dumps(plain.pop("painting")))
        for name in ("start", "end", "fps"):
            plain[name] = None if plain[name] is None else Fraction(plain[name])
        plain = {n: tuple(v) if isinstance(v, list) else v for n, v in plain.items()}
        return cls(painting, **plain)


class FilmResume(NamedTuple):
    """A command that goes on with a film.

    Attributes:
        path: of the folder of painted frames.
        painting: the fields of `Request` that were typed beside it.
        changes: the fields of `Config` that were typed.
        film: the fields of `FilmRequest` that were typed.
    """

    path: str
    painting: Mapping[str, Any]
    changes: Mapping[str, Any]
    film: Mapping[str, Any]


def parse_film(argv: Sequence[str], *, version: str = "") -> FilmRequest | FilmResume:
    """Parses the words after `jnst video`.

    Raises:
        UsageError: for wrong words, as `parse`.
        OSError: if the file of `--config` cannot be read.
        SystemExit: with code 0, after `--help` or `--version` has printed its text.

    Example:
        >>> parse_film(["--content", "a.mp4", "--style", "b.jpg", "--end", "2"]).painting.output
        'a_b.mp4'
    """
    preset = typed_preset(argv)
    texts = {
        "prog": "jnst video",
        "usage": _USAGE,
        "description": "Paints a film in the style of one or more pictures.",
        "epilog": _EPILOG,
    }
    typed = vars(typed_options(argv, build_parser(preset, version, FILM_GROUPS, **texts)))
    if "content" in typed:
        typed["content"] = [typed["content"]]
    film = {name: typed[name] for name in _OWN if name in typed}
    if film.get("film_quality", "normal") not in QUALITIES:
        raise UsageError(f"--film-quality is {film['film_quality']}: choose {', '.join(QUALITIES)}")
    if film.get("temporal", 1.0) < 0:
        raise UsageError(f"--temporal is {film['temporal']:g}: give 0 or more")
    name, changes = settings_of(typed, ())
    values = values_of(typed)
    values.pop("new_folder", None)
    if "resume" in typed:
        return _resume(typed, name, values, changes, film)
    for needed, what in (("content", "a film"), ("style", "a picture")):
        if needed not in typed:
            raise UsageError(f"--{needed} is missing: give {what} (see jnst video --help)")
    if film.pop("so_far", False):
        raise UsageError("--so-far needs --resume FOLDER, the frames of which it makes a film")
    if STREAM in (*typed["content"], typed.get("output")):
        raise UsageError("- is a picture: a film is read from a file and written to one")
    request = Request(**values).set_to(name or "default", changes)
    output = {"output": output_template(typed.get("output"))}
    request = checked(request.named(output, content=clip_name(request.content)))
    return checked_film(FilmRequest(request, **film))


_OWN = [spec.name for spec in fields(FilmRequest) if spec.name != "painting"]


def clip_name(content: str) -> str:
    """What {content} stands for in the name of a film.

    >>> clip_name("a/clip.mp4"), clip_name("a/frame_%04d.png"), clip_name("a/%d.png")
    ('clip', 'frame', 'a')
    """
    name = re.sub(r"[-_. ]*%\d*d", "", Path(content).stem)
    return name or Path(content).absolute().parent.name


def output_template(output: str | None) -> str:
    """The template that `--output` means: a folder holds frames."""
    if output and (output.endswith(("/", os.sep)) or Path(output).is_dir()):
        return str(Path(output) / _FRAME)
    return as_template(output, name=_NAME)


def checked_film(request: FilmRequest) -> FilmRequest:
    """The request, whose options must go together; UsageError otherwise."""
    output, start, end = request.painting.output, request.start, request.end
    for path in (request.painting.content, output, request.frames):
        if is_remote(path):
            raise UsageError(f"{path} is an address: films are read from and written to files here")
    try:
        pictures = not kind_of(output)
    except ValueError as error:
        raise UsageError(f"--output: {error}") from None
    if pictures and not re.search(r"\.(png|tiff?|jpe?g|webp)$", output, re.IGNORECASE):
        raise UsageError(f"--output: {output!r} has no ending of pictures: frame_%04d.png has")
    if pictures and request.film_quality:
        raise UsageError("--film-quality is for films: pictures are written as they are")
    if not pictures and request.painting.bits != 8:
        raise UsageError(
            f"--bits is for pictures: {Path(output).suffix} has bits of its own; leave it out"
        )
    if end is not None and end <= (start or 0):
        raise UsageError(f"--end is {float(end):g} s, at or before the start: give a later one")
    if request.temporal == 0:
        for name in ("passes", "long_term", "shots", "frame_steps"):
            if getattr(request, name) != getattr(FilmRequest, name):
                named = option_words(name, "")[0]
                raise UsageError(f"{named} has no effect with --temporal 0: leave it out")
    if request.painting.network not in (None, *NETWORKS):
        raise UsageError(f"unknown network {request.painting.network!r}")
    return request


def _resume(
    typed: Mapping[str, Any],
    name: str | None,
    values: dict[str, Any],
    changes: Mapping[str, Any],
    film: dict[str, Any],
) -> FilmResume:
    if "memory" in typed:
        raise UsageError("--memory is settled when a run begins: leave it out, or give --tile N")
    values.pop("devices", None)
    values |= {"preset": name} if name else {}
    if "output" in typed:
        values["output"] = typed["output"]
    return FilmResume(typed["resume"], values, changes, film)
