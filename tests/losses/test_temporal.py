"""The temporal loss against its definition in float64, and its gradient against differences."""

import jax
import jax.numpy as jnp
import numpy as np

from jnst.losses.temporal import TemporalTarget, long_term, merged, temporal_loss
from jnst.ops import check_gradients

RNG = np.random.default_rng(0)
EARLIER = [RNG.random((6, 5, 3)) for _ in range(3)]
KNOWN = [np.where(RNG.random((6, 5)) < 0.6, RNG.random((6, 5)), 0) for _ in range(3)]


def by_definition(x):
    return sum(np.sum(c[..., None] * (x - w) ** 2) for w, c in zip(EARLIER, KNOWN, strict=True))


def test_many_paintings_are_one_target_up_to_a_constant():
    mean, total = merged(EARLIER, KNOWN)
    target = TemporalTarget(jnp.asarray(mean), jnp.asarray(total), 7.0)
    x, other = RNG.random((2, 6, 5, 3))
    found = temporal_loss(jnp.asarray(x), target) - temporal_loss(jnp.asarray(other), target)
    expected = 7.0 * (by_definition(x) - by_definition(other)) / x.size
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_where_nothing_is_known_any_picture_has_the_same_loss():
    mean, total = merged(EARLIER, KNOWN)
    unknown = total[..., 0] == 0
    assert unknown.any()
    np.testing.assert_array_equal(mean[unknown], EARLIER[0].astype(np.float32)[unknown])
    target = TemporalTarget(jnp.asarray(mean), jnp.asarray(total), 1.0)
    changed = np.where(unknown[..., None], 9.0, mean).astype(np.float32)
    assert float(temporal_loss(jnp.asarray(changed), target)) == 0


def test_the_gradient_is_numerical_and_acts_on_each_pixel_by_its_reliability():
    with jax.enable_x64(True):
        target = TemporalTarget(jnp.asarray(EARLIER[0]), jnp.asarray(KNOWN[0][..., None]), 3.0)
        x = EARLIER[1]
        gradient = np.asarray(jax.grad(temporal_loss)(jnp.asarray(x), target))
        report = check_gradients(lambda x: np.asarray(temporal_loss(x, target)), [x], [gradient])
    assert report.agrees, str(report)
    assert np.array_equal(gradient.any(axis=-1), KNOWN[0] > 0)


def test_farther_frames_count_where_no_nearer_one_does():
    near, middle, far = (np.float32([values]) for values in ([1, 0.4, 0], [1, 1, 0], [1, 1, 1]))
    expected = [[[1, 0.4, 0]], [[0, 0.6, 0]], [[0, 0, 1]]]
    found = long_term([near, middle, far])
    np.testing.assert_allclose(found, expected, atol=1e-7)
