"""Clips: the frames of a film or of a folder as arrays, read as they are needed.

`open_clip` looks at every frame once, so that all of them are counted and their times known before
anything is painted. A clip is a sequence that holds a few frames at a time and may be read again.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import overload

from ..arrays import Pixels
from ..files import AnyPath
from ..images.opening import MAX_PIXELS
from .frame_files import is_frames, open_frames
from .reading import Found, Frame, Look, decoded, job_of, look_through, nothing_in

_BLOCK_BYTES = 2.0**28
_BLOCK = 24  # frames that are read at once where they are asked for by number


@dataclass(frozen=True, eq=False)
class Clip(Sequence[Pixels]):
    """The chosen frames of a film, [H, W, 3] float32, sRGB in [0, 1], upright.

    Attributes:
        path: where they come from.
        height, width: of each, in pixels.
        begin: time of the first in its film, in seconds.
        times: of each, in seconds from the first.
        duration: in seconds, until the last has been shown.
        look: the film's properties.
        notes: what to tell of the film.
        files: that it is read from.
    """

    path: str
    height: int
    width: int
    begin: Fraction
    times: tuple[Fraction, ...]
    duration: Fraction
    look: Look
    notes: tuple[str, ...]
    files: tuple[Path, ...]
    _read: Callable[[Sequence[int]], Iterator[Frame]] = field(repr=False)
    _numbers: tuple[int, ...] = field(repr=False)
    _block: dict[int, Pixels] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.times)

    def __iter__(self) -> Iterator[Pixels]:
        return (pixels for pixels, _ in self.frames())

    def frames(self) -> Iterator[Frame]:
        """All frames, with their alpha; ValueError if one cannot be read any more."""
        return self._read(self._numbers)

    def fingerprint(self) -> str:
        """A hash of the files that the clip is read from."""
        digest = hashlib.sha256()
        for file in self.files:
            with file.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
        return digest.hexdigest()

    @overload
    def __getitem__(self, index: int) -> Pixels: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Pixels]: ...
    def __getitem__(self, index: int | slice) -> Pixels | Sequence[Pixels]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        if number not in self._block:
            # A film is decoded forwards: so that it can be walked backwards, by blocks.
            size = max(1, min(_BLOCK, int(_BLOCK_BYTES / (12 * self.height * self.width))))
            first = number // size * size
            chosen = range(first, min(first + size, len(self)))
            frames = self._read([self._numbers[i] for i in chosen])
            self._block.clear()
            self._block.update(zip(chosen, (pixels for pixels, _ in frames), strict=True))
        return self._block[number]


def open_clip(
    path: AnyPath,
    *,
    start: Fraction | None = None,
    end: Fraction | None = None,
    fps: Fraction | None = None,
    every: int = 1,
    max_pixels: int = MAX_PIXELS,
) -> Clip:
    """Looks through a clip and returns its frames, none of which is held yet.

    Args:
        path: a film of any kind that FFmpeg decodes, a folder of pictures, or the pattern of their
            names, such as frame_%04d.png.
        start, end: which part, in seconds.
        fps: at most so many frames a second, at even distances; by default all. Of pictures their
            rate, by default 25.
        every: only every so many-th frame, shown that much longer.
        max_pixels: a film or picture with more is refused.

    Raises:
        ValueError: if it is not a film, is damaged beyond use, has no picture track, no frame in
            that part, or too many pixels.
        OSError: if there is no such file, or it may not be read.
        ImportError: without the extra `video`, for a film.
    """
    if is_frames(path):
        frames = open_frames(path, max_pixels)
        rate = fps or Fraction(25)
        times = [number / rate for number in range(len(frames.paths))]
        look = Look(rate, 1 / rate, bits=frames.bits, alpha=frames.alpha)
        found = Found(frames.height, frames.width, times, 1 / rate, look, frames.notes)
        chosen = _in_part(str(path), times, start, end)[::every]
        return _clip(
            str(path),
            found,
            chosen,
            None,
            every,
            [frames.paths[number] for number in chosen],
            frames.read,
        )
    job = job_of(path, max_pixels)
    job |= {name: str(at) for name, at in (("start", start), ("end", end)) if at is not None}
    found = look_through(str(path), job)
    end_of_film = found.times[-1] + found.last
    chosen = thinned(found.times, end_of_film, fps)[::every]

    def read(numbers: Sequence[int]) -> Iterator[Frame]:
        return decoded(str(path), job, numbers)

    return _clip(str(path), found, chosen, fps, every, [Path(job["path"])], read)


def thinned(times: Sequence[Fraction], end: Fraction, fps: Fraction | None) -> list[int]:
    """The frames that are shown at the beats of a clock of `fps` until the end, each once.

    >>> thinned([Fraction(n, 10) for n in range(10)], Fraction(1), Fraction(4))
    [0, 2, 5, 7]
    """
    if fps is None:
        return list(range(len(times)))
    chosen: dict[int, int] = {}
    for number, time in enumerate(times):
        # The first beat at which it is there; a later frame before that beat replaces it.
        beat = _ceil((time - times[0]) * fps)
        if beat == 0 or times[0] + beat / fps < end:
            chosen[beat] = number
    return sorted(chosen.values())


def _ceil(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)


def _in_part(
    path: str, times: list[Fraction], start: Fraction | None, end: Fraction | None
) -> list[int]:
    chosen = [
        number
        for number, time in enumerate(times)
        if (start is None or time >= start) and (end is None or time < end)
    ]
    if not chosen:
        raise ValueError(nothing_in(path, start, end))
    return chosen


def _clip(
    path: str,
    found: Found,
    chosen: list[int],
    fps: Fraction | None,
    every: int,
    files: Sequence[Path],
    read: Callable[[Sequence[int]], Iterator[Frame]],
) -> Clip:
    begin = found.times[chosen[0]]
    times = [found.times[number] - begin for number in chosen]
    look = found.look
    duration = max(found.times[-1] + found.last - begin, times[-1])
    rate = look.rate
    if fps is not None and fps < rate:
        times = [Fraction(_ceil(time * fps)) / fps for time in times]
        rate = fps
    rate /= every
    even = [Fraction(number) / rate for number in range(len(times))]
    # Clocks of thousandths round the times of an even rate.
    slack = max(look.time_base, Fraction(1, 1000))
    base = look.time_base
    if all(abs(time - beat) <= slack for time, beat in zip(times, even, strict=True)):
        times, base = even, 1 / rate
        duration = max(round(duration * rate), len(times)) / rate
    look = replace(look, rate=rate, time_base=base)
    return Clip(
        path,
        found.height,
        found.width,
        begin,
        tuple(times),
        duration,
        look,
        found.notes,
        tuple(files),
        read,
        tuple(chosen),
    )
