"""The bleed: a run with it is one on the mirrored picture, cut afterwards."""

import jax.numpy as jnp
import numpy as np
import pytest
from methods import GRAM

import jnst
from jnst.images import resize
from jnst.optimize.optimizer import Moments, moments
from jnst.transfer.sizes import bleed_at, plan_scales, target_sizes
from jnst.transfer.start import first_state

RUN = {
    "init": "content",
    "size": 48,
    "scales": (1.0,),
    "steps": (3,),
    "style_layers": ("relu1_1", "relu2_1"),
    "content_layers": ("relu2_2",),
}
RNG = np.random.default_rng(0)
CONTENT = RNG.random((36, 48, 3), np.float32)
STYLES = [RNG.random((48, 40, 3), np.float32), RNG.random((40, 48, 3), np.float32) ** 2]
LEFT = np.zeros((36, 48), np.float32)
LEFT[:, :20] = 1
FADED = np.tile(np.clip((18 - np.arange(48)) / 4, 0, 1).astype(np.float32), (36, 1))
BY = 3


def mirrored(values):
    rows = [*reversed(range(BY)), *range(36), *reversed(range(36 - BY, 36))]
    columns = [*reversed(range(BY)), *range(48), *reversed(range(48 - BY, 48))]
    return values[np.ix_(rows, columns)]


@pytest.mark.parametrize(
    ("fields", "masks"),
    [
        ({}, {}),
        ({"optimizer": "adam", "preserve": 0.5}, {}),
        ({}, {"content_masks": [LEFT, 1 - LEFT]}),
        ({"precondition": 0.25}, {"keep_mask": FADED}),
    ],
    ids=["plain", "preserve", "regions", "keep"],
)
def test_a_run_with_bleed_is_one_on_the_mirrored_picture(params, fields, masks):
    config = jnst.Config(**RUN | fields, bleed=BY)
    shapes = []
    found = jnst.stylize(
        params,
        CONTENT,
        STYLES,
        config,
        callback=lambda progress: shapes.append(progress.image().shape),
        **masks,
    )
    wide = RUN | fields | {"size": 48 + 2 * BY, "style_size": (48,), "bleed": 0}
    wide_masks = {
        name: mirrored(mask) if name == "keep_mask" else [mirrored(one) for one in mask]
        for name, mask in masks.items()
    }
    expected = jnst.stylize(params, mirrored(CONTENT), STYLES, jnst.Config(**wide), **wide_masks)
    np.testing.assert_array_equal(found.image, expected.image[BY:-BY, BY:-BY])
    np.testing.assert_array_equal(found.losses, expected.losses)
    np.testing.assert_array_equal(found.history, expected.history)
    assert set(shapes) == {(36, 48, 3)}
    if "keep_mask" in masks:
        np.testing.assert_array_equal(found.image[:, :15], CONTENT[:, :15])


def test_each_scale_begins_with_the_mirrored_painting_of_the_one_before(params):
    config = jnst.Config(**RUN | GRAM | {"scales": (0.5, 1.0), "upscale": "plain"}, bleed=BY)
    seen = []
    jnst.stylize(
        params,
        CONTENT,
        STYLES,
        config,
        chunk=1,
        callback=lambda progress: seen.append((progress.image(), progress.checkpoint().state)),
    )
    coarse, (first, state) = seen[2][0], seen[3]
    # The picture after the first evaluation is the start: L-BFGS has not moved yet.
    assert coarse.shape == (18, 24, 3)
    np.testing.assert_allclose(first, resize(coarse, 36, 48), atol=1e-6)
    (name,) = (name for name in state if name.endswith("position"))
    np.testing.assert_allclose(state[name] / 255, mirrored(first), atol=1e-6)


def test_what_adam_learnt_is_mirrored_too():
    mean, square = (RNG.random((18, 24, 3), np.float32) for _ in range(2))
    learnt = Moments(jnp.asarray(mean), jnp.asarray(square), jnp.int32(5))
    point = np.zeros((36 + 2 * BY, 48 + 2 * BY, 3), np.float32)
    found = moments(first_state(point, learnt, BY, jnst.Config(optimizer="adam"), 9))
    np.testing.assert_array_equal(found.mean, mirrored(resize(mean, 36, 48)))
    enlarged = resize(square, 36, 48, resample="bilinear")
    np.testing.assert_array_equal(found.square, mirrored(np.maximum(enlarged, 0)))


@pytest.mark.parametrize(
    ("size", "expected"), [((384, 512), 8), ((48, 64), 4), ((11, 300), 0), ((12, 12), 1)]
)
def test_the_bleed_of_a_size(size, expected):
    assert bleed_at(*size, jnst.Config()) == expected
    assert bleed_at(*size, jnst.Config(bleed=0)) == 0
    config = jnst.Config(size=max(size), scales=(1.0,))
    assert target_sizes(*size, config) == [size]
    (scale,) = plan_scales(size, config)
    assert scale.painted == (size[0] + 2 * expected, size[1] + 2 * expected)


@pytest.mark.parametrize("preset", [name for name in jnst.PRESETS if name != "default"])
def test_published_presets_have_none(preset):
    assert jnst.preset(preset).bleed == 0


def test_refusals():
    with pytest.raises(ValueError, match=r"bleed is -1: it must be a whole number of at least 0"):
        jnst.Config(bleed=-1)
    with pytest.raises(TypeError, match="bleed is 'wide': it must be a whole number"):
        jnst.Config(bleed="wide")  # type: ignore[arg-type]


def test_the_limit_of_windows_is_that_of_the_painted_picture(params):
    """A side of tile pixels and a bleed is more than the tile."""
    config = jnst.Config(**RUN | {"size": 128, "style_loss": "histogram"})
    with pytest.raises(ValueError, match="windows of 128 pixels"):
        jnst.stylize(params, CONTENT, STYLES, config, tile=128)
    free = jnst.Config(**RUN | {"size": 128, "style_loss": "histogram", "bleed": 0, "steps": (1,)})
    assert jnst.stylize(params, CONTENT, STYLES, free, tile=128).image.shape == (96, 128, 3)
