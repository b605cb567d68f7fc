"""Tiny whole runs with the real VGG-16: starts, scales, callbacks, results, errors."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from loud_network import louder
from methods import DEFAULT, GRAM

import jnst
from jnst.images import resize, resize_picture
from jnst.transfer import stylize
from jnst.transfer.sizes import drop_small_scales, target_sizes

# Shallow layers, few steps, no bleed: what is tested here is what happens around the network.
SMALL = GRAM | {
    "size": 32,
    "scales": (1.0,),
    "bleed": 0,
    "init": "content",
    "steps": (3,),
    "style_layers": ("relu1_1", "relu2_1"),
    "content_layers": ("relu2_2",),
}
RNG = np.random.default_rng(0)
CONTENT = RNG.random((30, 40, 3), np.float32)
STYLE = RNG.random((50, 35, 3), np.float32)
OTHER = RNG.random((32, 32, 3), np.float32) ** 2


def first_image(params, styles=STYLE, init_image=None, **fields):
    """What a run starts from: the picture after the first evaluation, before L-BFGS moves."""
    seen = []
    stylize(
        params,
        CONTENT,
        styles,
        jnst.Config(**SMALL | {"steps": (1,)} | fields),
        init_image=init_image,
        callback=lambda progress: seen.append(progress.image()),
    )
    return seen[0]


def test_a_run_lowers_the_objective_and_reports_it_truly(params):
    config = jnst.Config(**SMALL | {"steps": (8,)})
    result = stylize(params, CONTENT, STYLE, config)
    assert result.image.shape == (24, 32, 3)
    assert result.image.dtype == np.float32
    assert result.history.total.shape == (8,)
    for term in result.history:
        assert term.shape == (8,)
    parts = np.array([result.history.content, result.history.style, result.history.tv])
    np.testing.assert_allclose(parts.sum(0), result.history.total, rtol=1e-5)
    assert result.losses.total < 0.9 * result.history.total[0]
    assert result.losses.total == pytest.approx(result.history.total.min(), rel=1e-5)
    # The same objective, put together by hand.
    content = jnp.asarray(resize_picture(CONTENT, 24, 32))
    style = jnp.asarray(resize_picture(STYLE, 32, 22))
    targets = jnst.make_targets(params, content, [style], config)
    total, terms = jnst.objective(
        jnp.asarray(result.image), params, targets, jnst.loss_weights(config)
    )
    np.testing.assert_allclose(result.losses, terms, rtol=1e-5)
    start, _ = jnst.objective(content, params, targets, jnst.loss_weights(config))
    assert result.history.total[0] == pytest.approx(float(start), rel=1e-5)
    assert float(total) == pytest.approx(result.losses.total, rel=1e-5)


def test_starts(params):
    content = resize_picture(CONTENT, 24, 32)
    np.testing.assert_allclose(first_image(params, init="content"), content, atol=1e-6)
    noise = first_image(params, init="noise", noise=0.02, seed=3)
    deviation = noise - np.array(params.preprocessing.mean_color)
    assert deviation.std() == pytest.approx(0.02, rel=0.1)
    assert np.abs(deviation.mean((0, 1))).max() < 0.005
    given = first_image(params, init="file", init_image=OTHER)
    np.testing.assert_allclose(given, resize(OTHER, 24, 32), atol=1e-6)
    # With --style-scale 1 the style is 32 x 22; every pixel is one of its pixels.
    palette = {tuple(p) for p in np.round(resize_picture(STYLE, 32, 22).reshape(-1, 3), 4).tolist()}
    colors = np.round(first_image(params, init="style-colors"), 4).reshape(-1, 3)
    assert {tuple(p) for p in colors.tolist()} <= palette
    assert len({tuple(p) for p in colors.tolist()}) > 100


def test_noise_is_centred_on_what_the_network_sees_as_zero(params):
    image = first_image(params, init="noise", noise=0.0, input_gain=256 / 255)
    pixels = 256 * image[..., ::-1].astype(np.float64)
    np.testing.assert_allclose(pixels - params.preprocessing.mean, 0, atol=1e-3)


def test_seeds_repeat(params):
    config = jnst.Config(**SMALL | {"init": "noise"})
    one, same = (stylize(params, CONTENT, STYLE, config) for _ in range(2))
    np.testing.assert_array_equal(one.image, same.image)
    other = first_image(params, init="noise", seed=1)
    assert np.abs(first_image(params, init="noise") - other).max() > 0.1


def test_one_style_a_list_or_a_tuple(params):
    config = jnst.Config(**SMALL)
    alone = stylize(params, CONTENT, STYLE, config).losses
    for styles in ([STYLE], (STYLE,), jnp.asarray(STYLE), [STYLE, STYLE]):
        np.testing.assert_allclose(
            stylize(params, CONTENT, styles, config).losses, alone, rtol=1e-3
        )
    blended = jnst.Config(**SMALL, style_weights=(1.0, 0.0))
    losses = stylize(params, CONTENT, [STYLE, OTHER], blended).losses
    np.testing.assert_allclose(losses, alone, rtol=1e-3)


@pytest.mark.parametrize(
    ("fields", "sizes"),
    [
        ({"size": 256, "scales": (1.0,)}, [(192, 256)]),
        ({"size": 256, "scales": (0.25, 0.5, 1.0)}, [(48, 64), (96, 128), (192, 256)]),
        ({"size": 512, "size_side": "shorter", "scales": (1.0,)}, [(512, 683)]),
        ({"size": 800, "size_side": "shorter", "scales": (0.64, 1.0)}, [(512, 683), (800, 1067)]),
    ],
)
def test_sizes_of_the_scales(fields, sizes):
    found = target_sizes(768, 1024, jnst.Config(**fields))
    assert [min(size) for size in found] == [min(size) for size in sizes]
    np.testing.assert_allclose(found, sizes, atol=1)
    turned = target_sizes(1024, 768, jnst.Config(**fields))
    assert turned == [size[::-1] for size in found]


def test_the_shorter_side_is_exact_for_every_shape():
    for height, width in RNG.integers(10, 400, (300, 2)).tolist():
        config = jnst.Config(size=97, size_side="shorter")
        h, w = target_sizes(height, width, config)[-1]
        assert min(h, w) == 97
        assert max(h, w) == pytest.approx(97 * max(height, width) / min(height, width), abs=1)


def test_scales_follow_one_another(params):
    fields = {"scales": (0.5, 1.0), "steps": (2, 3), "upscale": "plain"}
    config = jnst.Config(**SMALL | fields)
    seen = []
    result = stylize(params, CONTENT, STYLE, config, chunk=2, callback=seen.append)
    assert [(p.step, p.scale, p.height, p.width) for p in seen] == [
        (1, 1, 12, 16),
        (2, 1, 12, 16),
        (3, 2, 24, 32),
        (5, 2, 24, 32),
    ]
    assert {(p.steps, p.scales) for p in seen} == {(5, 2)}
    assert result.image.shape == (24, 32, 3)
    assert result.history.total.shape == (5,)
    np.testing.assert_array_equal(
        np.concatenate([p.losses.total for p in seen]), result.history.total
    )
    # The second scale begins with the enlarged result of the first, not with the content.
    first = stylize(params, CONTENT, STYLE, jnst.Config(**SMALL | {"size": 16, "steps": (2,)}))
    enlarged = first_image(params, init="file", init_image=first.image)
    from_content = first_image(params, init="content")
    starts = [
        stylize(
            params,
            CONTENT,
            STYLE,
            jnst.Config(**SMALL | {"steps": (1,), "init": "file"}),
            init_image=image,
        ).losses.total
        for image in (enlarged, from_content)
    ]
    assert result.history.total[2] == pytest.approx(starts[0], rel=1e-4)
    assert abs(starts[1] - starts[0]) > 0.01 * starts[0]


def test_a_finer_scale_can_begin_with_the_contents_detail(params):
    first = stylize(params, CONTENT, STYLE, jnst.Config(**SMALL | {"size": 16, "steps": (2,)}))
    enlarged = resize(first.image, 24, 32)
    detail = resize_picture(CONTENT, 24, 32) - resize(resize_picture(CONTENT, 12, 16), 24, 32)
    assert np.abs(detail).max() > 0.1
    for upscale, expected in (("plain", enlarged), ("detail", enlarged + detail)):
        # One evaluation: the picture is what the second scale began with.
        fields = {"scales": (0.5, 1.0), "steps": (2, 1), "upscale": upscale}
        config = jnst.Config(**SMALL | fields)
        found = stylize(params, CONTENT, STYLE, config).image
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_callback_can_stop_in_the_middle_of_any_scale(params):
    config = jnst.Config(**SMALL | {"scales": (0.5, 1.0), "steps": (3, 3)})
    for stop, size in ((2, (12, 16)), (3, (12, 16)), (5, (24, 32))):
        images = []

        def watch(progress, stop=stop, images=images):
            images.append(progress.image())
            return progress.step >= stop

        result = stylize(params, CONTENT, STYLE, config, callback=watch)
        assert result.history.total.shape == (stop,)
        assert (result.size, result.image.shape) == (size, (24, 32, 3))
        assert images[-1].shape[:2] == size
        if stop == 5:
            np.testing.assert_array_equal(result.image, images[-1])


@pytest.mark.parametrize("masks", [{}, {"keep_mask": np.tile(np.linspace(0, 1, 80), (60, 1))}])
@pytest.mark.parametrize("upscale", ["detail", "plain"])
def test_a_run_stopped_at_a_coarse_scale_is_enlarged_as_the_next_scale_begins(
    params, upscale, masks
):
    """L-BFGS has not moved yet after the first evaluation of a scale."""
    two_scales = {"scales": (0.5, 1.0), "steps": (3, 3), "upscale": upscale, "bleed": 0}
    config, images = jnst.Config(**SMALL | two_scales | {"optimizer": "lbfgs"}), []
    stylize(
        params,
        CONTENT,
        STYLE,
        config,
        callback=lambda progress: images.append(progress.image()),
        **masks,
    )
    stopped = stylize(
        params, CONTENT, STYLE, config, callback=lambda progress: progress.step == 3, **masks
    )
    np.testing.assert_allclose(stopped.image, images[3], atol=1e-6)
    assert stopped.size == (12, 16)


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({"optimizer": "adam", "average_share": 0.5, "precondition": 0.25, "rate_decay": 0.1}, {}),
        ({"optimizer": "lbfgs", "precondition": 0.25}, {"keep_mask": np.eye(40)[:30]}),
        ({"optimizer": "adam", "size": 140}, {"tile": 128}),
    ],
)
def test_strict_promotion_of_dtypes_changes_nothing(params, fields, options):
    config = jnst.Config(**SMALL | {"scales": (0.5, 1.0)} | fields)
    expected = stylize(params, CONTENT, STYLE, config, **options)
    with jax.numpy_dtype_promotion("strict"):
        found = stylize(params, CONTENT, STYLE, config, **options)
    np.testing.assert_allclose(found.image, expected.image, atol=1e-6)


def test_style_scale_and_the_side_that_is_measured(params):
    config = jnst.Config(**SMALL, style_scale=1.5, size_side="shorter")
    result = stylize(params, CONTENT, STYLE, config)
    assert result.image.shape == (32, 43, 3)
    # The style's shorter side, 48, is 1.5 times the content's: 35 x 50 becomes 48 x 69.
    content, style = resize_picture(CONTENT, 32, 43), resize_picture(STYLE, 69, 48)
    targets = jnst.make_targets(params, jnp.asarray(content), [jnp.asarray(style)], config)
    _, terms = jnst.objective(jnp.asarray(result.image), params, targets, jnst.loss_weights(config))
    np.testing.assert_allclose(result.losses, terms, rtol=1e-5)


def test_adam_with_clamp_and_average_stays_in_range(params):
    adam = {"optimizer": "adam", "learning_rate": 60.0}
    config = jnst.Config(**SMALL | adam | {"clamp": True, "average": 0.5})
    image = stylize(params, CONTENT, STYLE, config).image
    assert image.min() >= 0
    assert image.max() <= 1 + 1e-6
    free = jnst.Config(**SMALL | adam)
    image = stylize(params, CONTENT, STYLE, free).image
    assert image.min() < 0


def test_more_strength_moves_the_picture_further_from_the_photograph(params):
    """By the losses at the same weights."""
    fields = SMALL | DEFAULT | {"steps": (20,), "style_layers": ("relu1_1", "relu3_1")}
    plain = jnst.Config(**fields | {"content_layers": ("relu3_1",)})
    content, style = resize_picture(CONTENT, 24, 32), resize_picture(STYLE, 32, 22)
    targets = jnst.make_targets(params, content, [style], plain)
    weights = jnst.loss_weights(plain)
    found = []
    for strength in (0.25, 1.0, 4.0):
        image = stylize(params, CONTENT, STYLE, replace(plain, strength=strength)).image
        found.append(jnst.objective(jnp.asarray(image), params, targets, weights)[1])
    kept, matched = (
        [float(getattr(terms, name)) for terms in found] for name in ("content", "style")
    )
    assert kept[0] < kept[1] < kept[2]
    assert matched[0] > matched[1] > matched[2]


def test_the_callers_arrays_are_left_alone(params):
    content, style = CONTENT.copy(), jnp.asarray(STYLE)
    stylize(params, content, style, jnst.Config(**SMALL | {"size": 40}))
    np.testing.assert_array_equal(content, CONTENT)
    np.testing.assert_array_equal(style, STYLE)


def test_errors_say_what_to_do(params):
    config = jnst.Config(**SMALL)
    gray, four = CONTENT[..., 0], np.concatenate([CONTENT, CONTENT[..., :1]], -1)
    with pytest.raises(ValueError, match=r"content has shape \(30, 40\): an image is \[height, wi"):
        stylize(params, gray, STYLE, config)
    with pytest.raises(ValueError, match=r"style 2 has shape \(30, 40, 4\)"):
        stylize(params, CONTENT, [STYLE, four], config)
    with pytest.raises(TypeError, match=r"content has dtype uint8: give floats in .* / 255"):
        stylize(params, (255 * CONTENT).astype(np.uint8), STYLE, config)
    with pytest.raises(ValueError, match="style 1 contains NaN or infinity: repair"):
        stylize(params, CONTENT, np.where(STYLE > 0.9, np.nan, STYLE), config)
    with pytest.raises(ValueError, match="no style image was given: give at least one"):
        stylize(params, CONTENT, [], jnst.Config(**SMALL | {"init": "style-colors"}))
    with pytest.raises(ValueError, match="init is 'file' and an init image was not given: use ini"):
        stylize(params, CONTENT, STYLE, jnst.Config(**SMALL | {"init": "file"}))
    with pytest.raises(ValueError, match="init is 'content' and an init image was given: use init"):
        stylize(params, CONTENT, STYLE, config, init_image=OTHER)
    with pytest.raises(ValueError, match=r"content would be 32x24 pixels .* at least 32 on each"):
        stylize(params, CONTENT, STYLE, jnst.Config(**SMALL | {"content_layers": ("pool5",)}))
    with pytest.raises(ValueError, match=r"style 1 would be 1x2 pixels.* larger size or shallower"):
        stylize(params, CONTENT, STYLE, jnst.Config(**SMALL, style_scale=0.08))
    with pytest.raises(ValueError, match="no layer 'relu2_9'; did you mean"):
        stylize(params, CONTENT, STYLE, jnst.Config(**SMALL | {"content_layers": ("relu2_9",)}))
    with pytest.raises(ValueError, match="chunk 0: both must be at least 1"):
        stylize(params, CONTENT, STYLE, config, chunk=0)
    with pytest.raises(ValueError, match="style_weights has 2 numbers for 3 styles"):
        stylize(params, CONTENT, [STYLE] * 3, jnst.Config(**SMALL, style_weights=(1.0, 2.0)))
    gram = jnst.Config(**SMALL | {"style_loss": "gram"})
    with pytest.raises(FloatingPointError, match="not finite at step 1"):
        stylize(louder(params, 1e13), CONTENT, STYLE, gram)


def test_scales_too_small_for_the_layers_are_left_out():
    scales = (0.25, 0.5, 1.0)
    layers = tuple(f"relu{block}_1" for block in range(1, 6))
    config = jnst.Config(size=64, scales=scales, steps=(1, 2, 3), style_layers=layers)
    kept = drop_small_scales(config, (48, 64, 3), [(64, 64, 3)])
    assert (kept.scales, kept.steps) == ((0.5, 1.0), (2, 3))
    # A flat style falls below the 16 pixels of relu5_1 sooner than the content.
    kept = drop_small_scales(config, (48, 64, 3), [(64, 64, 3), (20, 64, 3)])
    assert (kept.scales, kept.steps) == ((1.0,), (3,))
    shallow = replace(config, style_layers=("relu1_1",), content_layers=("relu1_2",))
    assert drop_small_scales(shallow, (48, 64, 3), [(20, 64, 3)]).scales == scales
    assert drop_small_scales(config, (1, 64, 3), [(64, 64, 3)]).scales == (1.0,)


TALL = RNG.random((160, 70, 3), np.float32)


def tiled(params, steps=3, **fields):
    """A run at two scales: 80 pixels at once, and 160 by windows of 128."""
    two = {"size": 160, "scales": (0.5, 1.0), "steps": (2, steps), "upscale": "plain"}
    config = jnst.Config(**SMALL | two | fields)
    return config, {"params": params, "content": TALL, "styles": STYLE, "config": config}


@pytest.mark.parametrize(
    "method", [{}, {"optimizer": "adam"}, DEFAULT], ids=["lbfgs", "adam", "default"]
)
def test_a_run_by_windows_is_the_run_at_once(params, method):
    _, run = tiled(params, **method)
    whole, cut = stylize(**run), stylize(**run, tile=128)
    np.testing.assert_allclose(cut.history.total, whole.history.total, rtol=1e-4)
    np.testing.assert_allclose(cut.losses, whole.losses, rtol=1e-4)
    # Adam divides by the size of a gradient, also where that is nothing but rounding.
    assert np.quantile(np.abs(cut.image - whole.image), 0.999) < 1e-3
    # At the first scale nothing is cut.
    np.testing.assert_array_equal(cut.history.total[:2], whole.history.total[:2])


def test_a_resumed_run_by_windows_ends_in_the_same_bits(params):
    _, run = tiled(params, steps=4)
    kept = {}
    whole = stylize(
        **run, tile=128, chunk=1, callback=lambda p: kept.update({p.step: p.checkpoint()})
    )
    for step in (3, 6):
        again = stylize(**run, tile=128, resume=kept[step])
        np.testing.assert_array_equal(again.image, whole.image)
        np.testing.assert_array_equal(again.history.total, whole.history.total)


def test_by_windows_what_is_not_finite_is_told(params):
    _, run = tiled(params, optimizer="adam", learning_rate=1e38)
    with (
        pytest.warns(RuntimeWarning, match=r"not finite at step \d"),
        pytest.raises(FloatingPointError, match=r"not finite at step \d .* smaller steps; lower"),
    ):
        stylize(**run, tile=128)


def test_a_tile_that_is_too_small_is_refused(params):
    with pytest.raises(ValueError, match="tile is 64: it must be at least 128 pixels"):
        stylize(params, CONTENT, STYLE, jnst.Config(**SMALL), tile=64)
