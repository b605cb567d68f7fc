"""The loop over chunks: steps that overshot are taken back, and a saved state goes on."""

import jax.numpy as jnp
import numpy as np
import pytest

from jnst.optimize import Method, NotFiniteError, Rates, minimize
from jnst.optimize.optimizer import from_arrays

ADAM, ZOOM, PLAIN = Method(), Method("lbfgs", history=5), Method("lbfgs", "none", 5)
METHODS = pytest.mark.parametrize("method", [ADAM, ZOOM, PLAIN], ids=["adam", "zoom", "none"])
START = np.array([[0.9, 0.1], [0.4, 0.7]])
CENTER = np.array([[0.3, 0.5], [0.45, 0.2]])


def valley(x, center):
    y = x - center
    value = jnp.sum(jnp.log(jnp.cosh(3 * y))) + 0.5 * jnp.sum((y[0] - 2 * y[1]) ** 2)
    return value, {"value": value}


def cliff(x):
    """Falls steadily, and is not a number below 0."""
    value = jnp.sum(jnp.where(x < 0, jnp.nan, x))
    return value, {"value": value}


def watched_cliff(method, x, steps, rate, chunk):
    seen = []
    answer, log, _ = minimize(
        cliff,
        jnp.asarray([x]),
        steps=steps,
        method=method,
        rates=Rates(rate),
        chunk=chunk,
        callback=lambda done, terms, now: seen.append((done, terms["value"], float(now()[0]))),
    )
    return seen, float(answer[0]), log["value"]


@pytest.mark.parametrize("chunk", [1, 3])
def test_a_step_over_the_edge_is_taken_back_and_shortened(chunk):
    """Adam's steps have the length of the rate: 0.36, 0.26, 0.16, 0.06, then a tenth of that."""
    with pytest.warns(RuntimeWarning, match=r"not finite at step 5 \(value\); going back, and on"):
        seen, answer, values = watched_cliff(ADAM, 0.36, 8, 0.1, chunk)
    np.testing.assert_allclose(values, [0.36, 0.26, 0.16, 0.06, 0.05, 0.04, 0.03, 0.02], atol=2e-3)
    assert answer == pytest.approx(0.01, abs=2e-3)
    assert [done for done, _, _ in seen] == (
        [1, 2, 3, 4, 5, 6, 7, 8] if chunk == 1 else [1, 4, 7, 8]
    )
    np.testing.assert_array_equal(np.concatenate([v for _, v, _ in seen]), values)


def test_fixed_steps_of_lbfgs_are_shortened_too():
    with pytest.warns(RuntimeWarning, match="not finite at step 2"):
        _, _, values = watched_cliff(PLAIN, 0.5, 3, 10.0, 1)
    # Along the gradient by 10, taken back to a tenth of that, and again, before 0 is cleared.
    assert np.isfinite(values).all()
    assert values[1] < values[0]


@pytest.mark.parametrize("chunk", [1, 4])
def test_three_shorter_steps_are_enough_to_give_up(chunk):
    seen = []
    with (
        pytest.warns(RuntimeWarning) as told,
        pytest.raises(
            NotFiniteError, match=r"step \d+ \(value\), nor after .*; lower the"
        ) as caught,
    ):
        minimize(
            cliff,
            jnp.array([0.35]),
            steps=99,
            rates=Rates(0.1),
            chunk=chunk,
            callback=lambda done, terms, now: seen.append(terms["value"]),
        )
    assert [str(one.message)[-14:] for one in told] == [f"({i} of 3 times)" for i in (1, 2, 3)]
    assert float(caught.value.point[0]) < 0 <= float(caught.value.good[0])
    # All that was good has been told.
    assert np.isfinite(np.concatenate(seen)).all()
    assert float(caught.value.good[0]) == pytest.approx(seen[-1][-1], abs=1e-9)


def test_an_average_begins_again_at_the_last_good_point():
    rates, method = Rates(0.1, average=0.5), Method(averaging=True)
    with pytest.warns(RuntimeWarning, match="step 5"):
        answer = minimize(cliff, jnp.array([0.36]), steps=5, method=method, rates=rates, chunk=1).x
    # Half of the point that the shortened step led past, half of the good one before it.
    assert float(answer[0]) == pytest.approx(0.05, abs=5e-3)


@METHODS
def test_minimize_goes_on_from_a_state(method):
    rates, args = Rates(0.1), (jnp.asarray(CENTER, jnp.float32),)
    x, saved, steps = jnp.asarray(START, jnp.float32), [], []

    def save(done, terms, now):
        saved.append((done, now.arrays()))

    def go(x):
        return minimize(
            valley,
            x,
            args,
            steps=10,
            method=method,
            rates=rates,
            chunk=3,
            callback=lambda done, terms, now: steps.append(done),
        )

    minimize(valley, x, args, steps=10, method=method, rates=rates, chunk=1, callback=save)
    whole, log, _ = go(x)
    assert steps == [1, 4, 7, 10]
    for done, arrays in saved:
        steps.clear()
        answer, rest, _ = go(from_arrays(arrays, x.shape, method, rates))
        np.testing.assert_array_equal(answer, whole)
        np.testing.assert_array_equal(rest["value"], log["value"][done:])
        # Chunks end where they would have ended.
        assert steps == [step for step in (1, 4, 7, 10) if step > done]
