"""Films: painted frames with the sound, the rate and the colour tags of the clip they come from.

The ending of the name decides the kind. A film is written whole: to a temporary file that takes its
place once it is finished.
"""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Pixels
from ..files import AnyPath, prove_writable, replacing
from ..images import resize
from ..images.writer import parameters_of, parameters_text
from .child import Child
from .clip import Clip
from .frame_files import is_frames
from .reading import Colors, Frame, comment_of


class Codec(NamedTuple):
    """How frames are encoded: FFmpeg's names, and the options of each quality."""

    name: str
    layouts: tuple[str, str, str]  # pixels of 8 bits, of more, and with alpha; "" if it has none
    even: bool  # whether sides must be even
    square: bool  # whether its pixels must be
    options: Mapping[str, Mapping[str, str]]


QUALITIES = ("draft", "normal", "fine")
"""The names of qualities, as those of `Config.quality`."""


def _by_factor(values: Sequence[int], **others: str) -> dict[str, dict[str, str]]:
    pairs = zip(QUALITIES, values, strict=True)
    return {name: {"crf": str(value), **others} for name, value in pairs}


_H264 = Codec("libx264", ("yuv420p", "yuv420p", ""), True, False, _by_factor((26, 19, 14)))
_VP9 = Codec(
    "libvpx-vp9",
    ("yuv420p", "yuv420p", "yuva420p"),
    False,
    True,  # PyAV tells WebM nothing else
    _by_factor((38, 29, 20), b="0", **{"row-mt": "1", "cpu-used": "2"}),
)
_PRORES = Codec(
    "prores_ks",
    ("yuv422p10le", "yuv422p10le", "yuva444p10le"),
    True,
    False,
    {
        name: {"profile": profile, "vendor": "apl0"}
        for name, profile in zip(QUALITIES, ("lt", "standard", "hq"), strict=True)
    },
)
KINDS = {
    ".mp4": ("mp4", _H264),
    ".m4v": ("mp4", _H264),
    ".mkv": ("matroska", _H264),
    ".webm": ("webm", _VP9),
    ".mov": ("mov", _PRORES),
}
"""FFmpeg's container and the codec of each ending."""

_TURNABLE = ("mp4", "mov", "matroska")


# At its end VP9 encodes 25 large frames at once, and a large MP4 is written anew.
_SLOWEST = 900.0


@dataclass(frozen=True)
class Plan:
    """A film to be written.

    Attributes:
        path: ends in one of `KINDS`.
        clip: what was painted; its sound, times and tags are kept.
        height, width: of the painted frames.
        quality: one of `QUALITIES`.
        sound: whether it is copied.
        whole: whether the clip is the whole film, so that all of its sound is kept.
        parameters: names and values to store with it, such as the command.
    """

    path: str
    clip: Clip
    height: int
    width: int
    quality: str = "normal"
    sound: bool = True
    whole: bool = True
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def codec(self) -> Codec:
        return KINDS[Path(self.path).suffix.lower()][1]

    @property
    def turned(self) -> int:
        """Degrees by which the stored frames are turned to be shown."""
        container = KINDS[Path(self.path).suffix.lower()][0]
        return self.clip.look.rotation if container in _TURNABLE else 0

    @property
    def alpha(self) -> bool:
        """Whether the film is transparent where the clip is."""
        return self.clip.look.alpha and bool(self.codec.layouts[2])

    def encoded(self, pixels: Pixels, alpha: Pixels | None, height: int, width: int) -> bytes:
        """A frame as the encoder takes it: turned as it is stored, an odd last row or column cut
        off, and without alpha upon white, as in a JPEG."""
        if alpha is not None and not self.alpha:
            pixels = pixels * alpha[..., None] + (1 - alpha[..., None])
        elif self.alpha:
            opaque = np.ones(pixels.shape[:2], np.float32)
            pixels = np.dstack([pixels, opaque if alpha is None else alpha])
        stored = np.rot90(np.clip(pixels, 0, 1), -self.turned // 90)[:height, :width]
        return np.rint(stored * 65535).astype("<u2").tobytes()

    def job(self, path: str, count: int) -> dict[str, Any]:
        """The encoder's job of a film of the first `count` frames."""
        look, codec = self.clip.look, self.codec
        height, width = (self.height, self.width)[:: -1 if self.turned % 180 else 1]
        if codec.even:
            height, width = height // 2 * 2, width // 2 * 2
        aspect = 1 / look.aspect if (look.rotation - self.turned) % 180 else look.aspect
        times = [*self.clip.times, self.clip.duration]
        options = dict(codec.options[self.quality])
        if codec is _PRORES and self.alpha:
            options["profile"] = "4444"
        sound = self.sound and bool(look.sound)
        return {
            "path": path,
            "format": KINDS[Path(self.path).suffix.lower()][0],
            "codec": codec.name,
            "options": options,
            "layout": codec.layouts[2 if self.alpha else int(look.bits > 8)],
            "alpha": self.alpha,
            "height": height,
            "width": width,
            "shown_width": max(1, round(width * aspect)) if codec.square else width,
            "rate": str(look.rate),
            "time_base": str(look.time_base),
            "times": [str(time) for time in times[:count]],
            "duration": str(times[count]),
            "begin": str(self.clip.begin),
            "cut": not self.whole or count < len(self.clip),
            "aspect": "1" if codec.square else str(aspect),
            "rotation": self.turned,
            "colors": _writable(look.colors, codec)._asdict(),
            "metadata": {"comment": parameters_text(dict(self.parameters))},
            "sound": str(Path(self.clip.path).absolute()) if sound else "",
        }


def _writable(colors: Colors, codec: Codec) -> Colors:
    """The tags of a film in YUV: pictures in RGB become BT.709, and ProRes has no full range."""
    if codec is _PRORES:
        colors = colors._replace(range=1)
    if colors.matrix in (1, 4, 5, 6, 7, 9):
        return colors
    return colors._replace(matrix=9 if colors.matrix == 10 else 1, range=1)


def kind_of(path: AnyPath) -> str:
    """The ending that decides the kind of a film, or "" for frames as files.

    Raises:
        ValueError: for an unknown ending.
    """
    if is_frames(path) or str(path).endswith(("/", "\\")):
        return ""
    ending = Path(path).suffix.lower()
    if ending not in KINDS:
        *others, last = KINDS
        raise ValueError(
            f"{str(path)!r} has no known ending: use {', '.join(others)} or {last}, a folder/ or "
            "frame_%04d.png for pictures"
        )
    return ending


def is_film(path: AnyPath) -> bool:
    """Whether a file has the ending of a film."""
    return Path(path).suffix.lower() in KINDS


def check_film(plan: Plan) -> None:
    """Checks, before anything is painted, that a film can be written.

    Raises:
        ValueError: for an unknown ending, sides of a single pixel, or sound that it cannot hold.
        OSError: if the file cannot be written.
        ImportError: without the extra `video`.
    """
    kind_of(plan.path)
    prove_writable(plan.path)
    job = plan.job("", 1)
    if 0 in (job["height"], job["width"]):
        raise ValueError(f"{plan.path!r} would be of {plan.width}x{plan.height} pixels: too small")
    with tempfile.TemporaryDirectory() as folder, _named(plan.path):
        job["path"] = str(Path(folder) / "film")
        with Child("encoder", job) as child:
            child.answer()


def write_film(plan: Plan, frames: Iterable[Pixels], count: int) -> None:
    """Writes the first `count` frames of a film, [H, W, 3] in [0, 1], whole or not at all.

    Raises:
        ValueError: if the encoder fails.
        OSError: if the file cannot be written.
    """
    with replacing(plan.path) as path, _named(plan.path):
        job = plan.job(str(path), count)
        with Child("encoder", job, silence=_SLOWEST) as child:
            records = child.records()
            next(records)
            for pixels, alpha in with_alpha(frames, plan.clip):
                child.send(plan.encoded(pixels, alpha, job["height"], job["width"]))
                next(records)
            next(records)


def with_alpha(frames: Iterable[Pixels], clip: Clip) -> Iterator[Frame]:
    """Painted frames, with the alpha of the clip at their size."""
    if not clip.look.alpha:
        yield from ((pixels, None) for pixels in frames)
        return
    for pixels, (_, alpha) in zip(frames, clip.frames(), strict=False):
        height, width = pixels.shape[:2]
        yield pixels, None if alpha is None else resize(alpha, height, width)


@contextlib.contextmanager
def _named(path: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        remedy = "give another ending, or --no-sound" if "sound" in str(error) else "see --output"
        raise ValueError(f"{path!r} cannot be written: {error}; {remedy}") from None


def read_film_parameters(path: AnyPath) -> dict[str, str]:
    """The parameters that were stored with a film.

    Raises:
        ValueError: if it has none, or is not a film.
        OSError: if there is no such file.
        ImportError: without the extra `video`.
    """
    return parameters_of(path, comment_of(path))
