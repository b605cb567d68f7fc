"""Colours kept and matched: moments in float64, scikit-image, and the bytes of a saved picture."""

import numpy as np
import pytest

import jnst
from jnst.config.choices import COLORS
from jnst.images import keep_colors, match_colors, resize_picture
from jnst.images.color_matching import METHODS, moments
from jnst.images.luminance import SPACES, luminance
from jnst.transfer.inputs import colored

RNG = np.random.default_rng(3)
CONTENT = RNG.random((20, 30, 3)) ** [1, 2, 3]
STYLE = 0.3 + 0.5 * RNG.random((25, 15, 3)) @ RNG.random((3, 3))
GRAY = np.repeat(RNG.random((9, 8, 1)), 3, axis=-1)
FLAT = np.full((6, 7, 3), [0.2, 0.5, 0.9])
LINEAR = [method for method in METHODS if method != "histogram"]


def chrominance(pixels, space):
    return SPACES[space].split(np.asarray(pixels, np.float64))[..., 1:]


@pytest.mark.parametrize("method", LINEAR)
def test_matched_colours_have_the_moments_of_the_content(method):
    matched = match_colors(STYLE, CONTENT, method, epsilon=0)
    for found, expected in zip(moments(matched), moments(CONTENT), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    # The oracle of the moments themselves.
    np.testing.assert_allclose(
        moments(CONTENT)[1], np.cov(CONTENT.reshape(-1, 3).T, bias=True), rtol=1e-12
    )
    np.testing.assert_allclose(match_colors(CONTENT, CONTENT, method), CONTENT, atol=1e-9)


def test_the_three_maps_differ_as_described():
    (cholesky, pca, symmetric), centred = (
        [match_colors(STYLE, CONTENT, method, epsilon=0) for method in LINEAR],
        (STYLE - STYLE.mean((0, 1))).reshape(-1, 3),
    )
    for matched, kind in ((cholesky, "triangle"), (symmetric, "symmetric"), (pca, "other")):
        moved = (matched - matched.mean((0, 1))).reshape(-1, 3)
        matrix = np.linalg.lstsq(centred, moved, rcond=None)[0].T
        assert np.allclose(np.triu(matrix, 1), 0, atol=1e-9) == (kind == "triangle")
        assert np.allclose(matrix, matrix.T, atol=1e-9) == (kind == "symmetric")
    # Of all linear maps with the right moments the symmetric one moves the colours least.
    distances = [np.square(matched - STYLE).mean() for matched in (symmetric, cholesky, pca)]
    assert distances[0] == min(distances)


def test_histograms_match_as_in_scikit_image():
    exposure = pytest.importorskip("skimage.exposure")
    for style, content in ((STYLE, CONTENT), (np.round(STYLE, 1), np.round(CONTENT, 2))):
        expected = exposure.match_histograms(style, content, channel_axis=-1)
        found = match_colors(style, content, "histogram")
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("content", [GRAY, FLAT, CONTENT], ids=["gray", "flat", "colours"])
@pytest.mark.parametrize("style", [GRAY, FLAT, STYLE], ids=["gray", "flat", "colours"])
def test_gray_and_constant_pictures_are_safe(style, content, method):
    matched = match_colors(style, content, method)
    assert np.isfinite(matched).all()
    if method == "histogram":
        return
    np.testing.assert_allclose(moments(matched)[0], moments(content)[0], atol=1e-9)
    # A direction in which the style does not vary cannot be made to, nor is its noise enlarged.
    assert np.linalg.eigvalsh(moments(matched)[1] - moments(content)[1]).max() < 1.1e-5


def test_luminance_spaces_are_those_of_scikit_image():
    color = pytest.importorskip("skimage.color")
    corners = np.array(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), float).T.reshape(4, 2, 3)
    for pixels in (CONTENT, corners, CONTENT * 0.02):
        # There the constants of the knee are rounded.
        np.testing.assert_allclose(SPACES["lab"].split(pixels), color.rgb2lab(pixels), atol=1e-3)
        np.testing.assert_allclose(SPACES["yuv"].split(pixels), color.rgb2yuv(pixels), atol=1e-4)
        for space in SPACES.values():
            np.testing.assert_allclose(space.join(space.split(pixels)), pixels, atol=1e-7)


def test_the_differences_of_ycbcr_reach_one_half_at_the_primaries():
    red, green, blue = SPACES["ycbcr"].split(np.eye(3))
    np.testing.assert_allclose([red[0], green[0], blue[0]], [0.2126, 0.7152, 0.0722])
    np.testing.assert_allclose([blue[1], red[2]], 0.5)
    np.testing.assert_allclose(SPACES["ycbcr"].split(GRAY)[..., 1:], 0, atol=1e-12)


@pytest.mark.parametrize("space", SPACES)
def test_chrominance_is_kept_in_the_picture_as_saved(tmp_path, space):
    saturated = np.clip(3 * RNG.random((20, 30, 3)) - 1, 0, 1)
    painting = 1.4 * RNG.random((20, 30, 3)) - 0.2
    for content in (CONTENT, saturated, GRAY[:, :, :].repeat(4, 0)[:20].repeat(4, 1)[:, :30]):
        kept = keep_colors(painting, content, space)
        assert kept.min() >= 0
        assert kept.max() <= 1
        jnst.write_image(tmp_path / "kept.png", kept)
        saved = jnst.read_image(tmp_path / "kept.png").pixels
        step = 1.0 if space == "lab" else 1 / 255
        difference = chrominance(saved, space) - chrominance(content, space)
        assert np.abs(difference).max() <= step
    gentle = 0.45 + 0.1 * CONTENT
    kept = keep_colors(0.3 + 0.4 * painting, gentle, space)
    wanted = SPACES[space].split(0.3 + 0.4 * painting)[..., 0]
    # Far from the borders of the gamut the luminance is all the painting's.
    np.testing.assert_allclose(SPACES[space].split(np.float64(kept))[..., 0], wanted, atol=1e-4)


def test_bands_of_rows_are_the_whole(monkeypatch):
    whole = keep_colors(STYLE, STYLE[::-1], "lab"), luminance(STYLE, "lab")
    monkeypatch.setattr("jnst.images.luminance._BAND", 40)
    np.testing.assert_array_equal(keep_colors(STYLE, STYLE[::-1], "lab"), whole[0])
    np.testing.assert_array_equal(luminance(STYLE, "lab"), whole[1])


def test_luminance_of_the_style_is_brought_to_the_contents():
    style, content = STYLE.astype(np.float32), CONTENT.astype(np.float32)
    found = colored("luminance-yuv", content, [style])
    for gray in (found.content, *found.styles):
        np.testing.assert_allclose(np.ptp(gray, axis=-1), 0, atol=1e-6)
    np.testing.assert_allclose(
        [found.styles[0].mean(), found.styles[0].std()],
        [found.content.mean(), found.content.std()],
        rtol=1e-3,
    )


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: match_colors(STYLE, CONTENT, "pac"),
            "unknown method 'pac': choose one of cholesk",
        ),
        (lambda: match_colors(STYLE[0], CONTENT), r"style has shape \(15, 3\): an image is"),
        (lambda: match_colors(STYLE, CONTENT, epsilon=-1), "epsilon is -1: it must be at least 0"),
        (lambda: match_colors(GRAY, CONTENT, epsilon=0), "epsilon is 0, and the colours of a pict"),
        (lambda: keep_colors(STYLE, CONTENT), "the painting has shape .* resize one of them"),
        (lambda: keep_colors(STYLE, STYLE, "hsv"), "unknown colour space 'hsv': choose one of yuv"),
    ],
)
def test_mistakes_are_named(call, text):
    with pytest.raises(ValueError, match=text):
        call()


SMALL = {
    "size": 32,
    "scales": (1.0,),
    "steps": (3,),
    "style_layers": ("relu1_1",),
    "content_layers": ("relu1_2",),
}


def test_a_run_keeps_the_colours_in_every_picture_that_it_shows():
    params = jnst.load_weights("vgg16")
    content, style = np.float32(CONTENT), np.float32(STYLE)
    seen, kept = [], {}

    def watch(progress):
        seen.append(progress.image())
        kept[progress.step] = progress.checkpoint()

    config = jnst.Config(**SMALL, color="luminance-yuv")
    run = {"params": params, "content": content, "styles": style, "config": config, "chunk": 1}
    result = jnst.stylize(**run, callback=watch)
    for image in (*seen, result.image):
        original = resize_picture(content, *image.shape[:2])
        np.testing.assert_allclose(
            chrominance(image, "yuv"), chrominance(original, "yuv"), atol=1e-3
        )
    again = jnst.stylize(**run, resume=kept[1])
    np.testing.assert_array_equal(again.image, result.image)


def test_a_run_with_matched_colours_is_the_run_on_the_matched_style():
    params = jnst.load_weights("vgg16")
    content, style = np.float32(CONTENT), np.float32(STYLE)
    config = jnst.Config(**SMALL, color="match-pca")
    matched = match_colors(style, content, "pca").astype(np.float32)
    found = jnst.stylize(params, content, [style, style], config)
    expected = jnst.stylize(params, content, [matched, matched], jnst.Config(**SMALL))
    np.testing.assert_array_equal(found.image, expected.image)


def test_the_choices_are_all_that_there_is():
    luminances, matches = (f"luminance-{s}" for s in SPACES), (f"match-{m}" for m in METHODS)
    assert ("style", *luminances, *matches) == COLORS
    for color in COLORS:
        found = colored(color, np.float32(CONTENT), [np.float32(STYLE)])
        assert found.content.dtype == found.styles[0].dtype == np.float32
