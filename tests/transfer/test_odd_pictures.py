"""Pictures with nothing in them, or hardly any: a painting or a clear refusal, never NaN."""

from contextlib import nullcontext

import numpy as np
import pytest

import jnst

RNG = np.random.default_rng(0)
NOISE = RNG.random((24, 32, 3), np.float32)
FLAT = {
    "black": np.zeros((24, 32, 3), np.float32),
    "white": np.ones((24, 32, 3), np.float32),
    "gray": np.full((24, 32, 3), 0.5, np.float32),
    "red": np.zeros((24, 32, 3), np.float32) + np.float32([1, 0, 0]),
}
LAYERS = {"content_layers": ("relu2_2",), "style_layers": ("relu1_1", "relu2_1")}
SHORT = {"size": 32, "scales": (1.0,), "steps": (4,), "bleed": 0, **LAYERS}
METHODS = {
    "default": jnst.Config(**SHORT),
    "adam": jnst.Config(**SHORT | {"optimizer": "adam", "learning_rate": 2.0}),
    "gram": jnst.preset("gatys2016", **SHORT),
    "no line search": jnst.Config(**SHORT | {"line_search": "none"}),
}


@pytest.mark.parametrize("config", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("name", FLAT)
def test_flat_pictures(params, config, name):
    for content, style in ((FLAT[name], NOISE), (NOISE, FLAT[name]), (FLAT[name], FLAT[name])):
        result = jnst.stylize(params, content, style, config)
        assert np.isfinite(result.image).all()
        assert np.isfinite(result.losses).all()
        assert result.losses.total <= result.history.total[0] or config.optimizer == "adam"


@pytest.mark.parametrize("config", METHODS.values(), ids=METHODS)
def test_a_style_equal_to_the_content(params, config):
    result = jnst.stylize(params, NOISE, NOISE, config)
    assert np.isfinite(result.image).all()
    # Begun at the content, there is nothing to do but to smooth it.
    if config.init == "content":
        assert max(result.history.content[0], result.history.style[0]) < 1e-9


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize(
    "left",
    [{}, {"content_weight": 1.0}, {"style_weight": 1.0}, {"tv_weight": 1.0}],
    ids=["none", "content", "style", "tv"],
)
def test_weights_of_zero(params, optimizer, left):
    weights = {"content_weight": 0.0, "style_weight": 0.0, "tv_weight": 0.0} | left
    config = jnst.Config(**SHORT | {"optimizer": optimizer} | weights)
    pulls = "style_weight" in left or "tv_weight" in left
    told = nullcontext() if pulls else pytest.warns(UserWarning, match="nothing moved: the loss")
    with told:
        result = jnst.stylize(params, NOISE, NOISE[::-1], config)
    assert np.isfinite(result.image).all()
    for name in ("content", "style", "tv"):
        assert f"{name}_weight" in left or not getattr(result.history, name).any()
    if not left:  # nothing pulls: the painting is the content
        np.testing.assert_allclose(result.image, NOISE, atol=2e-7)


def test_single_pixels_are_enlarged(params):
    for content, style in ((NOISE[:1, :1], NOISE), (NOISE, NOISE[:1, :1]), (NOISE[:3, :3],) * 2):
        result = jnst.stylize(params, content, style, METHODS["default"])
        assert np.isfinite(result.image).all()
        assert max(result.image.shape) == 32


@pytest.mark.parametrize("shape", [(24, 1), (1, 32), (4, 2000), (2000, 4)])
def test_threads_of_pixels_are_refused(params, shape):
    thread = RNG.random((*shape, 3), np.float32)
    sides = "32x1" if shape[1] > shape[0] else "1x32"
    text = f"would be {sides} pixels at its smallest scale, but these layers need at least 2 on ea"
    with pytest.raises(ValueError, match=f"content {text}"):
        jnst.stylize(params, thread, NOISE, METHODS["default"])
    with pytest.raises(ValueError, match=f"style 1 {text}"):
        jnst.stylize(params, NOISE, thread, METHODS["default"])


def test_a_long_picture_that_is_wide_enough(params):
    result = jnst.stylize(params, RNG.random((10, 160, 3), np.float32), NOISE, METHODS["default"])
    assert result.image.shape == (2, 32, 3)
    assert np.isfinite(result.image).all()
