"""The decoder of films, a program of its own: what crashes it does not end the painting.

It reads a line of JSON, the job, from standard input, and writes records to standard output: a line
of JSON each, followed by as many bytes as its "bytes" says. Only PyAV is imported. Without "wanted"
it looks at every frame and sends no pixels; with it, it sends the frames of these numbers, upright,
as 16-bit RGB or RGBA. Both count the frames alike: a single thread decodes, since several may
conceal the damage of a broken file in different ways.
"""

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc, Interpolation

_UNSPECIFIED = 2  # of matrix, primaries and transfer; of the range it is 0
_BT709, _SMPTE170M = 1, 6
_LARGE = 720  # lines: players take an untagged film from here on for BT.709
_HDR = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)
_MOST_DAMAGE = 1000
_BEAT_SECONDS = 1.0
_SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


def main() -> None:
    """Does the job of standard input; an error becomes a record."""
    job = json.loads(sys.stdin.readline())
    # The parent holds the other end: when it is gone, whatever FFmpeg is at, this ends.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _decode(job)
    except Exception as error:  # damaged films raise any
        text = getattr(error, "strerror", "") or str(error) or type(error).__name__
        _send({"error": " ".join(text.split())})


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def _send(record: dict[str, Any], data: bytes = b"") -> None:
    sys.stdout.buffer.write(json.dumps(record | {"bytes": len(data)}).encode() + b"\n" + data)
    sys.stdout.buffer.flush()


def _decode(job: dict[str, Any]) -> None:
    with av.open(job["path"], metadata_errors="replace") as container:
        stream = _picture_track(container)
        if stream is None:
            _send({"none": True})
            return
        if stream.codec_context is None:
            raise ValueError("nothing decodes its pictures")
        _check_size(stream.width, stream.height, job["max_pixels"])
        decoder = _decoder(stream)
        decoder.thread_count = 1
        decoder.options = {"max_pixels": str(job["max_pixels"])}
        wanted = None if job.get("wanted") is None else set(job["wanted"])
        last = max(wanted) if wanted else None
        damage, number, size, beat = _Damage(), 0, None, time.monotonic()
        for when, frame in _timed(container, stream, decoder, job, damage):
            if size is None:
                size = frame.width, frame.height
                _send({"film": _properties(container, stream, frame)})
            if wanted is None:
                changed = (frame.width, frame.height) != size
                _send({"time": str(when), "duration": _duration(frame, stream), "changed": changed})
            elif number in wanted:
                _send_pixels(number, frame, size)
            elif time.monotonic() - beat > _BEAT_SECONDS:
                beat = time.monotonic()
                _send({})
            number += 1
            if last is not None and number > last:
                break
        _send({"end": number, "damaged": damage.count, "cut": damage.cut})


class _Damage:
    """What could not be decoded: the number of packets, and why the file ended early."""

    count = 0
    cut = ""


def _picture_track(container: Any) -> Any:
    """The first video stream that is not the cover of an album; None without one."""
    covers = av.stream.Disposition.attached_pic
    return next((s for s in container.streams.video if not s.disposition & covers), None)


def _decoder(stream: Any) -> Any:
    """The decoder of a stream: of VP8 and VP9 with alpha, which FFmpeg's own leaves out, libvpx."""
    names = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
    name = names.get(stream.codec_context.name)
    if name and stream.metadata.get("alpha_mode") == "1":
        return av.CodecContext.create(name, "r")
    return stream.codec_context


def _check_size(width: int, height: int, most: int) -> None:
    if width * height > most:
        raise ValueError(f"{width}x{height} pixels are over {most:,}, see --max-pixels")


def _timed(
    container: Any, stream: Any, decoder: Any, job: dict[str, Any], damage: _Damage
) -> Iterator[Any]:
    """The frames from "start" to "end", with their times in seconds from the film's start, which
    always grow."""
    origin = Fraction(container.start_time or 0, av.time_base)
    start = Fraction(job["start"]) if job.get("start") else None
    end = Fraction(job["end"]) if job.get("end") else None
    step = 1 / (stream.guessed_rate or stream.average_rate or Fraction(25))
    if start:
        # Where that is not possible, it is decoded from its beginning.
        with contextlib.suppress(av.error.FFmpegError):
            container.seek(int((origin + start) * av.time_base))
    before = None
    for frame in _frames(container.demux(stream), decoder, damage):
        when = before + step if before is not None else Fraction(0)
        if frame.pts is not None and stream.time_base:
            # The last frames of a decoder have no time base of their own.
            when = frame.pts * stream.time_base - origin
        if before is not None and when <= before:
            when = before + step
        before = when
        if end is not None and when >= end:
            return
        if start is None or when >= start:
            yield when, frame


def _frames(packets: Any, decoder: Any, damage: _Damage) -> Iterator[Any]:
    """All frames that can be decoded; damaged packets are passed over."""
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError as error:
            damage.cut = str(error.strerror)
            packet = None
        if packet is None:
            return
        try:
            # The last packet is empty, and asks for the frames that are left.
            yield from decoder.decode(packet if packet.size else None)
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            damage.count += 1
            if damage.count >= _MOST_DAMAGE:
                raise


def _properties(container: Any, stream: Any, frame: Any) -> dict[str, Any]:
    layout = frame.format
    rate = stream.guessed_rate or stream.average_rate or Fraction(25)
    aspect = stream.sample_aspect_ratio
    _tag(frame)
    return {
        "width": frame.width,
        "height": frame.height,
        "rotation": round(frame.rotation / 90) * 90 % 360,
        "rate": str(rate),
        "time_base": str(stream.time_base),
        "aspect": str(aspect) if aspect else "1",
        "bits": max(component.bits for component in layout.components),
        "alpha": _has_alpha(layout),
        "colors": {
            "range": int(frame.color_range),
            "matrix": int(frame.colorspace),
            "primaries": int(frame.color_primaries),
            "transfer": int(frame.color_trc),
        },
        "hdr": frame.color_trc in _HDR,
        "interlaced": frame.interlaced_frame,
        "comment": next((v for k, v in container.metadata.items() if k.lower() == "comment"), ""),
        "sound": [_codec_of(track) for track in container.streams.audio],
    }


def _codec_of(track: Any) -> str:
    return track.codec_context.name if track.codec_context else "an unknown codec"


def _has_alpha(layout: Any) -> bool:
    return any(component.is_alpha for component in layout.components)


def _duration(frame: Any, stream: Any) -> str:
    known = frame.duration and stream.time_base
    return str(frame.duration * stream.time_base) if known else ""


def _tag(frame: Any) -> None:
    """Gives a frame without tags those that players assume."""
    if frame.format.is_rgb:
        frame.colorspace, frame.color_range = 0, ColorRange.JPEG
        return
    if frame.format.name.startswith("yuvj"):
        frame.color_range = ColorRange.JPEG
    if frame.color_range == ColorRange.UNSPECIFIED:
        frame.color_range = ColorRange.MPEG
    if frame.colorspace in (0, _UNSPECIFIED):
        large = min(frame.width, frame.height) >= _LARGE
        frame.colorspace = _BT709 if large else _SMPTE170M


def _send_pixels(number: int, frame: Any, size: tuple[int, int]) -> None:
    _tag(frame)
    layout = "rgba64le" if _has_alpha(frame.format) else "rgb48le"
    more: dict[str, Any] = {}
    if frame.color_trc in _HDR:
        # Its brightest white is a hundred times that of a photograph.
        more = {
            "dst_color_trc": ColorTrc.IEC61966_2_1,
            "dst_color_primaries": ColorPrimaries.BT709,
        }
    turns = round(frame.rotation / 90) % 4
    frame = frame.reformat(*size, layout, interpolation=_SCALING, **more)
    pixels = frame.to_ndarray()
    # Counterclockwise; the standard library has no such turn, but the array has.
    for _ in range(turns):
        pixels = pixels.swapaxes(0, 1)[::-1]
    _send({"number": number, "shape": pixels.shape}, pixels.astype("<u2").tobytes())


if __name__ == "__main__":
    main()
