"""Clips: colours, times, rotation, alpha, and which frames are chosen, beside what was encoded."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import RATE, make_clip, pictures

from jnst.images import read_image, write_image
from jnst.video.clip import open_clip

# ITU-T H.273, table 4: red's and blue's share of luma, by the number of the matrix.
SHARES = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 7: (0.212, 0.087)}
SHARES[9] = (0.2627, 0.0593)


def rgb(luma: int, blue: int, red: int, bits: int, matrix: int, full: bool) -> np.ndarray:
    """RGB of a colour in YCbCr, by H.273."""
    unit = 2 ** (bits - 8)
    y = luma / (2**bits - 1) if full else (luma - 16 * unit) / (219 * unit)
    span = (2**bits - 1) if full else 224 * unit
    cb, cr = (blue - 128 * unit) / span, (red - 128 * unit) / span
    share_r, share_b = SHARES[matrix]
    r, b = y + 2 * (1 - share_r) * cr, y + 2 * (1 - share_b) * cb
    return np.clip([r, (y - share_r * r - share_b * b) / (1 - share_r - share_b), b], 0, 1)


def plain_film(
    path: Path, layout: str, color: tuple[int, ...], span: int, matrix: int, side: int = 32
) -> Path:
    """A lossless film of one colour in YCbCr."""
    with av.open(str(path), "w") as film:
        stream = film.add_stream("ffv1", rate=RATE)
        stream.height = stream.width = side
        stream.pix_fmt = layout
        context = stream.codec_context
        context.color_range, context.colorspace = span, matrix
        frame = av.VideoFrame(side, side, layout)
        for plane, value in zip(frame.planes, color, strict=True):
            np.frombuffer(plane, np.uint16 if "10" in layout else np.uint8)[:] = value
        frame.colorspace, frame.color_range = matrix, span
        film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("layout", "bits", "span", "matrix"),
    [
        ("yuv420p", 8, 1, 1),
        ("yuv420p", 8, 2, 6),
        ("yuv444p10le", 10, 1, 9),
        ("yuv422p10le", 10, 2, 1),
        ("yuv420p", 8, 1, 7),
        ("yuv444p", 8, 1, 5),
    ],
)
def test_colours_are_those_of_the_tags(
    tmp_path: Path, layout: str, bits: int, span: int, matrix: int
) -> None:
    color = tuple(value * 2 ** (bits - 8) for value in (100, 140, 110))
    clip = open_clip(plain_film(tmp_path / "a.mkv", layout, color, span, matrix))
    (pixels,) = clip
    expected = rgb(*color, bits, matrix, full=span == 2)
    assert np.abs(pixels - expected).max() < 0.002
    assert (clip.look.bits, clip.look.colors.range, clip.look.colors.matrix) == (bits, span, matrix)


@pytest.mark.parametrize(("side", "matrix"), [(64, 6), (720, 1)])
def test_without_tags_they_are_those_that_players_assume(
    tmp_path: Path, side: int, matrix: int
) -> None:
    path = plain_film(tmp_path / "a.mkv", "yuv444p", (100, 140, 110), 0, 2, side)
    clip = open_clip(path)
    assert np.abs(clip[0] - rgb(100, 140, 110, 8, matrix, full=False)).max() < 0.002
    assert clip.look.colors[:2] == (1, matrix)


def test_a_high_dynamic_range_becomes_bt709(tmp_path: Path) -> None:
    path, luma = tmp_path / "pq.mkv", 573
    with av.open(str(path), "w") as film:
        stream = film.add_stream("ffv1", rate=RATE)
        stream.height, stream.width, stream.pix_fmt = 32, 32, "yuv420p10le"
        context = stream.codec_context
        context.color_range, context.colorspace = 1, 9
        context.color_primaries, context.color_trc = 9, 16
        frame = av.VideoFrame(32, 32, "yuv420p10le")
        for plane, value in zip(frame.planes, (luma, 512, 512), strict=True):
            np.frombuffer(plane, np.uint16)[:] = value
        film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    clip = open_clip(path)
    # BT.2408: the white of a photograph, 203 nits, is 58 % of PQ's code.
    assert clip[0] == pytest.approx(1.0, abs=0.02)
    assert clip.look.colors == (1, 1, 1, 1)
    assert clip.notes == (
        f"{path} has a high dynamic range, which is painted and written as BT.709",
    )


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_frames_are_upright(tmp_path: Path, degrees: int) -> None:
    frames = pictures(2)
    plain = open_clip(make_clip(tmp_path / "plain.mp4", frames))
    turned = open_clip(make_clip(tmp_path / "turned.mp4", frames, rotation=degrees))
    assert turned.look.rotation == degrees
    for shown, stored in zip(turned, plain, strict=True):
        assert np.array_equal(shown, np.rot90(stored, degrees // 90))
    assert (turned.height, turned.width) == turned[0].shape[:2]


def test_frames_are_what_was_encoded_forwards_backwards_and_again(tmp_path: Path) -> None:
    frames = pictures(30)
    clip = open_clip(make_clip(tmp_path / "a.mp4", frames))
    once = list(clip)
    assert len(clip) == len(once) == 30
    assert max(np.abs(a - b / 255).mean() for a, b in zip(once, frames, strict=True)) < 0.03
    assert all(np.array_equal(clip[i], once[i]) for i in reversed(range(30)))
    assert np.array_equal(clip[-1], once[-1])
    assert [part.shape for part in clip[3:5]] == [(48, 64, 3)] * 2


def test_the_times_of_a_variable_rate_are_kept(tmp_path: Path) -> None:
    times = [0, 40, 80, 200, 210, 400]
    path = make_clip(tmp_path / "a.mp4", pictures(6), times=times, time_base=Fraction(1, 1000))
    clip = open_clip(path)
    assert [time * 1000 for time in clip.times] == times


def test_clocks_of_thousandths_do_not_make_an_even_rate_uneven(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", pictures(5), rate=Fraction(24000, 1001))
    clip = open_clip(path)
    assert clip.look.rate == Fraction(24000, 1001)
    assert clip.times == tuple(number / clip.look.rate for number in range(5))


def test_a_part_at_a_lower_rate(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", pictures(50), rate=Fraction(25))
    every = list(open_clip(path))
    clip = open_clip(path, start=Fraction(1), end=Fraction(9, 5), fps=Fraction(5))
    assert clip.begin == 1
    assert clip.times == (0, Fraction(1, 5), Fraction(2, 5), Fraction(3, 5))
    assert clip.duration == Fraction(4, 5)
    chosen = [every[25 + 5 * number] for number in range(4)]
    assert all(np.array_equal(a, b) for a, b in zip(clip, chosen, strict=True))
    third = open_clip(path, every=3)
    assert (len(third), third.look.rate) == (17, Fraction(25, 3))
    assert all(np.array_equal(a, b) for a, b in zip(third, every[::3], strict=True))


def test_no_frame_in_that_part(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", pictures(3))
    with pytest.raises(ValueError, match=r"has no frame from 9 s: choose another --start"):
        open_clip(path, start=Fraction(9))


def test_alpha_is_read(tmp_path: Path) -> None:
    alpha = np.linspace(0, 255, 64).astype(np.uint8)
    frames = [np.dstack([frame, np.broadcast_to(alpha, (48, 64))]) for frame in pictures(2)]
    path = make_clip(tmp_path / "a.mov", frames, codec="prores_ks", layout="yuva444p10le")
    clip = open_clip(path)
    assert clip.look.alpha
    for _, read in clip.frames():
        assert read is not None
        assert np.abs(read - alpha / 255).max() < 0.01


def test_pictures_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (2, 10, 1):
        write_image(tmp_path / f"f{number}.png", np.full((20, 30, 3), number / 20))
    (tmp_path / "notes.txt").write_text("no picture")
    for path in (tmp_path, tmp_path / "f%d.png"):
        clip = open_clip(path, fps=Fraction(10))
        assert [round(float(frame.max() * 20)) for frame in clip] == [1, 2, 10]
        assert clip.times == (0, Fraction(1, 10), Fraction(1, 5))
        assert np.array_equal(clip[2], read_image(tmp_path / "f10.png").pixels)


def test_pictures_of_another_size_are_resized(tmp_path: Path) -> None:
    write_image(tmp_path / "f1.png", np.full((20, 30, 3), 0.25))
    write_image(tmp_path / "f2.png", np.full((40, 60, 3), 0.75))
    assert [frame.shape for frame in open_clip(tmp_path)] == [(20, 30, 3)] * 2


def test_a_clip_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no file"):
        open_clip(tmp_path / "a.mp4")
    with pytest.raises(FileNotFoundError, match="no file is named like"):
        open_clip(tmp_path / "a%03d.png")
    with pytest.raises(FileNotFoundError, match="has no picture in it"):
        open_clip(tmp_path)
