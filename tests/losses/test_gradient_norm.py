"""Normalised gradients against neural-style's rule, written out in float64 and in PyTorch."""

import jax
import jax.numpy as jnp
import numpy as np
import oracle_vgg
import pytest

import jnst
from jnst import tiles
from jnst.losses import LossWeights
from jnst.losses.gradient_norm import normalizing

RNG = np.random.default_rng(0)
CONTENT, IMAGE, STYLE = (RNG.random((18, 21, 3), np.float32) for _ in range(3))
SHALLOW = {"style_layers": ("relu1_1", "relu2_1"), "content_layers": ("relu2_1",)}


derive = jax.jit(jax.value_and_grad(jnst.objective, has_aux=True))


def ours(params, image=IMAGE, style=STYLE, weights=None, **fields):
    config = jnst.preset("neural-style", **fields)
    targets = jnst.make_targets(params, CONTENT, [style], config)
    weights = jnst.loss_weights(config) if weights is None else weights
    (_, terms), gradient = derive(jnp.asarray(image), params, targets, weights)
    return terms, np.asarray(gradient)


def maps_of(layers, image):
    pixels = 256.0 * np.asarray(image, np.float64)[..., ::-1]
    return oracle_vgg.forward("vgg16", layers, pixels - [103.939, 116.779, 123.68], "relu2_1")


def test_the_programs_rule_in_float64(params):
    tape, kept, wanted = (maps_of(params.layers, picture) for picture in (IMAGE, CONTENT, STYLE))
    pulls = {}
    for layer in SHALLOW["style_layers"]:
        f, s = (tree[layer].reshape(-1, tree[layer].shape[2]) for tree in (tape, wanted))
        g = 4 * f @ (f.T @ f / f.size - s.T @ s / s.size) / (f.size * f.shape[1] ** 2)
        pulls[layer] = (100.0 * g / (np.abs(g).sum() + 1e-8)).reshape(tape[layer].shape)
    g = 2 * (tape["relu2_1"] - kept["relu2_1"]) / kept["relu2_1"].size
    pulls["relu2_1"] += 5.0 * g / (np.abs(g).sum() + 1e-8)
    flow = oracle_vgg.backward("vgg16", params.layers, tape, pulls)
    expected = 256.0 * flow[..., ::-1]
    _, gradient = ours(params, **SHALLOW, normalize_gradients=True, tv_weight=0.0)
    assert np.linalg.norm(gradient - expected) < 1e-4 * np.linalg.norm(expected)


def test_the_programs_rule_in_pytorch():
    """Its StyleLoss:updateGradInput: divide by the norm, multiply by the strength."""
    torch = pytest.importorskip("torch")
    f, target = RNG.standard_normal((5, 63)), RNG.standard_normal((5, 5))
    x = torch.tensor(f, requires_grad=True)
    torch.nn.functional.mse_loss(x @ x.T / x.numel(), torch.tensor(target)).backward()
    expected = 7.0 * x.grad / (torch.linalg.vector_norm(x.grad, 1) + 1e-8)

    def loss(x):
        seen = normalizing(x, 7.0)
        return 7.0 * jnp.mean(jnp.square(seen @ seen.T / seen.size - target))

    with jax.enable_x64(True):
        np.testing.assert_allclose(jax.grad(loss)(jnp.asarray(f)), expected, rtol=1e-10)


def test_weights_act_as_weights_and_0_as_none(params):
    options = {**SHALLOW, "tv_weight": 0.0, "normalize_gradients": True}
    terms, both = ours(params, content_weight=2.0, style_weight=3.0, **options)
    options["normalize_gradients"] = False
    plain, _ = ours(params, content_weight=2.0, style_weight=3.0, **options)
    np.testing.assert_allclose(terms, plain, rtol=1e-6)
    options["normalize_gradients"] = True
    _, content = ours(params, content_weight=1.0, style_weight=0.0, **options)
    _, style = ours(params, content_weight=0.0, style_weight=1.0, **options)
    scale = np.abs(both).max()
    np.testing.assert_allclose(both, 2 * content + 3 * style, atol=1e-4 * scale)
    # The program's loss has no part in it: a hundredfold loss pulls no harder.
    _, pale = ours(
        params, content_weight=0.0, style_weight=1.0, style_loss="gram-gatys2016", **options
    )
    np.testing.assert_allclose(pale, style, atol=1e-3 * np.abs(style).max())


def test_at_its_targets_nothing_pulls(params):
    weights = LossWeights(jnp.float32(1), jnp.zeros(2), jnp.float32(0))
    options = {**SHALLOW, "normalize_gradients": True}
    terms, gradient = ours(params, image=CONTENT, weights=weights, **options)
    assert float(terms.total) == 0
    assert not gradient.any()


def test_a_layer_named_twice_is_one_of_twice_the_weight(params):
    options = {"content_layers": (), "tv_weight": 0.0, "normalize_gradients": True}
    _, twice = ours(params, style_layers=("relu1_1", "relu1_1"), style_weight=1.0, **options)
    _, once = ours(params, style_layers=("relu1_1",), style_weight=2.0, **options)
    np.testing.assert_allclose(twice, once, rtol=1e-4, atol=1e-5 * np.abs(once).max())


def test_a_run_and_what_is_refused(params):
    config = jnst.Config(
        **SHALLOW, size=48, scales=(1.0,), steps=(3,), optimizer="adam", normalize_gradients=True
    )
    found = jnst.stylize(params, CONTENT, STYLE, config)
    assert found.history.total[-1] < found.history.total[0]
    told = "normalize_gradients is True, which measures the gradient of a whole layer at once, not "
    wide = np.zeros((20, 150, 3), np.float32)
    with pytest.raises(
        ValueError, match=f"^{told}windows of 128 pixels: leave out the tile, or no"
    ):
        tiles.make_targets(params, wide, [STYLE], config, tile=128)
    with pytest.raises(ValueError, match=f"^{told}bands on 2 devices: use one device, or normaliz"):
        jnst.stylize(params, wide, STYLE, config, devices=jax.devices() * 2)
    with pytest.raises(
        ValueError, match=r"zoom search needs: use line_search='none' or optimizer="
    ):
        jnst.Config(normalize_gradients=True, optimizer="lbfgs")
