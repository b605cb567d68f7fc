"""The checker finds right derivatives right and wrong ones wrong, and says where."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jnst.ops import check_gradients, numerical_gradients

X = np.array([[0.3, -1.2, 2.0], [0.7, 40.0, -3.0]])
MATRIX = np.arange(12.0).reshape(3, 4)


def test_a_known_derivative_to_ten_digits():
    (found,) = numerical_gradients(lambda x: np.sum(np.sin(x)), [X])
    np.testing.assert_allclose(found, np.cos(X), atol=2e-9)


def test_a_linear_function_is_exact_at_a_large_step():
    cotangent = np.arange(8.0).reshape(2, 4)
    found = numerical_gradients(np.matmul, [X, MATRIX], cotangent, step=1.0)
    np.testing.assert_allclose(found[0], cotangent @ MATRIX.T, rtol=1e-13)
    np.testing.assert_allclose(found[1], X.T @ cotangent, rtol=1e-13, atol=1e-11)


def test_a_jax_function_and_its_gradient_agree():
    with jax.enable_x64(True):
        loss = jax.jit(lambda x: jnp.sum(jnp.tanh(x) * x))
        report = check_gradients(loss, [X], [jax.grad(loss)(X)], names=["x"])
    assert report.agrees
    assert report.largest < 1e-9


def test_one_wrong_element_is_named():
    wrong = np.cos(X)
    wrong[1, 0] += 0.01
    report = check_gradients(lambda x: np.sum(np.sin(x)), [X], [wrong], names=["angle"])
    assert not report.agrees
    (row,) = report.comparisons
    assert (row.name, row.where, row.checked, row.size) == ("angle", (1, 0), 6, 6)
    # The error is relative to the largest of the twelve numbers, cos(-3) = -0.98999.
    np.testing.assert_allclose(row.error, 0.01 / abs(np.cos(3.0)), rtol=1e-6)
    np.testing.assert_allclose(
        [row.by_hand, row.numerical], [np.cos(0.7) + 0.01, np.cos(0.7)], rtol=1e-8
    )


def test_nan_never_agrees():
    report = check_gradients(np.sum, [X], [np.full_like(X, np.nan)])
    assert not report.agrees
    assert np.isnan(report.largest)


def test_the_report_is_a_table():
    report = check_gradients(
        np.matmul, [X, MATRIX], [X, MATRIX], np.zeros((2, 4)), names=["x", "matrix"], step=1.0
    )
    lines = str(report).splitlines()
    assert " ".join(lines[0].split()) == "array checked largest error at by hand numerical"
    assert lines[1].split() == ["x", "6/6", "1.0e+00", "(1,", "1)", "40", "0"]
    assert lines[2].split()[:2] == ["matrix", "12/12"]
    assert lines[3] == "DOES NOT AGREE to 1e-07"


def test_samples_are_few_and_the_same_for_a_seed():
    calls = []

    def counted(x):
        calls.append(x.copy())
        return np.sum(x * x)

    reports = [
        check_gradients(counted, [X], [2 * X], samples=2, seed=seed, tolerance=1e-6)
        for seed in (3, 3)
    ]
    assert reports[0] == reports[1]
    assert reports[0].comparisons[0].checked == 2
    assert len(calls) == 2 * (1 + 2 * 2)
    assert all(np.sum(x != X) <= 1 for x in calls)


def test_an_empty_array_has_nothing_to_check():
    report = check_gradients(lambda x, y: np.sum(x), [X, X[:0]], [np.ones_like(X), X[:0]])
    assert report.comparisons[1].checked == 0
    assert report.agrees
    assert numerical_gradients(lambda x: np.sum(x), [X[:0]])[0].shape == (0, 3)


def test_float32_functions_are_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"returns float32 .* jax\.enable_x64"):
        check_gradients(lambda x: jnp.sum(jnp.asarray(x, "float32")), [X], [X])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: numerical_gradients(np.sin, [X]), r"returns shape \(2, 3\), .* has shape \(\)"),
        (lambda: check_gradients(np.sum, [X], [X[0]]), r"of 0 has shape \(3,\), the array \(2, 3"),
        (lambda: check_gradients(np.sum, [X], []), "1 arrays need as many .*, got 0 and 1"),
        (lambda: check_gradients(np.sum, [X], [X], names=["x", "y"]), "got 1 and 2"),
    ],
)
def test_wrong_input_says_what_is_wrong(call, text):
    with pytest.raises(ValueError, match=text):
        call()
