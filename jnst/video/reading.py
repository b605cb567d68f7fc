"""The reading of a film through the decoder: what it says of itself, its times, its frames."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Pixels
from ..files import AnyPath, readable_path
from ..images.opening import MAX_PIXELS
from .child import Child


class Colors(NamedTuple):
    """The colour tags of a film, as numbers of ITU-T H.273; 2 is unspecified."""

    range: int = 1  # 1: black is 16 and white 235 of 255; 2: all of 0 to 255
    matrix: int = 1
    primaries: int = 1
    transfer: int = 1


@dataclass(frozen=True)
class Look:
    """What a film says of its frames, besides the pixels.

    Attributes:
        rate: frames a second, on average.
        time_base: seconds that a unit of its clock takes.
        rotation: degrees counterclockwise by which its stored frames are shown.
        aspect: width of a pixel over its height.
        bits: of a channel, as stored.
        alpha: whether it has one.
        colors: its tags.
        sound: codec of each sound track.
    """

    rate: Fraction = Fraction(25)
    time_base: Fraction = Fraction(1, 25)
    rotation: int = 0
    aspect: Fraction = Fraction(1)
    bits: int = 8
    alpha: bool = False
    colors: Colors = Colors()  # noqa: RUF009
    sound: tuple[str, ...] = ()


Frame = tuple[Pixels, Pixels | None]
"""The pixels [H, W, 3] of a frame in [0, 1], and its alpha [H, W], if it has one."""


class Found(NamedTuple):
    """What was found in a film: its size, the times of its frames, its properties."""

    height: int
    width: int
    times: list[Fraction]
    last: Fraction  # seconds for which the last frame is shown
    look: Look
    notes: tuple[str, ...]


def comment_of(path: AnyPath) -> str:
    """The comment that is stored with a film; errors as `open_clip`."""
    for record in _records(str(path), job_of(path, MAX_PIXELS)):
        if "film" in record:
            return str(record["film"]["comment"])
    raise ValueError(nothing_in(str(path), None, None))


def job_of(path: AnyPath, max_pixels: int) -> dict[str, Any]:
    """The decoder's job of a film; OSError for one that is not there or may not be read."""
    file = readable_path(path)
    if not file.exists():
        raise FileNotFoundError(
            f"there is no file {str(path)!r}: check its spelling and the folder you are in"
        )
    return {"path": str(file.absolute()), "max_pixels": max_pixels}


def nothing_in(path: str, start: Any, end: Any) -> str:
    """The text of an error: a clip has no frame from start to end."""
    if start is None and end is None:
        return f"{path!r} has no frame that can be decoded: export it again"
    part = f"from {float(start or 0):g} s" + (f" to {float(end):g} s" if end is not None else "")
    return f"{path!r} has no frame {part}: choose another --start or --end"


def look_through(path: str, job: dict[str, Any]) -> Found:
    """What a film says of itself, and the times of its frames in the part that is asked for."""
    film: dict[str, Any] = {}
    times: list[Fraction] = []
    last, changed = "", 0
    end: dict[str, Any] = {}
    for record in _records(path, job):
        film = record.get("film", film)
        if "time" in record:
            times.append(Fraction(record["time"]))
            last, changed = record["duration"], changed + record["changed"]
        end = record if "end" in record else end
    if not times:
        raise ValueError(nothing_in(path, job.get("start"), job.get("end")))
    notes = _notes(path, film, len(times), changed, end)
    rate = Fraction(film["rate"])
    look = Look(
        rate,
        Fraction(film["time_base"]),
        film["rotation"],
        Fraction(film["aspect"]),
        film["bits"],
        film["alpha"],
        Colors() if film["hdr"] else Colors(**film["colors"]),
        tuple(film["sound"]),
    )
    sides = film["height"], film["width"]
    height, width = sides[::-1] if look.rotation % 180 else sides
    return Found(height, width, times, Fraction(last) if last else 1 / rate, look, notes)


def _notes(
    path: str, film: dict[str, Any], count: int, changed: int, end: dict[str, Any]
) -> tuple[str, ...]:
    notes = []
    if end["cut"] or end["damaged"]:
        notes.append(f"{path} is cut short or damaged: {count} frames of it can be decoded")
    if changed:
        size = f"{film['width']}x{film['height']}"
        notes.append(f"{path} changes its size: {changed} frames are resized to {size}")
    if film["hdr"]:
        notes.append(f"{path} has a high dynamic range, which is painted and written as BT.709")
    if film["interlaced"]:
        notes.append(f"{path} is interlaced, and its lines will be painted: deinterlace it first")
    return tuple(notes)


def decoded(path: str, job: dict[str, Any], numbers: Sequence[int]) -> Iterator[Frame]:
    """The frames of these numbers, in their order; ValueError for a film that has changed."""
    count = 0
    for record, data in _talk(path, job | {"wanted": list(numbers)}):
        if "number" in record:
            values = np.frombuffer(data, "<u2").reshape(record["shape"])
            values = values.astype(np.float32) / np.float32(65535)
            alpha = np.ascontiguousarray(values[..., 3]) if values.shape[-1] == 4 else None
            yield np.ascontiguousarray(values[..., :3]), alpha
            count += 1
    if count < len(numbers):
        raise ValueError(f"{path!r} has fewer frames than before: was it changed?")


def _records(path: str, job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (record for record, _ in _talk(path, job))


def _talk(path: str, job: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bytes]]:
    try:
        with Child("decoder", job) as child:
            for record, data in child.records():
                if "none" in record:
                    raise ValueError("it has no picture track")
                yield record, data
    except ValueError as error:
        raise ValueError(
            f"{path!r} is not a film that can be read ({error}): copy or export it again"
        ) from None
