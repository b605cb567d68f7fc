"""The classic filters against SciPy, and against what they must do to ramps, flats and waves."""

import numpy as np
import pytest
from scipy import ndimage, signal

from jnst.figures import CLASSIC, apply_filter
from jnst.figures.kernels import gabor_bank, gaussian, luma

RNG = np.random.default_rng(5)
RAMP_X = np.tile(0.25 * np.arange(12.0), (10, 1))[..., None]


def grating(angle: float, wavelength: float = 6.0, size: int = 31) -> np.ndarray:
    """A cosine of amplitude 1 around the middle; the wave runs at an angle, counter-clockwise."""
    axis = np.arange(size) - size // 2
    along = axis[None, :] * np.cos(angle) - axis[:, None] * np.sin(angle)
    return np.cos(2 * np.pi * along / wavelength)[..., None]


@pytest.mark.parametrize("name", CLASSIC)
def test_valid_equals_scipy_correlation(name):
    image = RNG.random((19, 23, 3))
    kernel = CLASSIC[name]
    found = apply_filter(image, kernel, padding="VALID")
    for channel in range(3):
        expected = signal.correlate2d(image[..., channel], kernel[..., 0, 0], mode="valid")
        np.testing.assert_allclose(found[..., channel], expected, atol=2e-6)


@pytest.mark.parametrize("name", CLASSIC)
def test_same_equals_scipy_with_zeros_outside(name):
    image = RNG.random((18, 21, 1))
    kernel = CLASSIC[name]
    found = apply_filter(image, kernel)[..., 0]
    expected = ndimage.correlate(image[..., 0], kernel[..., 0, 0], mode="constant")
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_stride_takes_every_nth_of_stride_1():
    image, kernel = RNG.random((20, 17, 3)), CLASSIC["sharpen"]
    dense = apply_filter(image, kernel, padding="VALID")
    np.testing.assert_allclose(
        apply_filter(image, kernel, stride=(3, 2), padding="VALID"), dense[::3, ::2], atol=1e-6
    )


def test_each_filter_of_a_bank_sees_each_channel_by_itself():
    image, bank = RNG.random((40, 36, 2)), gabor_bank(3)
    found = np.asarray(apply_filter(image, bank, padding="VALID"))
    assert found.shape == (10, 6, 6)
    for channel in range(2):
        for i in range(3):
            expected = signal.correlate2d(image[..., channel], bank[..., 0, i], mode="valid")
            np.testing.assert_allclose(found[..., 3 * channel + i], expected, atol=5e-6)


def test_sobel_of_a_ramp_is_its_slope():
    np.testing.assert_allclose(apply_filter(RAMP_X, CLASSIC["sobel_x"], padding="VALID"), 0.25)
    np.testing.assert_allclose(apply_filter(RAMP_X, CLASSIC["sobel_y"], padding="VALID"), 0.0)
    downwards = RAMP_X.transpose(1, 0, 2)
    np.testing.assert_allclose(apply_filter(downwards, CLASSIC["sobel_y"], padding="VALID"), 0.25)


def test_laplacian_of_a_parabola_is_its_second_derivative():
    y, x = np.mgrid[:9, :9].astype(float)
    bowl = (x**2 + 2 * y**2)[..., None]
    np.testing.assert_allclose(apply_filter(bowl, CLASSIC["laplacian"], padding="VALID"), 6.0)


def test_sums_say_what_a_flat_area_becomes():
    sums = {name: round(float(kernel.sum()), 5) for name, kernel in CLASSIC.items()}
    assert sums == {
        "blur": 1, "sharpen": 1, "emboss": 1, "sobel_x": 0, "sobel_y": 0, "laplacian": 0
    }  # fmt: skip
    flat = np.full((20, 20, 3), 0.7)
    np.testing.assert_allclose(apply_filter(flat, CLASSIC["blur"], padding="VALID"), 0.7, rtol=1e-6)


def test_gaussian_equals_scipy_away_from_the_border():
    image = RNG.random((40, 40))
    found = apply_filter(image[..., None], gaussian(1.5), padding="VALID")[..., 0]
    expected = ndimage.gaussian_filter(image, 1.5, radius=5)[5:-5, 5:-5]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_classic_kernels_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        CLASSIC["blur"][0, 0] = 1


def test_a_gabor_filter_answers_to_its_own_grating_with_1_and_more_than_to_any_other():
    bank = gabor_bank(8)
    answers = np.array(
        [
            np.asarray(apply_filter(grating(np.pi * i / 8), bank, padding="VALID"))[0, 0]
            for i in range(8)
        ]
    )
    np.testing.assert_allclose(np.diag(answers), 1, atol=1e-5)
    assert (answers.argmax(axis=1) == np.arange(8)).all()
    assert np.abs(answers - np.diag(np.diag(answers))).max() < 0.7
    quarter_turns = answers[np.arange(8), (np.arange(8) + 4) % 8]
    assert np.abs(quarter_turns).max() < 1e-2


def test_gabor_ignores_flat_areas():
    np.testing.assert_allclose(gabor_bank(5).sum(axis=(0, 1)), 0, atol=1e-6)


def test_a_quarter_turn_turns_the_filter():
    bank = gabor_bank(8)[:, :, 0]
    np.testing.assert_allclose(bank[..., 4], np.rot90(bank[..., 0]), atol=1e-6)
    np.testing.assert_allclose(bank[..., 6], np.rot90(bank[..., 2]), atol=1e-6)


def test_luma_has_rec_709_weights():
    np.testing.assert_allclose(luma(np.eye(3)[None])[0, :, 0], [0.2126, 0.7152, 0.0722], rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: luma(np.ones((2, 3))), r"shape \(2, 3\): an image is \[height, width, 3\]"),
        (lambda: apply_filter(np.ones((4, 4)), CLASSIC["blur"]), r"\(4, 4\).*last axis of 1"),
        (
            lambda: apply_filter(np.ones((4, 4, 3)), np.ones((3, 3, 3, 1))),
            r"kernel has shape \(3, 3, 3, 1\).*\[height, width, 1, filters\]",
        ),
        (
            lambda: apply_filter(np.ones((4, 4, 1)), gabor_bank(1), padding="VALID"),
            r"31x31 and does not fit",
        ),
        (
            lambda: apply_filter(np.ones((4, 4, 1)), CLASSIC["sobel_x"], padding="SMAE"),
            r"unknown padding 'SMAE'",
        ),
    ],
)
def test_wrong_input_is_told(call, text):
    with pytest.raises(ValueError, match=text):
        call()
