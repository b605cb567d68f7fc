"""Guided style losses against float64 NumPy; masks that cover everything; windows."""

import jax
import jax.numpy as jnp
import numpy as np
import oracle_vgg
import pytest

import jnst
from jnst import tiles
from jnst.losses import STYLE_LOSSES, Targets
from jnst.losses.guidance import guidance

RNG = np.random.default_rng(0)
LAYERS = ("relu1_1", "relu2_1")
FIELDS = {"style_layers": LAYERS, "content_layers": (), "tv_weight": 0.0, "style_weight": 1.0}
FIELDS |= {"style_loss": "gram-relative", "style_layer_weights": (1.0,), "padding": "zero"}
IMAGE = RNG.random((13, 18, 3), np.float32)
STYLES = [RNG.random((16, 11, 3), np.float32), RNG.random((9, 14, 3), np.float32) ** 2]
# Soft and overlapping, above a sum of 1 in places.
MASKS = [RNG.random((13, 18), np.float32) for _ in STYLES]
STYLE_MASKS = [RNG.random(style.shape[:2], np.float32) for style in STYLES]
WHITE = np.ones((13, 18), np.float32)

value_and_gradient = jax.jit(jax.value_and_grad(jnst.objective, has_aux=True))


def ours(params, config, styles, content_masks=(), style_masks=(), image=IMAGE):
    """Targets; value and gradient at the image."""
    blend = config.weights_per_style(len(styles))
    found = guidance("vgg16", config.style_layers, content_masks, style_masks, blend)
    targets = jnst.make_targets(params, image, styles, config, guidance=found)
    args = (jnp.asarray(image), params, targets, jnst.loss_weights(config))
    (_, terms), gradient = value_and_gradient(*args)
    return targets, float(terms.style), np.asarray(gradient)


def maps_of(layers, image):
    pixels = 255.0 * np.asarray(image, np.float64)[..., ::-1]
    return oracle_vgg.forward("vgg16", layers, pixels - [103.939, 116.779, 123.68], "relu2_1")


def averaged(mask, layer):
    """The mask at a layer: its pixels' means over the squares that the layer's pooling made."""
    if layer == "relu1_1":
        return np.asarray(mask, np.float64)
    rows, columns = (side // 2 for side in mask.shape)
    return np.array(
        [
            [mask[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean(dtype=float) for j in range(columns)]
            for i in range(rows)
        ]
    )


def weighted_gram(maps, mask):
    flat, weights = maps.reshape(-1, maps.shape[2]), mask.reshape(-1, 1) / mask.sum()
    return flat.T @ (weights * flat)


def test_guided_loss_and_gradient_in_float64(params):
    config = jnst.Config(**FIELDS | {"style_loss": "gram-positions", "style_weights": (3.0, 1.0)})
    _, value, gradient = ours(params, config, STYLES, MASKS, STYLE_MASKS)
    most = np.maximum(np.sum(MASKS, axis=0, dtype=np.float64), 1)
    masks = [mask / most for mask in MASKS]
    tape = maps_of(params.layers, IMAGE)
    expected, cotangents = 0.0, {}
    for i, style in enumerate(STYLES):
        wanted = maps_of(params.layers, style)
        strength = 2 * (0.75, 0.25)[i] * masks[i].mean()
        for layer in LAYERS:
            mask = averaged(masks[i], layer)
            target = weighted_gram(wanted[layer], averaged(STYLE_MASKS[i], layer))
            difference = weighted_gram(tape[layer], mask) - target
            expected += strength * (difference**2).mean()
            slope = strength * 4 / difference.size * tape[layer] @ difference
            slope *= (mask / mask.sum())[..., None]
            cotangents[layer] = cotangents.get(layer, 0.0) + slope
    flow = oracle_vgg.backward("vgg16", params.layers, tape, cotangents)
    assert value == pytest.approx(expected, rel=1e-4)
    error = np.linalg.norm(gradient - 255.0 * flow[..., ::-1])
    assert error < 1e-4 * np.linalg.norm(gradient)


# gram+histogram has both of its parts.
@pytest.mark.parametrize("style_loss", [name for name in STYLE_LOSSES if name != "histogram"])
def test_white_masks_are_no_masks(params, style_loss):
    config = jnst.Config(**FIELDS | {"style_loss": style_loss})
    _, value, gradient = ours(params, config, STYLES[:1])
    scale = np.abs(gradient).max()
    whole = np.ones(STYLES[0].shape[:2], np.float32)
    _, found, slope = ours(params, config, STYLES[:1], [WHITE], [whole])
    assert found == pytest.approx(value, rel=1e-5)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-5 * scale)
    # Two regions of one style that share every pixel are that style.
    _, found, slope = ours(params, config, [STYLES[0]] * 2, [WHITE, WHITE])
    assert found == pytest.approx(value, rel=1e-5)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-5 * scale)


def test_weights_1_and_0_are_the_first_style_alone(params):
    config = jnst.Config(**FIELDS, style_weights=(1.0, 0.0))
    alone, value, gradient = ours(params, jnst.Config(**FIELDS), STYLES[:1])
    blended, found, slope = ours(params, config, STYLES)
    for layer in LAYERS:
        np.testing.assert_array_equal(blended.style[layer], alone.style[layer])
    assert found == value
    np.testing.assert_array_equal(slope, gradient)
    _, found, slope = ours(params, config, STYLES, [WHITE, WHITE])
    assert found == pytest.approx(value, rel=1e-5)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-5 * np.abs(gradient).max())


def test_a_region_is_not_moved_by_the_style_of_another(params):
    config = jnst.Config(**FIELDS | {"style_layers": ("relu1_1",)})
    left = np.zeros_like(WHITE)
    left[:, :9] = 1
    _, _, gradient = ours(params, config, STYLES[:1], [left])
    # relu1_1 sees one pixel beyond.
    assert np.abs(gradient[:, :9]).min(axis=(1, 2)).max() > 0
    assert np.abs(gradient[:, 10:]).max() == 0
    # It is moved as strongly as it would be if the picture were that half alone.
    half = IMAGE[:, :9]
    _, _, alone = ours(params, config, STYLES[:1], image=half)
    ratio = np.linalg.norm(gradient[:, 1:8]) / np.linalg.norm(alone[:, 1:8])
    assert ratio == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize(
    ("style_loss", "error"),
    # Of the roots' derivative, more than a sum's rounding.
    [("gram-relative", 1e-5), ("wasserstein-relative", 1e-4)],
)
def test_masks_by_windows(params, style_loss, error):
    image = RNG.random((131, 150, 3), np.float32)
    masks = [RNG.random((131, 150), np.float32), np.zeros((131, 150), np.float32)]
    masks[1][100:, :40] = 1
    options = FIELDS | {"content_layers": ("relu2_2",), "tv_weight": 1.0}
    config = jnst.Config(**options | {"style_loss": style_loss})
    style_masks = [STYLE_MASKS[0], None]
    whole, _, gradient = ours(params, config, STYLES, masks, style_masks, image)
    found = guidance("vgg16", LAYERS, masks, style_masks, (0.5, 0.5))
    cut = tiles.make_targets(params, image, STYLES, config, tile=128, guidance=found)
    for expected, values in zip(jax.tree.leaves(whole), jax.tree.leaves(cut), strict=True):
        np.testing.assert_allclose(values, expected, atol=error * float(jnp.abs(expected).max()))
    args = (jnp.asarray(image), params, cut, jnst.loss_weights(config))
    (value, parts), slope = tiles.value_and_gradient(*args, tile=128)
    (total, terms), _ = value_and_gradient(args[0], params, whole, args[3])
    np.testing.assert_allclose(parts, terms, rtol=error)
    assert float(value) == pytest.approx(float(total), rel=error)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=error * np.abs(gradient).max())
    assert tiles.objective(*args, tile=128)[1] == parts


def test_other_masks_compile_nothing_and_strengths_neither(params):
    config = jnst.Config(**FIELDS)
    ours(params, config, STYLES, MASKS)
    before = value_and_gradient._cache_size()
    ours(params, jnst.Config(**FIELDS, style_weights=(2.0, 1.0)), STYLES, MASKS[::-1])
    assert value_and_gradient._cache_size() == before


def test_errors_say_what_to_do(params):
    with pytest.raises(ValueError, match="1 content masks for 2 styles: give one for each"):
        guidance("vgg16", LAYERS, [WHITE], [], (0.5, 0.5))
    with pytest.raises(ValueError, match="3 style masks for 2 styles: give one for each, in their"):
        guidance("vgg16", LAYERS, [], [WHITE] * 3, (0.5, 0.5))
    # The last row is odd: pooling leaves it out.
    last = np.zeros_like(WHITE)
    last[12] = 1
    assert guidance("vgg16", ["relu1_1"], [last], [], (1.0,)).content[0]["relu1_1"].max() == 13
    with pytest.raises(
        ValueError, match="content mask 1 has no weight at relu2_1 of a picture of 18x13"
    ):
        guidance("vgg16", LAYERS, [last], [], (1.0,))
    targets, _, _ = ours(params, jnst.Config(**FIELDS), STYLES[:1], [WHITE])
    assert isinstance(targets, Targets)
    with pytest.raises(
        ValueError, match=r"region 1 has \(13, 18\): make the guidance for its size"
    ):
        jnst.objective(
            jnp.asarray(IMAGE[:12]), params, targets, jnst.loss_weights(jnst.Config(**FIELDS))
        )
