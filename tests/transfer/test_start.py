"""What a finer scale begins with, against NumPy and PyTorch."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

import jnst
from jnst.images import resize
from jnst.optimize.hyperparameters import method_of, rates_of
from jnst.optimize.optimizer import Moments, moments
from jnst.transfer.start import first_point, first_state

RNG = np.random.default_rng(0)
CONTENT = RNG.random((30, 40, 3), np.float32)
STYLE = RNG.random((50, 35, 3), np.float32)
ADAM = {"optimizer": "adam", "learning_rate": 0.05, "pixel_range": 1.0, "beta2": 0.9}
RUN = {"size": 32, "scales": (0.5, 1.0), "clamp": True, "rate_decay": 1.0}
RUN |= {"upscale": "plain", "bleed": 0}
LAYERS = {"style_layers": ("relu1_1",), "content_layers": ("relu1_2",)}


def test_moments_are_enlarged_as_pytorch_does():
    torch = pytest.importorskip("torch")
    mean = RNG.normal(size=(9, 12, 3)).astype(np.float32)
    square = RNG.random((9, 12, 3), np.float32) ** 8
    learnt = Moments(jnp.asarray(mean), jnp.asarray(square), jnp.int32(77))
    config = jnst.Config(**ADAM)
    found = moments(first_state(np.zeros((13, 17, 3), np.float32), learnt, 0, config, 9))
    expected = torch.nn.functional.interpolate(
        torch.tensor(square).permute(2, 0, 1)[None], (13, 17), mode="bilinear"
    )[0].permute(1, 2, 0)
    np.testing.assert_allclose(found.square, expected, atol=1e-6)
    np.testing.assert_array_equal(found.mean, resize(mean, 13, 17))
    assert np.min(found.square) >= 0
    assert found.steps == 77


def test_the_start_is_inside_the_box_only_with_clamp():
    edge = np.zeros((8, 8, 3), np.float32)
    edge[:, 4:] = 1.0
    large = np.zeros((16, 16, 3), np.float32)
    free = first_point(edge, large, large, (8, 8), jnst.Config(**ADAM, clamp=False))
    assert free.min() < 0 < 1 < free.max()
    kept = first_point(edge, large, large, (8, 8), jnst.Config(**ADAM, clamp=True))
    np.testing.assert_array_equal(kept, np.clip(free, 0, 1))
    # It is Adam's alone.
    lbfgs = jnst.Config(optimizer="lbfgs", clamp=True)
    np.testing.assert_array_equal(first_point(edge, large, large, (8, 8), lbfgs), free)


def test_an_average_reaches_over_a_share_of_the_steps():
    config = jnst.Config(**ADAM, average_share=0.25)
    assert [rates_of(config, steps).average for steps in (2, 4, 8, 100)] == [0, 0, 0.5, 0.96]
    assert rates_of(config, 100).steps == 100
    assert rates_of(replace(config, average=0.7), 100).average == 0.7
    assert rates_of(replace(config, average_share=0.0), 100).average == 0
    assert rates_of(replace(config, optimizer="lbfgs"), 100).average == 0
    assert method_of(config).averaging
    assert not method_of(replace(config, average_share=0.0)).averaging


@pytest.mark.parametrize(
    "averaging", [{"average": 0.8, "steps": (3, 1)}, {"average_share": 1.0, "steps": (3, 5)}]
)
def test_the_first_step_of_a_finer_scale_by_numpy(averaging):
    """Kingma and Ba (2015), algorithm 1, in the fourth step of which the picture grows."""
    found = []
    jnst.stylize(
        jnst.load_weights("vgg16"),
        CONTENT,
        STYLE,
        jnst.Config(**RUN | ADAM | LAYERS | averaging),
        chunk=1,
        callback=lambda progress: found.append((progress.checkpoint().state, progress.image())),
    )
    (coarse, image), (fine, after) = found[2:4]
    (mu,) = (name for name in coarse if name.endswith("mu"))
    nu = mu.removesuffix("mu") + "nu"
    start = np.clip(resize(image, 24, 32), 0, 1)
    m, v = resize(coarse[mu], 24, 32), resize(coarse[nu], 24, 32, resample="bilinear")
    gradient = (fine[mu] - 0.9 * m) / 0.1
    np.testing.assert_allclose(fine[nu], 0.9 * v + 0.1 * gradient**2, rtol=1e-3, atol=1e-12)
    step = (fine[mu] / (1 - 0.9**4)) / (np.sqrt(fine[nu] / (1 - 0.9**4)) + 1e-16)
    point = np.clip(start - 0.05 * step, 0, 1)
    np.testing.assert_allclose(fine["point"], point, atol=1e-5)
    assert np.abs(step).max() > 0.1
    # The average of the start and of the one point after it.
    np.testing.assert_allclose(after, (0.8 * start + point) / 1.8, atol=1e-5)


def test_the_learning_rate_falls_over_the_steps_of_each_scale():
    steps, share = 4, 0.5 + 0.5 * np.cos(0.75 * np.pi)
    ends = []
    for decay in (1.0, 0.0):
        config = jnst.Config(
            **ADAM | LAYERS,
            size=32,
            scales=(0.5, 1.0),
            steps=(1, steps),
            clamp=False,
            rate_decay=decay,
        )
        states = []
        jnst.stylize(
            jnst.load_weights("vgg16"),
            CONTENT,
            STYLE,
            config,
            chunk=1,
            callback=lambda progress, states=states: states.append(progress.checkpoint().state),
        )
        last = states[-1]
        (mu,) = (name for name in last if name.endswith("mu"))
        nu, count = last[mu.removesuffix("mu") + "nu"], 1 + steps
        step = (last[mu] / (1 - 0.9**count)) / (np.sqrt(nu / (1 - 0.9**count)) + 1e-16)
        ends.append((states[-2]["point"] - last["point"], step))
    for (moved, step), left in zip(ends, (1.0, share), strict=True):
        np.testing.assert_allclose(moved, 0.05 * left * step, atol=1e-6)
