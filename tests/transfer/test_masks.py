"""Masks in whole runs: what is kept stays, what is not fits together, and a run goes on."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jnst
from jnst.compute.canvas import Canvas, Kept
from jnst.optimize.steps import Evaluator
from jnst.transfer.inputs import styles_at
from jnst.transfer.masks import checked_masks, mask_at

SMALL = {
    "size": 32,
    "scales": (1.0,),
    "bleed": 0,
    "steps": (4,),
    "style_layers": ("relu1_1", "relu2_1"),
    "content_layers": ("relu2_2",),
}
RNG = np.random.default_rng(0)
CONTENT = RNG.random((24, 32, 3), np.float32)
STYLES = [RNG.random((28, 32, 3), np.float32), RNG.random((32, 20, 3), np.float32) ** 2]
LEFT = np.zeros((24, 32), np.float32)
LEFT[:, :16] = 1
# Kept on the left, faded over four pixels.
FADED = np.tile(np.clip((18 - np.arange(32)) / 4, 0, 1).astype(np.float32), (24, 1))


def stylize(params, masks, **fields):
    return jnst.stylize(params, CONTENT, STYLES, jnst.Config(**SMALL | fields), **masks)


@pytest.mark.parametrize(
    "fields",
    [{"init": "noise"}, {"optimizer": "adam", "learning_rate": 5.0}, {"precondition": 0.25}],
    ids=str,
)
def test_what_is_kept_stays_exactly(params, fields):
    seen = []
    masks = {"keep_mask": FADED, "callback": lambda progress: seen.append(progress.image())}
    result = stylize(params, masks, **fields)
    for image in (result.image, *seen):
        np.testing.assert_array_equal(image[:, :15], CONTENT[:, :15])
    np.testing.assert_array_equal(result.image, seen[-1])
    assert (result.image[:, 18:] != seen[0][:, 18:]).mean() > 0.5
    # The losses are those of the picture that comes out.
    config = jnst.Config(**SMALL | fields)
    styles = styles_at(STYLES, 24, 32, config)
    targets = jnst.make_targets(params, jnp.asarray(CONTENT), styles, config)
    args = (params, targets, jnst.loss_weights(config))
    _, terms = jnst.objective(jnp.asarray(result.image), *args)
    np.testing.assert_allclose(result.losses, terms, rtol=1e-4)


def test_keeping_nothing_is_no_mask_and_keeping_all_is_refused(params):
    free = stylize(params, {}).image
    found = stylize(params, {"keep_mask": np.zeros((24, 32))}).image
    np.testing.assert_allclose(found, free, atol=1e-4)
    for everything in (np.ones((24, 32), bool), np.ones((24, 32), np.float32)):
        with pytest.raises(
            ValueError, match="keep mask is 1 everywhere, so nothing is left to pai"
        ):
            stylize(params, {"keep_mask": everything})


def test_gradients_under_a_kept_part_are_finite_differences():
    def bowl(image, center):
        return jnp.sum((image - center) ** 3), ()

    with jax.enable_x64(True):
        kept = Kept(jnp.asarray(CONTENT, float)[:3, :4], jnp.asarray(FADED, float)[:3, 14:18, None])
        image, center = (jnp.asarray(RNG.random((3, 4, 3))) for _ in range(2))
        of_array = Canvas(0, kept).objective(bowl)
        _, gradient = jax.value_and_grad(of_array, has_aux=True)(image, center, kept)
        evaluator = Evaluator(jax.value_and_grad(bowl, has_aux=True), bowl)
        evaluated = Canvas(0, kept).objective(evaluator)
        (value, _), other = evaluated.value_and_gradient(image, center, kept)
        assert float(value) == pytest.approx(float(of_array(image, center, kept)[0]))
        np.testing.assert_allclose(other, gradient, rtol=1e-12)
        way = jnp.asarray(RNG.standard_normal((3, 4, 3)))
        ahead, back = (of_array(image + s * way, center, kept)[0] for s in (1e-5, -1e-5))
        assert float((ahead - back) / 2e-5) == pytest.approx(
            float(jnp.vdot(gradient, way)), rel=1e-6
        )


def test_a_run_with_regions_goes_on_bit_for_bit_and_only_with_its_masks(params):
    kept = []
    masks = {"content_masks": [LEFT, 1 - LEFT], "style_masks": [None, np.ones((32, 20))]}
    masks |= {"keep_mask": FADED}

    def watch(progress):
        kept.append(progress.checkpoint())

    whole = stylize(params, masks | {"callback": watch})
    again = stylize(params, masks | {"resume": kept[1]})
    np.testing.assert_array_equal(again.image, whole.image)
    assert "content mask 2" in kept[1].inputs
    assert "style mask 1" not in kept[1].inputs
    with pytest.raises(ValueError, match="content mask 1 is another; content mask 2 is another"):
        stylize(params, masks | {"content_masks": [1 - LEFT, LEFT], "resume": kept[1]})
    with pytest.raises(ValueError, match="keep mask is missing"):
        stylize(params, masks | {"keep_mask": None, "resume": kept[1]})


def test_masks_are_averaged_when_they_shrink():
    board = np.indices((48, 64)).sum(0) % 2
    small = mask_at(board.astype(np.float32), (12, 16, 3))
    np.testing.assert_allclose(small, 0.5, atol=0.02)
    assert mask_at(LEFT, CONTENT.shape) is LEFT
    large = mask_at(LEFT, (240, 320))
    assert (large.min(), large.max()) == (0, 1)


GOOD = np.ones((24, 32))
REFUSED = [
    ({"content_masks": [GOOD]}, ValueError, "1 content masks for 2 styles: give one for each"),
    ({"style_masks": [None]}, ValueError, "1 style masks for 2 styles"),
    ({"keep_mask": CONTENT}, ValueError, r"keep mask has shape \(24, 32, 3\): a mask is \[height"),
    ({"keep_mask": GOOD.astype(int)}, TypeError, "keep mask has dtype int64: give floats in"),
    ({"keep_mask": 2 * GOOD}, ValueError, r"keep mask has values outside of \[0, 1\]: 1 is inside"),
    ({"keep_mask": np.nan * GOOD}, ValueError, "keep mask has values outside"),
    ({"keep_mask": GOOD.T}, ValueError, "keep mask is 24x32 pixels and the content 32x24: give a"),
    ({"content_masks": [GOOD, 0 * GOOD]}, ValueError, "content mask 2 is 0 everywhere: give a reg"),
    ({"style_masks": [None, GOOD]}, ValueError, "style mask 2 is 32x24 pixels and style 2 20x32"),
]


@pytest.mark.parametrize(("masks", "kind", "text"), REFUSED, ids=[text for _, _, text in REFUSED])
def test_masks_that_do_not_fit_are_refused(masks, kind, text):
    masks = {"content_masks": [], "style_masks": [], "keep_mask": None} | masks
    with pytest.raises(kind, match=text):
        checked_masks(CONTENT.shape, [style.shape for style in STYLES], **masks)
    # Halved and rounded, the proportions are the same.
    checked_masks((25, 33, 3), [(9, 9, 3)], [np.ones((12, 16))], [], None)


def test_a_rim_that_is_left_out_is_cut_off_the_style_and_its_mask():
    rng = np.random.default_rng(7)
    content, style = rng.random((24, 32, 3), np.float32), rng.random((40, 60, 3), np.float32)
    mask = (rng.random((40, 60)) > 0.3).astype(np.float32)
    small = {"size": 32, "style_layers": ("relu1_1",), "content_layers": ("relu1_2",)}
    config = jnst.Config(**small, scales=(1.0,), steps=(2,), style_rim=0.1)
    plain = dataclasses.replace(config, style_rim=0.0)
    params = jnst.load_weights("vgg16")
    found = jnst.stylize(params, content, style, config, style_masks=[mask])
    cut = jnst.stylize(params, content, style[4:-4, 4:-4], plain, style_masks=[mask[4:-4, 4:-4]])
    whole = jnst.stylize(params, content, style, plain, style_masks=[mask])
    np.testing.assert_array_equal(found.image, cut.image)
    assert np.abs(found.image - whole.image).max() > 0
