"""Films: sound, times, rotation, tags and alpha of what is written beside what was read."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import facts, make_clip, pictures

from jnst.images import resize
from jnst.video.clip import open_clip
from jnst.video.film import Plan, check_film, read_film_parameters, write_film

PARAMETERS = {"command": "jnst video --content 'ä.mp4'", "seed": "0"}


def copied(source: Path, path: Path, count: int = 0, **options: object) -> Path:
    """The film of a clip's own frames, as if painting changed nothing."""
    part = {name: options.pop(name) for name in ("start", "end", "fps", "every") if name in options}
    clip = open_clip(source, **part)
    plan = Plan(str(path), clip, clip.height, clip.width, parameters=PARAMETERS, **options)
    check_film(plan)
    write_film(plan, list(clip)[: count or None], count or len(clip))
    return path


def apart(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """The mean difference of frames, of 255."""
    return float(np.mean([np.abs(x.astype(int) - y).mean() for x, y in zip(a, b, strict=True)]))


@pytest.mark.parametrize(
    ("ending", "codec", "sound"),
    [
        (".mp4", "h264", "aac"),
        (".mkv", "h264", "aac"),
        (".mov", "prores", "aac"),
        (".webm", "vp9", "libopus"),
    ],
)
def test_a_film_keeps_all_but_the_picture(
    tmp_path: Path, ending: str, codec: str, sound: str
) -> None:
    source = make_clip(
        tmp_path / "a.mkv",
        pictures(12),
        rate=Fraction(30000, 1001),
        sound=sound,
        colors=(1, 6, 6, 6),
        aspect=Fraction(4, 3),
    )
    before, after = facts(source), facts(copied(source, tmp_path / f"b{ending}"))
    assert after["codec"] == codec
    for name in ("sound", "colors"):
        assert after[name] == before[name], name
    (height, width), aspect = after["size"], after["aspect"]
    assert (height, width * aspect) == (48, pytest.approx(64 * 4 / 3, abs=0.5))
    assert after["rate"] == pytest.approx(before["rate"], rel=1e-3)
    assert after["times"] == pytest.approx(before["times"], abs=1e-3)
    assert after["duration"] == pytest.approx(before["duration"], abs=0.05)
    if ending != ".webm":  # which has square pixels
        assert (width, aspect) == (64, Fraction(4, 3))
        assert apart(after["pixels"], before["pixels"]) < 3
    assert read_film_parameters(tmp_path / f"b{ending}") == PARAMETERS


@pytest.mark.parametrize("ending", [".mp4", ".webm"])
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_film_looks_the_same(tmp_path: Path, degrees: int, ending: str) -> None:
    source = make_clip(tmp_path / "a.mp4", pictures(2), rotation=degrees, aspect=Fraction(2))
    path = copied(source, tmp_path / f"b{ending}")
    before, after = open_clip(source), open_clip(path)
    shape = [before.height, before.width]
    if ending == ".webm":  # it is stored upright, of square pixels
        shape[1] = round(shape[1] * (2 if degrees == 180 else 0.5))
    assert after.look.rotation == (0 if ending == ".webm" else degrees)
    assert after.look.aspect == (1 if ending == ".webm" else 2)
    assert (after.height, after.width) == tuple(shape)
    shown = [255 * resize(frame, *shape) for frame in before]
    assert apart(shown, [255 * frame for frame in after]) < 5


@pytest.mark.parametrize(("ending", "span"), [(".mp4", 2), (".webm", 2), (".mov", 1)])
def test_full_range_stays_full_but_in_prores(tmp_path: Path, ending: str, span: int) -> None:
    source = make_clip(tmp_path / "a.mp4", pictures(2), colors=(2, 1, 1, 1))
    path = copied(source, tmp_path / f"b{ending}")
    assert facts(path)["colors"] == (span, 1, 1, 1)
    before, after = open_clip(source), open_clip(path)
    assert apart([255 * x for x in before], [255 * x for x in after]) < 3


def test_a_variable_rate_stays_one(tmp_path: Path) -> None:
    times = [0, 40, 80, 200, 210, 400]
    source = make_clip(tmp_path / "a.mp4", pictures(6), times=times, time_base=Fraction(1, 1000))
    after = facts(copied(source, tmp_path / "b.mp4"))
    assert [time * 1000 for time in after["times"]] == times


def test_a_part_has_its_part_of_the_sound(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", pictures(50), sound="aac")
    options = {"start": Fraction(1, 2), "end": Fraction(3, 2), "whole": False}
    after = facts(copied(source, tmp_path / "b.mp4", **options))
    assert (len(after["times"]), after["duration"]) == (25, pytest.approx(1, abs=0.05))
    (sound,), (whole,) = after["sound"], facts(source)["sound"]
    assert sound in whole
    assert len(sound) == pytest.approx(len(whole) / 2, rel=0.1)


def test_the_first_frames_have_the_sound_until_their_end(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", pictures(50), sound="aac")
    after = facts(copied(source, tmp_path / "b.mp4", count=10))
    assert len(after["times"]) == 10
    assert after["duration"] == pytest.approx(0.4, abs=0.05)


def test_fewer_frames_take_as_long(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", pictures(48), rate=Fraction(24), sound="aac")
    for options, rate in (({"every": 2}, 12), ({"fps": Fraction(8)}, 8)):
        after = facts(copied(source, tmp_path / "b.mp4", **options))
        assert after["rate"] == rate
        assert after["duration"] == pytest.approx(2, abs=0.05)
        assert after["sound"] == facts(source)["sound"]


@pytest.mark.parametrize("ending", [".mov", ".webm"])
def test_alpha_is_kept_where_it_can_be(tmp_path: Path, ending: str) -> None:
    alpha = np.repeat(np.array([0, 128, 255, 60], np.uint8), 16)
    frames = [np.dstack([frame, np.broadcast_to(alpha, (48, 64))]) for frame in pictures(3)]
    source = make_clip(tmp_path / "a.mov", frames, codec="prores_ks", layout="yuva444p10le")
    path = copied(source, tmp_path / f"b{ending}")
    for _, read in open_clip(path).frames():
        assert read is not None
        assert np.abs(read - alpha / 255).mean() < 0.02


def test_without_alpha_it_is_upon_white(tmp_path: Path) -> None:
    frames = [np.zeros((48, 64, 4), np.uint8)] * 2
    source = make_clip(tmp_path / "a.mov", frames, codec="prores_ks", layout="yuva444p10le")
    assert min(frame.min() for frame in open_clip(copied(source, tmp_path / "b.mp4"))) > 0.98


def test_odd_sides_lose_a_row_in_h264_alone(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", pictures(2, 47, 63), codec="ffv1", layout="yuv444p")
    assert facts(copied(source, tmp_path / "b.mp4"))["size"] == (46, 62)
    assert facts(copied(source, tmp_path / "b.webm"))["size"] == (47, 63)


def test_ten_bits_are_kept_by_prores(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", pictures(2), codec="ffv1", layout="yuv420p10le")
    layouts = {".mp4": "yuv420p", ".webm": "yuv420p", ".mov": "yuv422p10le"}
    for ending, layout in layouts.items():
        assert facts(copied(source, tmp_path / f"b{ending}"))["layout"] == layout


def test_quality_is_size(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3)).astype(np.uint8)
    source = make_clip(tmp_path / "a.mp4", list(noise))
    for ending in (".mp4", ".webm", ".mov"):
        sizes = [
            copied(source, tmp_path / f"{quality}{ending}", quality=quality).stat().st_size
            for quality in ("draft", "normal", "fine")
        ]
        assert sizes == sorted(set(sizes)), ending


def test_the_same_frames_make_the_same_bytes(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", pictures(12), sound="aac")
    for ending in (".mp4", ".mov", ".mkv"):
        one, other = (
            copied(source, tmp_path / f"{n}{ending}").read_bytes() for n in ("one", "other")
        )
        assert one == other, ending


def test_sound_that_does_not_fit_is_told_before(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", pictures(2), sound="aac")
    text = "webm cannot hold sound in aac; give another ending, or --no-sound"
    with pytest.raises(ValueError, match=text):
        copied(source, tmp_path / "b.webm")
    assert facts(copied(source, tmp_path / "b.webm", sound=False))["sound"] == []


def test_a_film_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", pictures(3))
    path = tmp_path / "b.mp4"
    path.write_bytes(b"before")
    clip = open_clip(source)

    def broken() -> Iterator[np.ndarray]:
        yield clip[0]
        raise OSError("a disk")

    with pytest.raises(OSError, match="a disk"):
        write_film(Plan(str(path), clip, 48, 64), broken(), 3)
    assert path.read_bytes() == b"before"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


def test_an_unknown_ending(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", pictures(2))
    with pytest.raises(ValueError, match=r"no known ending: use \.mp4"):
        copied(source, tmp_path / "b.avi")


def test_other_films_have_no_parameters(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", pictures(2))
    with pytest.raises(ValueError, match="carries no parameters"):
        read_film_parameters(source)
