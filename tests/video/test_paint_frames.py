"""Films by `paint_frames`: steady, resumable, shot by shot."""

import numpy as np
import pytest
from moving_clip import MovingClip, texture

import jnst
from jnst.video import paint_frames
from jnst.video.flow import warped

CLIP = MovingClip(texture(140, 160, 1), texture(50, 50, 2), (48, 64), 10, (24, 16), (0.5, 2.0))
FRAMES = [CLIP.frame(t) for t in range(4)]
STYLE = texture(60, 70, 9)
CONFIG = jnst.Config(
    size=64,
    scales=(0.5, 1.0),
    steps=(12, 8),
    content_layers=("relu2_1",),
    style_layers=("relu1_1", "relu2_1"),
)
WEIGHTS = ("content_weight", "style_weight", "tv_weight")


@pytest.fixture(scope="module")
def params():
    return jnst.load_weights("vgg16")


def paint(params, frames=FRAMES, config=CONFIG, steps=4, **options):
    return list(paint_frames(params, iter(frames), STYLE, config, steps=steps, **options))


def warp_error(paintings):
    errors = []
    for t in range(1, len(paintings)):
        flow, visible = CLIP.motion(t, t - 1)
        errors.append(np.mean((paintings[t] - warped(paintings[t - 1], flow))[visible] ** 2))
    return np.mean(errors)


class Rounding(dict):
    """A store that keeps 8 bits, like a folder of pictures; it may lose power at a frame."""

    def __init__(self, entries=(), last=None):
        super().__init__(entries)
        self.last = last

    def __setitem__(self, key, painting):
        if key == self.last:
            raise KeyboardInterrupt
        super().__setitem__(key, (np.rint(np.clip(painting, 0, 1) * 255) / 255).astype(np.float32))


@pytest.fixture(scope="module")
def film(params):
    return paint(params)


@pytest.mark.slow
def test_a_film_is_steadier_than_its_stills_and_starts_as_one(params, film):
    apart = paint(params, temporal=0)
    for frame, painting in zip(FRAMES[:2], apart, strict=False):
        still = jnst.stylize(params, frame, STYLE, CONFIG).image
        np.testing.assert_array_equal(painting, still)
    np.testing.assert_array_equal(film[0], apart[0])
    assert warp_error(film) < 0.5 * warp_error(apart)
    for painting in film:
        assert painting.shape == (48, 64, 3)
        assert painting.dtype == np.float32


def test_more_weight_is_steadier(params, film):
    assert warp_error(film) < 0.95 * warp_error(paint(params, temporal=1e-4))


def test_the_temporal_weight_is_relative_to_the_other_terms(params, film):
    scaled = {name: 1024 * getattr(CONFIG, name) for name in WEIGHTS}
    config = jnst.Config(**{**CONFIG.to_dict(), **scaled})
    for found, expected in zip(paint(params, FRAMES[:2], config), film, strict=False):
        np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"passes": 2, "long_term": (1, 2)}], ids=["one", "two"])
def test_an_interrupted_film_continues_to_the_same_bytes(params, options):
    whole = Rounding()
    frames = FRAMES if "passes" in options else iter(FRAMES)
    expected = list(paint_frames(params, frames, STYLE, CONFIG, steps=2, store=whole, **options))
    for number in range(len(expected)):
        np.testing.assert_array_equal(expected[number], whole[options.get("passes", 1) - 1, number])
    for last in list(whole)[1::2]:
        broken = Rounding(last=last)
        with pytest.raises(KeyboardInterrupt):
            list(paint_frames(params, FRAMES, STYLE, CONFIG, steps=2, store=broken, **options))
        resumed = Rounding(broken)
        before = list(resumed)
        films = paint_frames(params, FRAMES, STYLE, CONFIG, steps=2, store=resumed, **options)
        for found, painting in zip(films, expected, strict=True):
            np.testing.assert_array_equal(found, painting)
        assert list(resumed)[: len(before)] == before == list(whole)[: len(before)]


@pytest.mark.slow
def test_a_later_pass_goes_backwards_from_the_last_frame(params):
    store = {}
    film = list(paint_frames(params, FRAMES, STYLE, CONFIG, steps=3, passes=2, store=store))
    assert list(store)[4:] == [(1, 3), (1, 2), (1, 1), (1, 0)]
    np.testing.assert_array_equal(store[1, 3], store[0, 3])
    assert np.abs(store[1, 0] - store[0, 0]).max() > 0
    np.testing.assert_array_equal(film[2], store[1, 2])


@pytest.mark.slow
def test_a_cut_starts_anew(params):
    other = texture(48, 64, 7)
    still = jnst.stylize(params, other, STYLE, CONFIG).image
    np.testing.assert_array_equal(paint(params, [*FRAMES[:2], other])[2], still)
    by_hand = paint(params, FRAMES[:3], shots=(2,))[2]
    np.testing.assert_array_equal(by_hand, jnst.stylize(params, FRAMES[2], STYLE, CONFIG).image)


def test_reports_come_in_order_and_may_stop(params):
    reports = []

    def callback(progress):
        picture = progress.image()
        coarse = progress.new_shot and progress.step <= 12
        assert picture.shape == ((24, 32, 3) if coarse else (48, 64, 3))
        reports.append(progress)
        return (progress.frame, progress.step, progress.done) == (1, 3, False)

    store = {}
    film = list(
        paint_frames(params, FRAMES, STYLE, CONFIG, steps=4, store=store, callback=callback)
    )
    assert len(film) == 1
    assert list(store) == [(0, 0)]
    found = [(r.frame, r.step, r.steps, r.done, r.new_shot) for r in reports]
    stills = [(0, step, 20, False, True) for step in range(1, 21)]
    assert found == [
        *stills, (0, 20, 20, True, True), *((1, step, 4, False, False) for step in (1, 2, 3))
    ]  # fmt: skip
    assert {(r.frames, r.pass_, r.passes) for r in reports} == {(4, 0, 1)}


@pytest.mark.slow
@pytest.mark.parametrize("color", ["luminance-lab", "match-symmetric"])
def test_colors_of_the_content_are_those_of_each_frame(params, color):
    config = jnst.Config(**{**CONFIG.to_dict(), "color": color})
    film = paint(params, FRAMES[:3], config)
    assert warp_error(film) < 0.01
    if color == "luminance-lab":
        from jnst.images.luminance import keep_colors

        np.testing.assert_allclose(film[2], keep_colors(film[2], FRAMES[2], "lab"), atol=2e-3)


def test_frames_are_read_as_they_are_needed(params):
    read = []

    def frames():
        for number, frame in enumerate(FRAMES):
            read.append(number)
            yield frame

    film = paint_frames(params, frames(), STYLE, CONFIG, steps=1)
    next(film)
    assert read == [0, 1]


@pytest.mark.parametrize(
    ("frames", "options", "error", "text"),
    [
        ([], {}, ValueError, "no frames"),
        ([FRAMES[0], FRAMES[1][:40]], {}, ValueError, r"frame 1 has shape \(40, 64, 3\), "),
        ([FRAMES[0] * np.nan], {}, ValueError, "frame 0 contains NaN"),
        ([(255 * FRAMES[0]).astype(np.uint8)], {}, TypeError, "frame 0 has dtype uint8"),
        (FRAMES, {"temporal": -1}, ValueError, "temporal is -1"),
        (FRAMES, {"long_term": (0, 1)}, ValueError, r"long_term is \(0, 1\)"),
        (FRAMES, {"steps": 0}, ValueError, "steps is 0"),
        (FRAMES, {"passes": 2, "temporal": 0}, ValueError, "passes is 2 with temporal 0"),
        (FRAMES, {"passes": 2}, TypeError, "frames is list_iterator for 2 passes"),
        (FRAMES, {"shots": (-1,)}, ValueError, r"shots is \(-1,\)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_bad_input_is_refused(params, frames, options, error, text):
    with pytest.raises(error, match=text):
        list(paint_frames(params, iter(frames), STYLE, CONFIG, **options))


def test_masks_hold_in_all_frames(params):
    """What is kept is the frame's own; a region that is everything, and all of a style, say
    nothing; what the region leaves free keeps the colours of the frame."""
    keep = np.zeros((48, 64), np.float32)
    keep[:, :20] = 1
    options = {"keep_mask": keep, "content_masks": [np.ones((48, 64))], "style_masks": [None]}
    film = paint(params, FRAMES[:3], **options)
    for frame, painting in zip(FRAMES, film, strict=False):
        np.testing.assert_array_equal(painting[:, :20], frame[:, :20])
        assert np.abs(painting - frame)[:, 20:].mean() > 0.02
    everything = paint(params, FRAMES[:2], content_masks=[np.ones((48, 64))])
    for found, expected in zip(everything, paint(params, FRAMES[:2]), strict=True):
        assert np.abs(found - expected).mean() < 2e-4  # Adam amplifies rounding


def test_the_part_of_a_style_that_counts_decides_its_colors(params):
    """Of a style of two colours, the half that is white in the mask, in later frames as well."""
    style = np.zeros((64, 64, 3), np.float32)
    style[:, :32, 0], style[:, 32:, 2] = 0.9, 0.9
    for part, channel in ((slice(0, 32), 0), (slice(32, 64), 2)):
        mask = np.zeros((64, 64), np.float32)
        mask[:, part] = 1
        config = jnst.Config(**{**CONFIG.to_dict(), "init": "matched"})
        painted = paint_frames(
            params, iter(FRAMES[:2]), style, config, steps=4, style_masks=[mask]
        )  # fmt: skip
        for painting in painted:
            colors = painting.mean((0, 1))
            assert colors.argmax() == channel
            assert colors[channel] > 2 * colors[2 - channel]
