"""Every preset's objective and gradient against a float64 oracle written in the programs' units."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import oracle_objective as oracle
import pytest
from methods import GRAM

import jnst
from jnst import preset
from jnst.losses import LossWeights


def picture(height, width, seed):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width][..., None] / 12.0
    waves = np.sin(x * rng.normal(size=3) + y * rng.normal(size=3) + rng.normal(size=3))
    noise = rng.random((height, width, 3))
    return (0.5 + 0.3 * waves + 0.2 * (noise - 0.5)).astype(np.float32)


CONTENT, IMAGE = picture(18, 21, 0), picture(18, 21, 1)
STYLES = [picture(22, 17, 2), picture(16, 19, 3)]
SAME_SIZE = picture(18, 21, 4)

value_and_gradient = jax.jit(jax.value_and_grad(jnst.objective, has_aux=True))


def ours(params, config, styles, image=IMAGE):
    targets = jnst.make_targets(params, jnp.asarray(CONTENT), [*map(jnp.asarray, styles)], config)
    weights = jnst.loss_weights(config)
    (_, terms), gradient = value_and_gradient(jnp.asarray(image), params, targets, weights)
    return terms, gradient


CASES = {
    "gatys2016": (preset("gatys2016"), [SAME_SIZE], oracle.gatys2016, (1e-3, 1.0)),
    "gatys2016 at another ratio": (
        preset("gatys2016", content_weight=5e-4, style_weight=2.0),
        [SAME_SIZE],
        oracle.gatys2016,
        (5e-4, 2.0),
    ),
    "gatys-pytorch": (preset("gatys-pytorch"), STYLES[:1], oracle.gatys_pytorch, ()),
    "neural-style": (preset("neural-style"), STYLES[:1], oracle.neural_style, (5, 100, 1e-3)),
    "neural-style, two styles": (
        preset("neural-style", style_weights=(3.0, 1.0), tv_weight=0.1),
        STYLES,
        oracle.neural_style,
        (5, 100, 0.1, (3, 1)),
    ),
    "neural-style-pt": (
        preset("neural-style-pt"),
        STYLES[:1],
        oracle.neural_style_pt,
        (5, 100, 1e-3),
    ),
    "neural-style-pt, two styles": (
        preset("neural-style-pt", style_weights=(0.2, 0.6), content_weight=1.0, tv_weight=0.5),
        STYLES,
        oracle.neural_style_pt,
        (1, 100, 0.5, (0.2, 0.6)),
    ),
}


@pytest.mark.parametrize("case", list(CASES))
def test_presets_to_the_letter(params, case):
    config, styles, program, arguments = CASES[case]
    terms, gradient = ours(params, config, styles)
    expected, expected_gradient = program(params.layers, IMAGE, CONTENT, styles, *arguments)
    np.testing.assert_allclose([terms.content, terms.style, terms.tv], expected, rtol=1e-4)
    assert float(terms.total) == pytest.approx(sum(expected), rel=1e-4)
    error = np.linalg.norm(gradient - expected_gradient)
    assert error < 1e-4 * np.linalg.norm(expected_gradient)


def test_gatys_pytorch_is_neural_style_with_weights_1_and_1000(params):
    notebook, notebook_gradient = ours(params, preset("gatys-pytorch"), STYLES[:1])
    config = preset("neural-style-pt", content_weight=1.0, style_weight=1000.0, tv_weight=0.0)
    johnson, johnson_gradient = ours(params, config, STYLES[:1])
    np.testing.assert_allclose(notebook, johnson, rtol=1e-5)
    scale = np.abs(johnson_gradient).max()
    np.testing.assert_allclose(notebook_gradient, johnson_gradient, atol=1e-5 * scale)


def test_at_the_content_only_style_and_variation_are_left(params):
    terms, _ = ours(params, preset("neural-style-pt"), STYLES[:1], image=CONTENT)
    assert float(terms.content) == 0
    assert float(terms.style) > 0
    assert float(terms.total) == pytest.approx(float(terms.style + terms.tv), rel=1e-6)
    terms, _ = ours(params, preset("gatys-pytorch"), [CONTENT], image=CONTENT)
    assert 0 <= float(terms.total) < 1e-5


def test_the_order_of_layers_is_no_matter(params):
    layers, weights = ("relu1_1", "relu2_2", "relu3_1"), (1.0, 2.0, 3.0)
    fields = {"style_layers": layers, "style_layer_weights": weights}
    one = jnst.Config(**GRAM | fields, content_layers=("relu2_1", "relu3_2"))
    turned = {name: values[::-1] for name, values in fields.items()}
    other = jnst.Config(**GRAM | turned, content_layers=("relu3_2", "relu2_1"))
    (a, a_gradient), (b, b_gradient) = (ours(params, config, STYLES) for config in (one, other))
    np.testing.assert_allclose(a, b, rtol=1e-5)
    np.testing.assert_allclose(a_gradient, b_gradient, rtol=1e-4, atol=1e-3)


SMALL = GRAM | {"style_layers": ("relu1_1", "relu2_1"), "content_layers": ("relu2_2",)}


def test_strength_divides_the_contents_weight_and_lifts_deep_layers():
    layers = {"style_layers": ("relu5_1", "conv3_2", "relu1_1"), "style_layer_weights": (2.0,)}
    common = jnst.Config(**layers, content_weight=3.0, style_weight=0.5, tv_weight=7.0)
    for strength, lifts in ((1.0, (1, 1, 1)), (16.0, (16, 4, 1)), (1 / 16, (1 / 16, 1 / 4, 1))):
        weights = jnst.loss_weights(replace(common, strength=strength))
        assert float(weights.content) == pytest.approx(3.0 / strength)
        np.testing.assert_allclose(weights.style, lifts, rtol=1e-6)
        assert weights.tv == 7.0


def test_layers_have_the_weight_of_their_depth_unless_they_are_named():
    layers = ("relu4_1", "relu1_2", "relu4_3")
    deep, shallow, same = jnst.Config(style_layers=layers).weights_per_style_layer
    assert deep == same != shallow
    named = jnst.Config(style_layers=layers, style_layer_weights=(1.0, 2.0, 3.0))
    assert named.weights_per_style_layer == (1.0, 2.0, 3.0)


def test_weights_are_arrays_and_never_trace_again(params):
    traces = []

    @jax.jit
    def total(image, params, targets, weights):
        traces.append(1)
        return jnst.objective(image, params, targets, weights)[0]

    values = []
    for weight in (1.0, 10.0):
        fields = {"style_weight": weight, "content_weight": 0.0, "tv_weight": 0.0}
        config = jnst.Config(**SMALL | fields)
        targets = jnst.make_targets(params, CONTENT, STYLES, config)
        values.append(float(total(IMAGE, params, targets, jnst.loss_weights(config))))
    assert values[1] == pytest.approx(10 * values[0], rel=1e-6)
    assert len(traces) == 1


def test_images_can_be_vmapped(params):
    config = jnst.Config(**SMALL)
    targets = jnst.make_targets(params, CONTENT, STYLES, config)
    weights = jnst.loss_weights(config)
    images = jnp.stack([jnp.asarray(IMAGE), jnp.asarray(CONTENT)])
    both = jax.vmap(value_and_gradient, in_axes=(0, None, None, None))
    (_, terms), gradients = both(images, params, targets, weights)
    for i, image in enumerate(images):
        (_, alone), gradient = value_and_gradient(image, params, targets, weights)
        np.testing.assert_allclose([t[i] for t in terms], alone, rtol=1e-4)
        scale = jnp.abs(gradient).max()
        np.testing.assert_allclose(gradients[i], gradient, atol=1e-4 * scale)


def test_a_style_given_twice_is_the_style(params):
    for config in (jnst.Config(**SMALL), jnst.Config(**SMALL, style_weights=(0.1, 0.7))):
        twice = jnst.make_targets(params, CONTENT, [STYLES[0], STYLES[0]], config)
        once = jnst.make_targets(params, CONTENT, [STYLES[0]], jnst.Config(**SMALL))
        for name, target in once.style.items():
            np.testing.assert_allclose(twice.style[name], target, rtol=1e-5)


def test_without_layers_only_variation_is_left(params):
    fields = {"tv_loss": "l1", "tv_weight": 2.0, "pixel_range": 255.0}
    config = jnst.Config(style_layers=(), content_layers=(), **fields)
    targets = jnst.make_targets(params, CONTENT, STYLES, config)
    total, terms = jnst.objective(jnp.asarray(IMAGE), params, targets, jnst.loss_weights(config))
    pixels = 255 * IMAGE.astype(np.float64)
    expected = 2 * sum(np.abs(np.diff(pixels, axis=axis)).sum() for axis in (0, 1))
    assert float(total) == pytest.approx(expected, rel=1e-5)
    assert float(terms.content) == float(terms.style) == 0


def test_errors_say_what_to_do(params):
    small = jnst.Config(**SMALL)
    with pytest.raises(ValueError, match="no style image was given: give at least one"):
        jnst.make_targets(params, CONTENT, [], small)
    with pytest.raises(ValueError, match="style_weights has 3 numbers for 2 styles: give 2, or"):
        jnst.make_targets(params, CONTENT, STYLES, jnst.Config(style_weights=(1.0, 2.0, 3.0)))
    with pytest.raises(ValueError, match="no layer 'relu4_4'; did you mean"):
        jnst.make_targets(params, CONTENT, STYLES, jnst.Config(content_layers=("relu4_4",)))
    targets = jnst.make_targets(params, CONTENT, STYLES, small)
    weights = jnst.loss_weights(small)
    with pytest.raises(ValueError, match=r"\(9, 21, 3\) gives relu2_2 of shape \(4, 10, 128\)"):
        jnst.objective(jnp.asarray(IMAGE[:9]), params, targets, weights)
    few = LossWeights(weights.content, weights.style[:1], weights.tv)
    with pytest.raises(ValueError, match=r"weights.style has shape \(1,\) for 2 style layers"):
        jnst.objective(jnp.asarray(IMAGE), params, targets, few)
