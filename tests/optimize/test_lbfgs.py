"""L-BFGS against SciPy, dense matrices, and torch's program written out in NumPy."""

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from jnst.optimize import lbfgs
from jnst.optimize.line_search import MAX_TRIALS


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def rosenbrock(x):
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def quadratic(x):
    """Condition number 1e4, minimum 0 at 1."""
    curvatures = jnp.logspace(0, 4, x.size).reshape(x.shape)
    return 0.5 * jnp.sum(curvatures * (x - 1) ** 2)


@partial(jax.jit, static_argnames=("function", "line_search"))
def step(x, state, rate, function, line_search):
    value, gradient = jax.value_and_grad(function)(x)
    point, state = lbfgs.update(x, value, gradient, state, rate=rate, line_search=line_search)
    return value, point, state


def run(function, x, steps, history=10, line_search="zoom", rate=1.0, until=-np.inf):
    """Every point evaluated, its value, and the state after it."""
    point, rows = jnp.asarray(x), []
    state = lbfgs.init(point, history)
    rate = jnp.asarray(rate, point.dtype)
    for _ in range(steps):
        value, following, state = step(point, state, rate, function, line_search)
        rows.append((np.asarray(point), float(value), state))
        point = following
        if float(state.value) < until:
            break
    return rows


def scipy_evaluations(function, x, history, until):
    values = []
    both = jax.jit(jax.value_and_grad(function))

    def evaluate(x):
        value, gradient = both(x)
        values.append(float(value))
        return float(value), np.asarray(gradient)

    options = {"maxcor": history, "ftol": 0, "gtol": 1e-15, "maxiter": 5000, "maxfun": 5000}
    scipy.optimize.minimize(evaluate, x, jac=True, method="L-BFGS-B", options=options)
    return 1 + next(i for i, value in enumerate(values) if value < until)


@pytest.mark.parametrize(
    ("function", "start"),
    [
        (rosenbrock, np.array([-1.2, 1.0])),
        (rosenbrock, np.tile([-1.2, 1.0], 15)),
        (quadratic, np.random.default_rng(0).standard_normal(200)),
    ],
    ids=["rosenbrock-2", "rosenbrock-30", "quadratic"],
)
def test_evaluations_compare_with_scipy(function, start):
    until = 1e-12
    rows = run(function, start, 1000, until=until)
    _, _, state = rows[-1]
    assert float(state.value) < until
    np.testing.assert_allclose(state.position, 1.0, atol=1e-5)
    assert len(rows) <= 1.5 * scipy_evaluations(function, start, 10, until)
    assert len(rows) <= 1.25 * int(state.accepted)


def test_every_accepted_point_satisfies_the_strong_wolfe_conditions():
    rows = run(rosenbrock, np.tile([-1.2, 1.0], 5), 60)
    accepted = [state for (_, _, state) in rows]
    checked = 0
    for before, after in pairwise(accepted):
        if int(after.accepted) == int(before.accepted):
            np.testing.assert_array_equal(after.position, before.position)
        elif int(before.stored):
            moved = np.asarray(after.position - before.position)
            length = np.vdot(moved, before.direction) / np.vdot(before.direction, before.direction)
            np.testing.assert_allclose(moved, length * before.direction, atol=1e-12)
            slope = float(jnp.vdot(after.gradient, before.direction))
            assert float(after.value) <= float(before.value + 1e-4 * length * before.slope) + 1e-12
            assert abs(slope) <= 0.9 * abs(float(before.slope))
            checked += 1
    assert checked > 30


def dense_bfgs(start, pairs):
    """Nocedal and Wright, equation 7.16, applied pair by pair to γ · start."""
    s, y = pairs[-1]
    inverse = start * (s @ y) / (y @ start @ y)
    for s, y in pairs:
        rho = 1 / (s @ y)
        left = np.eye(len(s)) - rho * np.outer(s, y)
        inverse = left @ inverse @ left.T + rho * np.outer(s, s)
    return inverse


@pytest.mark.parametrize("preconditioned", [False, True])
def test_the_direction_is_that_of_the_dense_bfgs_matrix(preconditioned):
    # More pairs than are kept.
    rng = np.random.default_rng(1)
    basis = rng.standard_normal((6, 6))
    hessian = basis @ basis.T + np.eye(6)
    guess = np.cov(rng.standard_normal((6, 20))) if preconditioned else np.eye(6)
    kept, state = 4, lbfgs.init(jnp.zeros((2, 3)), history=4)
    pairs = []
    for _ in range(7):
        s = rng.standard_normal(6)
        pairs.append((s, hessian @ s))
        s, y = (jnp.asarray(v.reshape(2, 3)) for v in pairs[-1])
        state = lbfgs._multiplied(lbfgs._remember(state, s, y, jnp.bool_(True), "zoom"))
    gradient = rng.standard_normal(6)
    maps = {"inverse": lambda v: (guess @ v.ravel()).reshape(2, 3)} if preconditioned else {}
    found = lbfgs.quasi_newton(jnp.asarray(gradient.reshape(2, 3)), state, **maps)
    expected = -dense_bfgs(guess, pairs[-kept:]) @ gradient
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-9)


def test_a_guess_of_the_inverse_is_a_change_of_variables():
    # From T Tᵀ the points are T times those of the function of z = T⁻¹ x.
    rng = np.random.default_rng(2)
    turn = rng.standard_normal((5, 5)) / 3 + np.eye(5)
    mixing = jnp.asarray(rng.standard_normal((5, 5)))

    def hilly(x):
        return jnp.sum(jnp.log(jnp.cosh(mixing @ (x - 1)))) + 0.1 * jnp.sum(x**2)

    points = {}
    for name, function, maps in (
        ("z", lambda z: hilly(turn @ z), {}),
        ("x", hilly, {"inverse": lambda v: turn @ (turn.T @ v)}),
    ):
        x, rows = jnp.zeros(5), []
        state = lbfgs.init(x, 4)
        derive = jax.jit(jax.value_and_grad(function))
        update = jax.jit(partial(lbfgs.update, line_search="none", **maps))
        for _ in range(25):
            rows.append(np.asarray(x))
            value, gradient = derive(x)
            # Without a first step that depends on the gradient's own length.
            rate = jnp.asarray(0.3 * jnp.sum(jnp.abs(gradient)) if len(rows) == 1 else 1.0)
            x, state = update(x, value, gradient, state, rate=rate)
        points[name] = np.array(rows)
    np.testing.assert_allclose(points["z"] @ turn.T, points["x"], rtol=1e-7, atol=1e-9)


def test_without_pairs_the_direction_is_the_gradients():
    gradient = jnp.array([3.0, -4.0])
    np.testing.assert_array_equal(lbfgs.quasi_newton(gradient, lbfgs.init(gradient, 3)), -gradient)


def torch_lbfgs(evaluate, x, steps, lr, history):
    """The points that torch.optim.LBFGS(line_search_fn=None) evaluates, tolerances aside."""
    points, old_dirs, old_steps = [], [], []
    h_diag, previous, d, t = 1.0, None, None, None
    for iteration in range(steps):
        points.append(x.copy())
        g = evaluate(x)
        if iteration == 0:
            d, t = -g, min(1.0, 1.0 / np.abs(g).sum()) * lr
        else:
            y, s = g - previous, d * t
            ys = y @ s
            if ys > 1e-10:
                if len(old_dirs) == history:
                    old_dirs.pop(0)
                    old_steps.pop(0)
                old_dirs.append(y)
                old_steps.append(s)
                h_diag = ys / (y @ y)
            q, al = -g, []
            for s, y in zip(reversed(old_steps), reversed(old_dirs), strict=True):
                al.append((s @ q) / (y @ s))
                q = q - al[-1] * y
            d = q * h_diag
            for s, y, a in zip(old_steps, old_dirs, reversed(al), strict=True):
                d = d + s * (a - (y @ d) / (y @ s))
            t = lr
        previous = g
        x = x + t * d
    return np.array(points)


def soft_valley(x):
    """Convex and smooth, far from quadratic."""
    mixed = jnp.array([[2.0, 0.4, 0, 0], [0.4, 1, 0.3, 0], [0, 0.3, 3, 0.2], [0, 0, 0.2, 0.7]]) @ x
    return jnp.sum(jnp.log(jnp.cosh(mixed - jnp.arange(4.0)))) + 0.05 * jnp.sum(x**2)


def hill(x):
    """Concave around 0, where pairs must be refused; with a first gradient above 1, which is not
    lifted."""
    return 16 * jnp.sum(x**4 / 4 - x**2 / 2)


@pytest.mark.parametrize(
    ("function", "start", "lr"),
    [
        (soft_valley, [3.0, -2.0, 1.0, 4.0], 1.0),
        (soft_valley, [3.0, -2.0, 1.0, 4.0], 0.3),
        (hill, [0.01, -0.02, 0.015, 0.03], 0.05),
    ],
)
def test_without_a_line_search_the_points_are_torchs(function, start, lr):
    gradient = jax.jit(jax.grad(function))
    expected = torch_lbfgs(lambda x: np.asarray(gradient(x)), np.array(start), 20, lr, history=4)
    rows = run(function, start, 20, history=4, line_search="none", rate=lr)
    np.testing.assert_allclose([x for x, _, _ in rows], expected, rtol=1e-8, atol=1e-10)
    stored = int(rows[-1][2].stored)
    assert stored < 19 if function is hill else stored == 19


def test_without_a_line_search_torch_itself_agrees():
    torch = pytest.importorskip("torch")
    x = torch.tensor([-1.2, 1.0, 0.7], dtype=torch.float64, requires_grad=True)
    points = []
    optimizer = torch.optim.LBFGS(
        [x], lr=0.5, max_iter=15, history_size=5, tolerance_grad=-1, tolerance_change=-1
    )

    def closure():
        optimizer.zero_grad()
        points.append(x.detach().numpy().copy())
        value = torch.log(torch.cosh(3 * x - 1)).sum() + 0.5 * (x[0] - x[1]) ** 2
        value.backward()
        return value

    optimizer.step(closure)

    def same(x):
        return jnp.sum(jnp.log(jnp.cosh(3 * x - 1))) + 0.5 * (x[0] - x[1]) ** 2

    rows = run(same, [-1.2, 1.0, 0.7], 15, history=5, line_search="none", rate=0.5)
    np.testing.assert_allclose([p for p, _, _ in rows], points, rtol=1e-8, atol=1e-10)


def test_it_recovers_from_trials_where_the_function_is_not_finite():
    def wall(x):
        return jnp.sum(jnp.where(x < 2.0, (x - 1.9) ** 2 - 0.01 * jnp.log(2.0 - x), jnp.nan))

    rows = run(wall, np.array([-30.0, 1.0]), 60, rate=2.5)
    assert any(np.isnan(value) for _, value, _ in rows)
    states = [state for _, _, state in rows]
    assert all(np.isfinite(float(state.value)) for state in states)
    best = min(float(wall(jnp.array([t])).sum()) for t in np.linspace(1.5, 1.999, 2000))
    assert float(states[-1].value) == pytest.approx(2 * best, abs=1e-6)


def test_values_never_rise_beyond_rounding():
    rows = run(rosenbrock, np.tile([-1.2, 1.0], 10), 80)
    accepted = np.array([float(state.value) for _, _, state in rows])
    assert np.all(np.diff(accepted) <= 1e-14 * accepted[:-1])
    assert accepted[-1] < 1e-2 * accepted[0]


def test_at_the_minimum_it_stays():
    for line_search in ("zoom", "none"):
        rows = run(quadratic, np.ones(5), 600, line_search=line_search)
        np.testing.assert_array_equal([x for x, _, _ in rows], 1.0)


def test_a_search_that_fails_starts_again_along_the_gradient():
    # A value that disagrees with its gradient: nothing along the direction is lower.
    x, state = jnp.array([1.0, 2.0]), lbfgs.init(jnp.array([1.0, 2.0]), 5)
    update = jax.jit(partial(lbfgs.update, rate=1.0, line_search="zoom"))
    gradient = jnp.array([1.0, -1.0])
    tries = []
    for i in range(1 + MAX_TRIALS):
        value = jnp.float64(1.0 if i == 0 else 2.0 + i)
        x, state = update(x, value, gradient, state)
        tries.append(float(state.search.step))
    np.testing.assert_array_equal(state.position, [1.0, 2.0])
    np.testing.assert_array_equal(state.direction, -gradient)
    assert int(state.stored) == 0
    assert int(state.search.trials) == 0
    assert tries[-1] == tries[0] == 0.5
    assert tries[-2] < 1e-5


def test_float32_stays_float32_and_any_shape_will_do():
    with jax.enable_x64(False):
        rows = run(lambda x: jnp.sum((x - 1) ** 2), np.zeros((2, 3, 1), np.float32), 30)
    _, _, state = rows[-1]
    assert {leaf.dtype for leaf in jax.tree.leaves(state)} <= {
        jnp.dtype(t) for t in ("float32", "int32", "bool")
    }
    np.testing.assert_allclose(state.position, 1.0, atol=1e-6)


@pytest.mark.parametrize("line_search", ["zoom", "none"])
@pytest.mark.parametrize("exponent", [-60, -30, -10])
def test_a_factor_on_the_objective_changes_no_point(line_search, exponent):
    """Powers of two are exact, so the points agree to the last bit."""
    start = np.full(6, 0.98)

    def bowl(x):
        return 2.0**-7 * quadratic(x)

    def tiny(x):
        return 2.0**exponent * bowl(x)

    expected = run(bowl, start, 12, line_search=line_search)
    points = run(tiny, start, 12, line_search=line_search)
    for (point, _, _), (other, _, _) in zip(points, expected, strict=True):
        np.testing.assert_array_equal(point, other)
    assert np.abs(points[-1][0] - start).max() > 1e-4
