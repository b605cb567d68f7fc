"""Frames as files: a folder of pictures, or the pattern of their names, such as frame_%04d.png."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..arrays import Pixels
from ..files import AnyPath
from ..images import read_image, resize
from ..images.opening import MAX_PIXELS

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".ppm", ".avif", ".jp2")
_NUMBER = re.compile(r"%(?:0(\d+))?d")


def is_frames(path: AnyPath) -> bool:
    """Whether a path names frames as files: a folder, or a pattern with %d in it.

    >>> is_frames("shot/frame_%04d.png"), is_frames("clip.mp4")
    (True, False)
    """
    file = Path(path)
    return file.is_dir() or (bool(_NUMBER.search(file.name)) and not file.exists())


def frame_name(pattern: str, number: int) -> str:
    """The name of a frame.

    >>> frame_name("shot/frame_%04d.png", 12)
    'shot/frame_0012.png'
    """
    folder, name = str(Path(pattern).parent), Path(pattern).name
    filled = _NUMBER.sub(lambda found: str(number).zfill(int(found[1] or 0)), name, count=1)
    return str(Path(folder) / filled)


def frame_paths(path: AnyPath) -> list[Path]:
    """The pictures of a folder or a pattern, in the order of the numbers in their names.

    Raises:
        FileNotFoundError: if there is none.
    """
    place = Path(path)
    if place.is_dir():
        shown = (file for file in place.iterdir() if not file.name.startswith("."))
        files = [file for file in shown if file.suffix.lower() in ENDINGS and file.is_file()]
        if not files:
            raise FileNotFoundError(f"the folder {place} has no picture in it")
        return sorted(files, key=_natural)
    start, _, end = _NUMBER.split(place.name, maxsplit=1)
    name = re.compile(f"{re.escape(start)}(\\d+){re.escape(end)}")
    folder = place.parent if place.parent.is_dir() else Path(place.anchor or ".")
    numbered = {}
    if place.parent.is_dir():
        for file in folder.iterdir():
            if match := name.fullmatch(file.name):
                numbered[int(match[1])] = file
    if not numbered:
        raise FileNotFoundError(f"no file is named like {str(path)!r}")
    return [file for _, file in sorted(numbered.items())]


def _natural(file: Path) -> list[tuple[int, str]]:
    """A key by which frame_2 comes before frame_10."""
    parts = re.findall(r"\d+|\D+", file.name)
    return [(int(part), part) if part.isdigit() else (-1, part) for part in parts]


@dataclass(frozen=True)
class Frames:
    """Pictures that follow one another; they are resized to the size of the first."""

    paths: tuple[Path, ...]
    height: int
    width: int
    bits: int
    alpha: bool
    max_pixels: int
    notes: tuple[str, ...] = ()

    def read(self, numbers: Sequence[int]) -> Iterator[tuple[Pixels, Pixels | None]]:
        """The frames of these numbers, from 0, and their alpha."""
        for number in numbers:
            picture = read_image(self.paths[number], max_pixels=self.max_pixels)
            pixels, alpha = picture.pixels, picture.alpha
            if pixels.shape[:2] != (self.height, self.width):
                pixels = resize(pixels, self.height, self.width)
                alpha = None if alpha is None else resize(alpha, self.height, self.width)
            yield pixels, alpha


def open_frames(path: AnyPath, max_pixels: int = MAX_PIXELS) -> Frames:
    """The pictures of a folder or a pattern, of which the first is read.

    Raises:
        OSError, ValueError: if there is none, or the first cannot be read.
    """
    paths = tuple(frame_paths(path))
    first = read_image(paths[0], max_pixels=max_pixels)
    height, width = first.pixels.shape[:2]
    # A picture of more than 8 bits has other values than those of 8.
    fine = bool(abs(first.pixels * 255 - (first.pixels * 255).round()).max() > 1e-3)
    alpha = first.alpha is not None
    return Frames(paths, height, width, 16 if fine else 8, alpha, max_pixels)
