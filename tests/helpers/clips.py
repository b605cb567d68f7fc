"""Small clips made by PyAV, what a film says of itself, and a painter that paints nothing."""

from collections.abc import Iterable, Iterator, MutableMapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from jnst.images import resize_picture
from jnst.transfer.sizes import target_sizes
from jnst.video import FrameProgress

RATE = 25


def pictures(count: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """Smooth frames, [height, width, 3] uint8, in which a bright disc moves to the right."""
    rows, columns = np.mgrid[:height, :width]
    frames = []
    for number in range(count):
        frame = np.stack([40 + columns * 2, 60 + rows * 2, 90 + 0 * rows], axis=-1)
        disc = (rows - height / 2) ** 2 + (columns - 12 - 5 * number) ** 2 < 64
        frame[disc] = (230, 200, 60)
        frames.append(np.clip(frame, 0, 255).astype(np.uint8))
    return frames


def make_clip(
    path: Path,
    frames: Iterable[np.ndarray],
    *,
    codec: str = "libx264",
    layout: str = "yuv420p",
    rate: Fraction = Fraction(RATE),
    times: list[int] | None = None,
    time_base: Fraction | None = None,
    rotation: int = 0,
    sound: str = "",
    colors: tuple[int, int, int, int] | None = (1, 1, 1, 1),
    aspect: Fraction | None = None,
) -> Path:
    """Writes a film; `times` are in units of `time_base`, `colors` its range, matrix, primaries
    and transfer, `sound` the codec of a tone as long as the film."""
    frames = list(frames)
    base = time_base or 1 / rate
    with av.open(str(path), "w") as film:
        options = {"crf": "1"} if codec.startswith("lib") else {}
        stream = film.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = layout
        stream.codec_context.time_base = base
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        if colors:
            context = stream.codec_context
            context.color_range, context.colorspace = colors[:2]
            context.color_primaries, context.color_trc = colors[2:]
        if rotation:
            stream.set_display_rotation(rotation)
        tone = film.add_stream(sound, rate=48000, layout="mono") if sound else None
        for number, pixels in enumerate(frames):
            kind = "rgba" if pixels.shape[-1] == 4 else "rgb24"
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), kind)
            matrix, span = (colors or (1, 6))[1], (colors or (1, 6))[0]
            frame = frame.reformat(
                format=layout, dst_colorspace={6: 5}.get(matrix, matrix), dst_color_range=span
            )
            frame.pts = times[number] if times else number
            frame.time_base = base
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
        if tone:
            _write_tone(film, tone, len(frames) / rate)
    return path


def _write_tone(film: Any, tone: Any, seconds: Fraction) -> None:
    size = tone.codec_context.frame_size or 1024
    for first in range(0, int(seconds * 48000), size):
        wave = np.sin(2 * np.pi * 440 * (first + np.arange(size)) / 48000)
        layout = tone.codec_context.format.name
        kind = np.float32 if layout.startswith("flt") else np.int16
        scale = 0.5 if kind is np.float32 else 16000
        frame = av.AudioFrame.from_ndarray((scale * wave).astype(kind)[None], layout, "mono")
        frame.sample_rate, frame.pts = 48000, first
        frame.time_base = Fraction(1, 48000)
        film.mux(tone.encode(frame))
    film.mux(tone.encode(None))


def facts(path: Path) -> dict[str, Any]:
    """What a film says of itself and of its frames, and the bytes of its sound."""
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        frames = list(film.decode(stream))
        origin = frames[0].pts * frames[0].time_base
        said = {
            "codec": stream.codec_context.name,
            "layout": stream.pix_fmt,
            "size": (stream.height, stream.width),
            "rate": stream.average_rate,
            "times": [frame.pts * frame.time_base - origin for frame in frames],
            "rotation": frames[0].rotation,
            "aspect": stream.sample_aspect_ratio or Fraction(1),
            "colors": (
                frames[0].color_range,
                frames[0].colorspace,
                frames[0].color_primaries,
                frames[0].color_trc,
            ),
            "duration": film.duration / av.time_base,
            "pixels": [frame.to_ndarray(format="rgb24") for frame in frames],
        }
    with av.open(str(path)) as film:
        said["sound"] = [
            b"".join(bytes(packet) for packet in film.demux(track)) for track in film.streams.audio
        ]
    return said


def paint_nothing(
    params: object,
    frames: Iterable[np.ndarray],
    styles: object,
    config: Any,
    *,
    store: MutableMapping[tuple[int, int], np.ndarray],
    passes: int = 1,
    callback: Any = None,
    **_: object,
) -> Iterator[np.ndarray]:
    """A painter of the contract of `paint_frames`: each frame resized, half of it the one before.

    Only the store carries anything from frame to frame.
    """
    for number, frame in enumerate(frames):
        if (0, number) not in store:
            size = target_sizes(*frame.shape[:2], config)[-1]
            painted = resize_picture(frame, *size)
            if number:
                painted = (painted + store[0, number - 1]) / 2
            for step in (1, 2):
                if callback and callback(_progress(number, step, 2, painted)):
                    return
            store[0, number] = painted
            if callback and callback(_progress(number, 2, 2, painted, done=True)):
                return
        yield store[0, number]


def _progress(
    frame: int, step: int, steps: int, image: np.ndarray, *, done: bool = False
) -> FrameProgress:
    return FrameProgress(frame, None, 0, 1, step, steps, done, frame == 0, lambda: image)


def mutated(data: bytes, seed: int) -> bytes:
    """A film's bytes with some changed, some cut out, or the end cut off, at random."""
    rng, broken = np.random.default_rng(seed), bytearray(data)
    for _ in range(int(rng.integers(1, 30))):
        broken[int(rng.integers(len(broken)))] = int(rng.integers(256))
    if seed % 3 == 1:
        first = int(rng.integers(len(broken)))
        del broken[first : first + int(rng.integers(1, 200))]
    if seed % 3 == 2:
        del broken[int(rng.integers(len(broken) // 4, len(broken))) :]
    return bytes(broken)


def wide_sizes(path: Path) -> Path:
    """A film whose size changes: two streams of H.264, one after the other."""
    parts = []
    for height, width in ((48, 64), (96, 80)):
        part = path.with_suffix(".h264")
        make_clip(part, pictures(3, height, width))
        parts.append(part.read_bytes())
        part.unlink()
    path.write_bytes(b"".join(parts))
    return path
