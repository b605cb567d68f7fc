"""The pure losses: closed forms, invariants, finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jnst import losses
from jnst.config import choices


def maps(height=4, width=5, channels=3, seed=0):
    rng = np.random.default_rng(seed)
    return jnp.asarray(rng.standard_normal((height, width, channels)), jnp.float32)


def test_content_losses_by_hand():
    f, p = maps(seed=1), maps(seed=2)
    squares = (np.asarray(f, np.float64) - np.asarray(p, np.float64)) ** 2
    assert float(losses.content_half_sum(f, p)) == pytest.approx(squares.sum() / 2, rel=1e-6)
    assert float(losses.content_mean(f, p)) == pytest.approx(squares.sum() / 60, rel=1e-6)
    assert float(losses.content_mean(f, f)) == 0


def test_gram_matrices_by_hand():
    f = maps()
    flat = np.asarray(f, np.float64).reshape(20, 3)
    expected = sum(np.outer(v, v) for v in flat)
    np.testing.assert_allclose(losses.gram(f), expected, rtol=1e-5)
    np.testing.assert_allclose(losses.gram_per_position(f), expected / 20, rtol=1e-5)
    np.testing.assert_allclose(losses.gram_per_element(f), expected / 60, rtol=1e-5)


def test_gram_of_a_constant():
    constant = jnp.broadcast_to(jnp.array([1.0, -2.0, 3.0]), (7, 5, 3))
    expected = np.outer([1, -2, 3], [1, -2, 3])
    np.testing.assert_allclose(losses.gram(constant), 35 * expected, rtol=1e-6)
    np.testing.assert_allclose(losses.gram_per_position(constant), expected, rtol=1e-6)


def test_gram_is_symmetric_positive_semidefinite_and_forgets_places():
    f = maps(3, 3, 12)
    g = losses.gram(f)
    np.testing.assert_array_equal(g, g.T)
    assert np.linalg.eigvalsh(np.asarray(g, np.float64)).min() > -1e-5
    shuffled = f.reshape(9, 12)[jnp.array([3, 8, 1, 0, 2, 7, 6, 5, 4])].reshape(3, 3, 12)
    np.testing.assert_allclose(losses.gram(shuffled), g, rtol=1e-5, atol=1e-6)


def layer_loss(name, f, s):
    loss = losses.STYLE_LOSSES[name]
    positions = f.shape[0] * f.shape[1]
    return loss.distance(loss.of_map(f), loss.aim(loss.of_map(s)), positions)


def test_each_style_loss_is_zero_at_its_target_only():
    for name in losses.STYLE_LOSSES:
        # Between two matrix roots there is rounding.
        least = 1e-6 if name.startswith("wasserstein") else 0.0
        assert abs(float(layer_loss(name, maps(), maps()))) <= least
        assert float(layer_loss(name, maps(), maps(seed=3))) > 0


def test_gatys_is_a_quarter_of_channels_squared_of_neural_style():
    f, s = maps(6, 4, 8, seed=1), maps(6, 4, 8, seed=2)
    ratio = layer_loss("gram-gatys2016", f, s) / layer_loss("gram", f, s)
    assert float(ratio) == pytest.approx(8**2 / 4, rel=1e-5)


def test_gatys_pytorch_weight_over_channels_squared_is_neural_style():
    f, s = maps(6, 4, 8, seed=1), maps(3, 5, 8, seed=2)
    ratio = layer_loss("gram-positions", f, s) / layer_loss("gram", f, s)
    assert float(ratio) == pytest.approx(8**2, rel=1e-5)


def test_gatys_distance_to_the_letter_with_a_style_of_another_size():
    f, s = maps(6, 4, 5, seed=1), maps(3, 5, 5, seed=2)
    a, b = (np.asarray(m, np.float64).reshape(-1, 5) for m in (f, s))
    expected = ((a.T @ a - b.T @ b) ** 2).sum() / (4 * 5**2 * 24**2)
    assert float(layer_loss("gram-gatys2016", f, s)) == pytest.approx(expected, rel=1e-5)


def test_gatys_distance_stays_finite_on_a_large_picture():
    # The square of this difference, 1.6e41, is beyond float32; the loss is not.
    near, far = jnp.full((2, 2), 4e20, jnp.float32), jnp.zeros((2, 2), jnp.float32)
    found = float(losses.gatys_distance(near, far, 4_000_000))
    assert found == pytest.approx((4e20 / 8e6) ** 2, rel=1e-5)


@pytest.mark.parametrize("shape", [(6, 8), (5, 3), (2, 2)])
def test_total_variation_of_a_checkerboard(shape):
    height, width = shape
    board = jnp.asarray(np.indices(shape).sum(0) % 2, jnp.float32)[..., None]
    edges = (height - 1) * width + height * (width - 1)
    assert float(losses.tv_l1(board)) == edges
    # Two unit steps at each pixel that has a right and a lower neighbour, halved.
    assert float(losses.tv_l2(board)) == (height - 1) * (width - 1)


def test_total_variation_of_a_ramp():
    ramp = jnp.broadcast_to(jnp.arange(5.0)[None, :, None] * 3, (4, 5, 3))
    assert float(losses.tv_l1(ramp)) == 3 * 3 * 4 * 4
    assert float(losses.tv_l2(ramp)) == 0.5 * 9 * 3 * 3 * 4


@pytest.mark.parametrize("name", list(losses.TV_LOSSES))
def test_total_variation_has_its_degree_and_ignores_a_shift(name):
    variation, x = losses.TV_LOSSES[name], maps()
    value = float(variation.value(x))
    assert float(variation.value(10 * x)) == pytest.approx(10**variation.degree * value, rel=1e-5)
    assert float(variation.value(x + 2)) == pytest.approx(value, rel=1e-5)
    assert float(variation.value(jnp.ones((1, 1, 3)))) == 0


FUNCTIONS = {
    "content_mean": lambda x, s: losses.content_mean(x, s),
    "content_half_sum": lambda x, s: losses.content_half_sum(x, s),
    "tv_l1": lambda x, s: losses.tv_l1(x),
    "tv_l2": lambda x, s: losses.tv_l2(x),
    **{n: lambda x, s, n=n: layer_loss(n, x, s) for n in losses.STYLE_LOSSES},
}


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_derivatives_against_finite_differences(name):
    with jax.enable_x64(True):
        rng = np.random.default_rng(5)
        x, s, direction = (jnp.asarray(rng.standard_normal((4, 5, 3))) for _ in range(3))
        value = jax.jit(FUNCTIONS[name])
        assert value(x, s).dtype == jnp.float64
        slope = float(jnp.vdot(jax.grad(FUNCTIONS[name])(x, s), direction))
        step = 1e-6
        change = value(x + step * direction, s) - value(x - step * direction, s)
        assert float(change) / (2 * step) == pytest.approx(slope, rel=1e-6)


def test_a_config_names_every_loss_and_no_other():
    assert tuple(losses.CONTENT_LOSSES) == choices.CONTENT_LOSSES
    assert tuple(losses.STYLE_LOSSES) == choices.STYLE_LOSSES
    assert tuple(losses.TV_LOSSES) == choices.TV_LOSSES
