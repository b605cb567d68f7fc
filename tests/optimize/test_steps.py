"""The loop: Adam against NumPy, units, averages, guards, and what it costs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jnst.optimize import Method, Rates, lbfgs, minimize
from jnst.optimize.optimizer import best, from_arrays, start, to_arrays, with_moments
from jnst.optimize.preconditioner import scale_frequencies
from jnst.optimize.steps import _single, run_chunk

ADAM, ZOOM, PLAIN = Method(), Method("lbfgs", history=5), Method("lbfgs", "none", 5)
AVERAGING = Method(averaging=True)
METHODS = pytest.mark.parametrize("method", [AVERAGING, ZOOM, PLAIN], ids=["adam", "zoom", "none"])
START = np.array([[0.9, 0.1], [0.4, 0.7]])
TRACES = []


def valley(x, center):
    TRACES.append(1)
    y = x - center
    value = jnp.sum(jnp.log(jnp.cosh(3 * y))) + 0.5 * jnp.sum((y[0] - 2 * y[1]) ** 2)
    return value, {"value": value, "first": x[0, 0]}


CENTER = np.array([[0.3, 0.5], [0.45, 0.2]])
gradient = jax.jit(jax.grad(lambda x: valley(x, CENTER)[0]))


def trajectory(objective, x, args, steps, method, rates):
    points = []
    answer, log, _ = minimize(
        objective,
        jnp.asarray(x),
        args,
        steps=steps,
        method=method,
        rates=rates,
        chunk=1,
        callback=lambda done, terms, now: points.append(np.asarray(now())),
    )
    np.testing.assert_array_equal(answer, points[-1])
    return np.array(points), log


def numpy_adam(x, steps, rate, beta1, beta2, unit=1.0, clamp=False, decay=1.0, length=1):
    """Kingma and Ba (2015), algorithm 1, on x · unit; the rate may fall over `length` steps."""
    point, m, v, points = x * unit, 0.0, 0.0, []
    for t in range(1, steps + 1):
        g = np.asarray(gradient(point / unit)) / unit
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        left = decay + (1 - decay) * np.cos(0.5 * np.pi * min((t - 1) / length, 1)) ** 2
        point = point - left * rate * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + 1e-16)
        point = np.clip(point, 0, unit) if clamp else point
        points.append(point / unit)
    return np.array(points)


@pytest.mark.parametrize("clamp", [False, True])
def test_adam_is_the_papers(clamp):
    with jax.enable_x64(True):
        rates = Rates(learning_rate=100.0, beta1=0.8, beta2=0.95, unit=255.0)
        found, _ = trajectory(valley, START, (CENTER,), 25, Method(clamp=clamp), rates)
        expected = numpy_adam(START, 25, 100.0, 0.8, 0.95, 255.0, clamp)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert (expected.min() == 0.0) == clamp
    assert (expected.min() < 0.0) != clamp


def test_adams_rate_falls_along_half_a_cosine_and_stays_there():
    with jax.enable_x64(True):
        rates = Rates(learning_rate=0.05, decay=0.2, steps=8)
        found, _ = trajectory(valley, START, (CENTER,), 12, Method(), rates)
        expected = numpy_adam(START, 12, 0.05, 0.9, 0.999, decay=0.2, length=8)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("unit", [1.0, 255.0])
def test_running_average_is_bias_corrected_and_counts_the_start(unit):
    with jax.enable_x64(True):
        rates = Rates(learning_rate=0.05 * unit, average=0.9, unit=unit)
        found, _ = trajectory(valley, START, (CENTER,), 12, AVERAGING, rates)
        points = numpy_adam(START, 12, 0.05 * unit, 0.9, 0.999, unit)
    points = np.concatenate([START[None], points])
    for n in range(1, 13):
        weights = 0.9 ** np.arange(n + 1)[::-1]
        expected = np.average(points[: n + 1], axis=0, weights=weights)
        np.testing.assert_allclose(found[n - 1], expected, rtol=1e-9)


@pytest.mark.parametrize("precondition", [0.0, 0.5])
def test_adam_goes_on_with_the_moments_of_another_run(precondition):
    """From the same point with the same moments it takes the same steps."""
    with jax.enable_x64(True):
        method, rates = Method(precondition=precondition), Rates(0.05, 0.8, 0.95)
        args, x = (jnp.asarray(CENTER),), jnp.asarray(START)
        half, _, learned = minimize(valley, x, args, steps=7, method=method, rates=rates)
        begun = with_moments(start(half, method, rates), learned)
        there = minimize(valley, begun, args, steps=5, method=method, rates=rates).x
        whole = minimize(valley, x, args, steps=12, method=method, rates=rates).x
        forgetful = minimize(valley, half, args, steps=5, method=method, rates=rates).x
    assert learned.steps == 7
    np.testing.assert_allclose(there, whole, rtol=1e-12)
    assert np.abs(forgetful - whole).max() > 1e-3


def valley_of_255(y, center):
    return valley(y / 255, center)


@METHODS
def test_a_unit_is_the_same_as_scaling_the_variable(method):
    with jax.enable_x64(True):
        rates = Rates(learning_rate=1.0, average=0.0)
        scaled, _ = trajectory(valley_of_255, 255 * START, (CENTER,), 15, method, rates)
        unit, _ = trajectory(valley, START, (CENTER,), 15, method, rates._replace(unit=255.0))
    np.testing.assert_allclose(unit, scaled / 255, rtol=1e-9, atol=1e-12)


def valley_of_waves(z, center):
    return valley(scale_frequencies(z, 0.5), center)


def test_preconditioned_adam_is_adam_on_the_scaled_waves():
    with jax.enable_x64(True):
        rates = Rates(learning_rate=0.05, beta1=0.8, beta2=0.95)
        method = Method(precondition=0.5)
        found, _ = trajectory(valley, np.zeros((2, 2)), (CENTER,), 25, method, rates)
        waves, _ = trajectory(valley_of_waves, np.zeros((2, 2)), (CENTER,), 25, ADAM, rates)
        expected = [scale_frequencies(jnp.asarray(z), 0.5) for z in waves]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_preconditioned_lbfgs_finds_the_same_minimum_another_way():
    with jax.enable_x64(True):
        x = jnp.asarray(START)
        method = Method("lbfgs", history=8, precondition=0.5)
        found, log = trajectory(valley, x, (CENTER,), 60, method, Rates())
        plain, other = trajectory(valley, x, (CENTER,), 60, Method("lbfgs", history=8), Rates())
    np.testing.assert_allclose(found[-1], plain[-1], atol=1e-5)
    assert np.abs(found[5] - plain[5]).max() > 1e-4
    assert log["value"][-1] == pytest.approx(other["value"][-1], abs=1e-9)


@METHODS
def test_it_finds_the_minimum_and_logs_every_evaluation(method):
    rates = Rates(learning_rate=0.02 if method is ADAM else 1.0)
    x = jnp.asarray(START, jnp.float32)
    answer, log, _ = minimize(
        valley, x, (jnp.asarray(CENTER, jnp.float32),), steps=120, method=method, rates=rates
    )
    np.testing.assert_allclose(answer, CENTER, atol=5e-3)
    assert answer.dtype == jnp.float32
    assert {name: rows.shape for name, rows in log.items()} == {"value": (120,), "first": (120,)}
    first, _ = valley(x, CENTER.astype(np.float32))
    assert log["value"][0] == pytest.approx(float(first), rel=1e-5)
    assert log["first"][0] == np.float32(0.9)
    assert log["value"][-1] < 1e-3
    # The optimiser's state is donated; the caller's array is not.
    np.testing.assert_array_equal(x, START.astype(np.float32))


@METHODS
def test_fused_and_single_steps_are_the_same(method):
    rates = Rates(*(jnp.float32(r) for r in Rates(0.1, average=0.5, unit=2.0)))
    args = (jnp.asarray(CENTER, jnp.float32),)
    ends = []
    for fused in (False, True):
        state = start(jnp.asarray(START, jnp.float32), method, rates)
        state, first = run_chunk(valley, method, state, rates, args, 1, size=6, fused=fused)
        state, rest = run_chunk(valley, method, state, rates, args, 5, size=6, fused=fused)
        assert first["value"].shape == (1,)
        assert rest["value"].shape == (5,)
        ends.append((state, first, rest, best(state, rates)))
    assert int(ends[0][0].step) == 6
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), *ends)


def cliff(x):
    """Falls steadily, and is not a number below 0."""
    value = jnp.sum(jnp.where(x < 0, jnp.nan, x))
    return value, {"value": value}


@pytest.mark.parametrize("cut", [1, 4, 7, 12])
@pytest.mark.parametrize("fused", [False, True])
@METHODS
def test_a_state_goes_on_from_its_arrays(method, fused, cut):
    rates = Rates(*(jnp.float32(r) for r in Rates(0.1, average=0.5, unit=2.0)))
    args, x = (jnp.asarray(CENTER, jnp.float32),), jnp.asarray(START, jnp.float32)

    def advance(state, count):
        return run_chunk(valley, method, state, rates, args, count, size=12, fused=fused)

    whole, log = advance(start(x, method, rates), 12)
    state, first = advance(start(x, method, rates), cut)
    arrays = to_arrays(state)
    kept = {name: array.copy() for name, array in arrays.items()}
    state = from_arrays(arrays, x.shape, method, rates)
    if cut < 12:
        state, rest = advance(state, 12 - cut)
        first = {name: np.concatenate([first[name], rest[name]]) for name in first}
    jax.tree.map(np.testing.assert_array_equal, (state, first), (whole, log))
    # The donated state shares no memory with the arrays that it was made from.
    jax.tree.map(np.testing.assert_array_equal, arrays, kept)


def test_a_state_of_another_run_is_refused():
    arrays = to_arrays(start(jnp.zeros((2, 2)), PLAIN, Rates()))
    for shape, method in (((2, 3), PLAIN), ((2, 2), ADAM), ((2, 2), Method("lbfgs", history=6))):
        with pytest.raises(
            ValueError, match="does not fit this run: start anew, or use the version"
        ):
            from_arrays(arrays, shape, method, Rates())
    del arrays["brake"]
    with pytest.raises(ValueError, match="does not fit this run"):
        from_arrays(arrays, (2, 2), PLAIN, Rates())


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("method", [ADAM, PLAIN], ids=["adam", "none"])
def test_after_a_bad_value_the_state_stands_still(method, fused):
    rates = Rates(*(jnp.float32(r) for r in Rates(0.1)))
    state = start(jnp.array([0.35]), method, rates)
    state, _ = run_chunk(cliff, method, state, rates, (), 4, fused=fused)
    assert bool(state.finite)
    before = jax.tree.map(np.asarray, state)
    state, log = run_chunk(cliff, method, state, rates, (), 3, fused=fused)
    assert not bool(state.finite)
    assert np.isnan(log["value"]).all()
    jax.tree.map(np.testing.assert_array_equal, state._replace(finite=jnp.bool_(True)), before)


def test_lbfgs_must_begin_where_the_objective_is_finite():
    with pytest.raises(FloatingPointError, match=r"not finite at step 1 \(value\); lower"):
        minimize(cliff, jnp.array([-1.0]), steps=30, method=ZOOM)


def exploding(x):
    value = jnp.sum(jnp.exp(jnp.square(x) * 20) - x)
    return value, {"value": value}


def test_the_line_search_comes_back_from_infinity():
    answer, log, _ = minimize(
        exploding, jnp.array([-0.1]), steps=40, method=ZOOM, rates=Rates(learning_rate=100.0)
    )
    assert not np.isfinite(log["value"]).all()
    grid = np.linspace(0, 0.1, 10_001)
    best_value = np.min(np.exp(20 * grid**2) - grid)
    assert float(exploding(answer)[0]) == pytest.approx(best_value, abs=1e-5)


def test_the_callback_sees_each_chunk_and_can_stop():
    seen = []

    def watch(done, terms, now):
        seen.append((done, len(terms["value"]), np.asarray(now())))
        return done >= 9

    args = (jnp.asarray(CENTER, jnp.float32),)
    answer, log, _ = minimize(
        valley, jnp.asarray(START, jnp.float32), args, steps=30, chunk=4, callback=watch
    )
    assert [(done, rows) for done, rows, _ in seen] == [(1, 1), (5, 4), (9, 4)]
    assert log["value"].shape == (9,)
    np.testing.assert_array_equal(answer, seen[-1][2])
    seen.clear()
    minimize(valley, answer, args, steps=7, chunk=4, callback=watch)
    assert [done for done, _, _ in seen] == [1, 5, 7]


def test_numbers_never_compile_again():
    x, args = jnp.asarray(START, jnp.float32), (jnp.asarray(CENTER, jnp.float32),)

    def go(rates, center, steps=3):
        minimize(valley, x, center, steps=steps, method=AVERAGING, rates=rates, chunk=2)

    go(Rates(0.1), args)
    TRACES.clear()
    go(Rates(0.2, 0.5, 0.9, 0.99, 255.0), args)
    go(Rates(0.3), (args[0] + 1,), steps=9)
    assert not TRACES
    minimize(valley, x, args, steps=1, method=Method(clamp=True))
    assert TRACES


def test_the_remembered_pairs_are_updated_in_place():
    x, rates = jnp.zeros((100, 100)), Rates(*(jnp.float32(r) for r in Rates()))
    smooth = Method("lbfgs", "zoom", 50, precondition=0.5)
    for method in (Method("lbfgs", "zoom", 50), Method("lbfgs", "none", 50), smooth):
        state = start(x, method, rates)
        compiled = _single.lower(wide_bowl, method, state, rates, ()).compile()
        memory = compiled.memory_analysis()
        buffer = state.inner.steps.nbytes
        assert isinstance(state.inner, lbfgs.State)
        assert memory.alias_size_in_bytes > 2 * buffer
        assert memory.temp_size_in_bytes < buffer


def wide_bowl(x):
    value = jnp.sum(jnp.square(x - 1))
    return value, {"value": value}


def test_errors_say_what_to_do():
    x = jnp.zeros(2)
    with pytest.raises(ValueError, match="steps is 0 and chunk 10: both must be at least 1"):
        minimize(wide_bowl, x, steps=0)
    with pytest.raises(ValueError, match="steps is 3 and chunk 0"):
        minimize(wide_bowl, x, steps=3, chunk=0)
    with pytest.raises(ValueError, match=r"average is 0\.5: it takes a method with averaging=True"):
        minimize(wide_bowl, x, steps=3, rates=Rates(average=0.5))
    with pytest.raises(TypeError, match="x has dtype int32: give floating point"):
        minimize(wide_bowl, jnp.zeros(2, jnp.int32), steps=1)
    with pytest.raises(ValueError, match="unknown optimiser 'sgd': choose adam or lbfgs"):
        Method("sgd")
    with pytest.raises(ValueError, match="unknown line search 'wolfe': choose zoom or none"):
        Method("lbfgs", "wolfe")
    with pytest.raises(ValueError, match="history is 0: L-BFGS must remember at least 1 pair"):
        Method("lbfgs", history=0)
    with pytest.raises(ValueError, match=r"precondition is -1\.0: it must be a finite number"):
        Method(precondition=-1.0)
    with pytest.raises(ValueError, match="clamp does not go with lbfgs: use adam or clamp=False"):
        Method("lbfgs", clamp=True)
    with pytest.raises(ValueError, match="averaging does not go with lbfgs: use adam or averag"):
        Method("lbfgs", averaging=True)
