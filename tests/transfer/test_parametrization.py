"""An image that is optimised by other numbers than its pixels."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jnst

CONFIG = jnst.Config(
    size=48, scales=(0.5, 1.0), steps=(4, 6), optimizer="adam", clamp=False, learning_rate=0.05
)
CONTENT, STYLE = np.random.default_rng(0).random((2, 36, 48, 3), np.float32)


def same(x):
    return x


def negative(x):
    return 1.0 - x


def logit(image):
    inside = jnp.clip(image, 0.01, 0.99)
    return jnp.log(inside) - jnp.log1p(-inside)


def spectrum(image):
    both = jnp.fft.rfft2(image, axes=(0, 1), norm="ortho")
    return jnp.stack([both.real, both.imag])


def image_of(parts):
    return jnp.fft.irfft2(parts[0] + 1j * parts[1], axes=(0, 1), norm="ortho")


NEGATIVE = jnst.Parametrization(negative, negative)
BOUNDED = jnst.Parametrization(jax.nn.sigmoid, logit)
FOURIER = jnst.Parametrization(image_of, spectrum)


def test_the_negative_of_the_image_is_optimised_to_the_same_image(params):
    """L-BFGS on 1 − x takes the negatives of its steps on x."""
    short = {"scales": (1.0,), "steps": (3,), "optimizer": "lbfgs", "line_search": "zoom"}
    expected = jnst.stylize(params, CONTENT, STYLE, replace(CONFIG, **short))
    painted = jnst.stylize(
        params, CONTENT, STYLE, replace(CONFIG, **short), parametrization=NEGATIVE
    )
    np.testing.assert_allclose(painted.image, expected.image, atol=1e-3)
    np.testing.assert_allclose(painted.losses.total, expected.losses.total, rtol=1e-3)
    assert np.abs(expected.image - CONTENT).max() > 0.02


def test_a_bounded_image_stays_in_bounds(params):
    painted = jnst.stylize(
        params, CONTENT, STYLE, replace(CONFIG, learning_rate=5.0), parametrization=BOUNDED
    )
    assert painted.image.min() >= 0
    assert painted.image.max() <= 1
    plain = jnst.stylize(params, CONTENT, STYLE, replace(CONFIG, learning_rate=5.0))
    assert plain.image.min() < 0


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_fourier_coefficients_are_optimised(params, optimizer):
    even = replace(CONFIG, optimizer=optimizer, bleed=0, steps=(4, 6))
    painted = jnst.stylize(params, CONTENT, STYLE, even, parametrization=FOURIER)
    totals = painted.history.total
    assert painted.image.shape == CONTENT.shape
    assert totals[-1] < totals[4]


def test_kept_pixels_and_windows(params):
    content, style = np.random.default_rng(0).random((2, 150, 100, 3), np.float32)
    keep = np.zeros((150, 100), np.float32)
    keep[40:60] = 1
    config = replace(CONFIG, size=150, scales=(1.0,), steps=(3,))
    whole, tiled = (
        jnst.stylize(
            params, content, style, config, keep_mask=keep, parametrization=BOUNDED, tile=tile
        )
        for tile in (None, 128)
    )
    np.testing.assert_allclose(whole.image[45:55], content[45:55], atol=1e-5)
    np.testing.assert_allclose(tiled.image, whole.image, atol=2e-3)


def test_what_does_not_go_with_it_is_refused(params):
    def run(config, **options):
        jnst.stylize(params, CONTENT, STYLE, config, parametrization=BOUNDED, **options)

    with pytest.raises(ValueError, match=r"clamp is True and precondition 0\.0, which are for p"):
        run(replace(CONFIG, clamp=True))
    with pytest.raises(ValueError, match="does not go with 2 devices: leave one of them out"):
        run(CONFIG, devices=jax.devices() * 2)
