"""The encoder of films, a program of its own like the decoder: frames in, a film with sound out.

It reads a line of JSON, the job, from standard input, and then as many frames as there are times in
it, in 16-bit RGB or RGBA; it answers each with a line of JSON. The packets of the sound are copied
from the film that was painted, those of the part that was painted.
"""

import contextlib
import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.video.reformatter import Interpolation

_SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
# FFmpeg's scaler knows both matrices of BT.601 by one number.
_SCALERS_MATRIX = {6: 5}


def main() -> None:
    """Does the job of standard input; an error becomes a record."""
    job = json.loads(sys.stdin.buffer.readline())
    try:
        _encode(job)
        _send({"end": True})
    except Exception as error:  # damaged sound raises any
        text = getattr(error, "strerror", "") or str(error) or type(error).__name__
        _send({"error": " ".join(text.split())})


def _send(record: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(record | {"bytes": 0}).encode() + b"\n")
    sys.stdout.buffer.flush()


def _encode(job: dict[str, Any]) -> None:
    source = av.open(job["sound"], metadata_errors="replace") if job["sound"] else None
    # The same frames make the same bytes: no random number of the film, no version of FFmpeg.
    options = {"fflags": "bitexact"}
    if job["format"] in ("mp4", "mov"):
        options["movflags"] = "faststart"
    with av.open(job["path"], "w", format=job["format"], container_options=options) as film:
        film.metadata.update(job["metadata"])
        stream = _picture_track(film, job)
        tracks = {}
        for track in source.streams.audio if source else ():
            try:
                tracks[track] = film.add_stream_from_template(track)
            except (ValueError, AttributeError, av.error.FFmpegError):  # of an unknown codec
                raise ValueError(_no_sound(track, job)) from None
        try:
            film.start_encoding()
        except (ValueError, av.error.FFmpegError) as error:
            text = _no_sound(next(iter(tracks)), job) if tracks else str(error)
            raise ValueError(text) from None
        _send({"ready": True})
        packets = _sound(source, tracks, job)
        waiting = next(packets, None)
        for number, time in enumerate(job["times"]):
            for packet in stream.encode(_frame(stream, number, job)):
                film.mux(packet)
            while waiting is not None and waiting[0] <= Fraction(time):
                _mux_sound(film, waiting[1])
                waiting = next(packets, None)
            _send({"frame": number})
        film.mux(stream.encode(None))
        while waiting is not None:
            _mux_sound(film, waiting[1])
            waiting = next(packets, None)


def _mux_sound(film: Any, packet: Any) -> None:
    """Adds a packet of sound, or leaves out one that the film does not take: a full disk fails
    with the next frame as well."""
    with contextlib.suppress(av.error.FFmpegError):
        film.mux(packet)


def _no_sound(track: Any, job: dict[str, Any]) -> str:
    name = track.codec_context.name if track.codec_context else "an unknown codec"
    return f"{job['format']} cannot hold sound in {name}"


def _picture_track(film: Any, job: dict[str, Any]) -> Any:
    """The track of the painting, with the properties of the film that was painted."""
    stream = film.add_stream(job["codec"], rate=Fraction(job["rate"]), options=job["options"])
    stream.width, stream.height, stream.pix_fmt = job["shown_width"], job["height"], job["layout"]
    stream.time_base = Fraction(job["time_base"])
    context = stream.codec_context
    context.time_base = Fraction(job["time_base"])
    context.sample_aspect_ratio = Fraction(job["aspect"])
    colors = job["colors"]
    context.color_range, context.colorspace = colors["range"], colors["matrix"]
    context.color_primaries, context.color_trc = colors["primaries"], colors["transfer"]
    if job["rotation"]:
        stream.set_display_rotation(job["rotation"])
    return stream


def _frame(stream: Any, number: int, job: dict[str, Any]) -> Any:
    """The next frame of standard input, in the film's colours."""
    channels = 4 if job["alpha"] else 3
    shape = job["height"], job["width"], channels
    size = 2 * job["height"] * job["width"] * channels
    data = sys.stdin.buffer.read(size)
    if len(data) < size:
        sys.exit(1)  # the parent has gone
    pixels = np.frombuffer(data, "<u2").reshape(shape)
    frame = av.VideoFrame.from_ndarray(pixels, "rgba64le" if job["alpha"] else "rgb48le")
    matrix = job["colors"]["matrix"]
    frame = frame.reformat(
        width=stream.width,
        height=stream.height,
        format=stream.pix_fmt,
        dst_colorspace=_SCALERS_MATRIX.get(matrix, matrix),
        dst_color_range=job["colors"]["range"],
        interpolation=_SCALING,
    )
    frame.colorspace, frame.color_range = matrix, job["colors"]["range"]
    frame.color_primaries, frame.color_trc = (
        job["colors"]["primaries"],
        job["colors"]["transfer"],
    )
    base, ends = Fraction(job["time_base"]), [*job["times"][1:], job["duration"]]
    frame.time_base = base
    frame.pts = round(Fraction(job["times"][number]) / base)
    frame.duration = round(Fraction(ends[number]) / base) - frame.pts
    return frame


def _sound(source: Any, tracks: dict[Any, Any], job: dict[str, Any]) -> Iterator[Any]:
    """The packets of all sound tracks, each after its time in the new film; damaged ones are left
    out."""
    if not tracks:
        return
    begin, end = Fraction(job["begin"]), Fraction(job["duration"])
    begin += Fraction(source.start_time or 0, av.time_base)
    if job["cut"]:
        source.seek(max(0, int((begin - 1) * av.time_base)))
    packets = source.demux(*tracks)
    latest: dict[Any, int] = {}
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            return
        if packet is None:
            return
        if packet.dts is None or packet.pts is None:
            continue
        time = packet.pts * packet.time_base - begin
        if job["cut"] and not 0 <= time < end:
            continue
        if packet.dts <= latest.get(packet.stream, packet.dts - 1):
            continue
        latest[packet.stream] = packet.dts
        shift = round(begin / packet.time_base)
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        packet.stream = tracks[packet.stream]
        yield time, packet


if __name__ == "__main__":
    main()
