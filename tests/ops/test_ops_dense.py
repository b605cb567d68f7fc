"""ReLU, flatten, dense and softmax cross-entropy against JAX's own, SciPy and differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax

from jnst.ops import check_gradients, dense, flatten, relu, softmax_cross_entropy


def draw(*shape):
    return np.random.default_rng(len(shape)).standard_normal(shape)


def test_relu_is_jaxs_own_also_at_zero_and_nan():
    x = jnp.array([-2.0, -0.0, 0.0, 1e-30, 3.0, jnp.nan, jnp.inf])
    np.testing.assert_array_equal(relu(x), jax.nn.relu(x))
    slopes = jax.vmap(jax.grad(relu))(x)
    np.testing.assert_array_equal(slopes, [0, 0, 0, 1, 1, 0, 1])
    # A Hessian's rows agree with its columns at the kink: no half slope, whichever order.
    hessian = jax.hessian(lambda x: jnp.sum(relu(x)) ** 2)(jnp.array([0.0, 1.0, 2.0]))
    np.testing.assert_array_equal(hessian, [[0, 0, 0], [0, 2, 2], [0, 2, 2]])


def test_flatten_goes_row_by_row_and_back():
    x = draw(2, 3, 4, 5).astype("float32")
    np.testing.assert_array_equal(flatten(x), x.reshape(2, -1))
    np.testing.assert_array_equal(jax.grad(lambda x: jnp.sum(flatten(x) ** 2))(x), 2 * x)
    assert flatten(jnp.zeros((0, 3, 4))).shape == (0, 12)


@pytest.mark.parametrize("bias", [None, draw(4)])
def test_dense_is_the_matrix_product_and_its_derivatives_are_numerical(bias):
    with jax.enable_x64(True):
        point = [draw(3, 5), draw(5, 4)] + ([] if bias is None else [bias])
        y, derive = jax.vjp(dense, *point)
        np.testing.assert_allclose(y, point[0] @ point[1] + (0 if bias is None else bias))
        cotangent = draw(3, 4)
        gradients = derive(cotangent)
        report = check_gradients(dense, point, gradients, cotangent, step=1.0, tolerance=1e-10)
        assert report.agrees, str(report)


def test_cross_entropy_is_scipys_log_softmax_and_its_derivative_is_numerical():
    logits, labels = 3 * draw(6, 4), np.array([0, 3, 1, 1, 2, 0])
    with jax.enable_x64(True):
        value, gradient = jax.value_and_grad(softmax_cross_entropy)(logits, labels)
        expected = -log_softmax(logits, axis=1)[np.arange(6), labels].mean()
        np.testing.assert_allclose(value, expected, rtol=1e-14)
        loss = jax.jit(lambda logits: softmax_cross_entropy(logits, labels))
        report = check_gradients(loss, [logits], [gradient])
        assert report.agrees, str(report)


def test_cross_entropy_survives_logits_that_overflow_exp():
    logits = jnp.array([[1e4, 0.0], [-1e4, 0.0]])
    value, gradient = jax.value_and_grad(softmax_cross_entropy)(logits, jnp.array([0, 0]))
    assert value == 5000.0
    assert gradient.tolist() == [[0.0, 0.0], [-0.5, 0.5]]


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_that_is_no_class_makes_the_loss_nan(label):
    labels = jnp.array([0, label])
    assert jnp.isnan(jax.jit(softmax_cross_entropy)(jnp.ones((2, 3)), labels))


@pytest.fixture
def network():
    """A loss of every layer here, and the same with JAX's own functions."""
    labels = jnp.array([0, 2, 1])

    def ours(x, kernel, bias):
        return softmax_cross_entropy(dense(relu(flatten(x)), kernel, bias), labels)

    def theirs(x, kernel, bias):
        logits = jax.nn.relu(x.reshape(3, -1)) @ kernel + bias[None, :]
        return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(3), labels])

    arrays = [jnp.asarray(a, "float32") for a in (draw(3, 2, 2), draw(4, 3), draw(3))]
    return ours, theirs, arrays


def test_second_derivatives_are_jaxs_own(network):
    ours, theirs, arrays = network
    found, expected = (
        jax.jit(jax.hessian(function, (0, 1, 2)))(*arrays) for function in (ours, theirs)
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), found, expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_the_dtype_stays_under_jit_vmap_and_grad(network, dtype):
    ours, theirs, arrays = network
    expected = jax.grad(theirs, (0, 1, 2))(*arrays)
    with jax.enable_x64(dtype == "float64"):
        stacked = [jnp.stack([a, -a]).astype(dtype) for a in arrays]
        gradients = jax.jit(jax.vmap(jax.grad(ours, (0, 1, 2))))(*stacked)
        for found, exact in zip(gradients, expected, strict=True):
            assert found.dtype == jnp.dtype(dtype)
            np.testing.assert_allclose(found[0].astype("float32"), exact, atol=0.02)


ROWS, KERNEL = np.zeros((2, 3), "float32"), np.zeros((3, 4), "float32")
LABELS = np.zeros(2, int)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: relu(LABELS), TypeError, r"x must be floating, got int.*\(2,\); use x.astype"),
        (lambda: flatten(LABELS), TypeError, "x must be floating"),
        (lambda: flatten(np.float32(1)), ValueError, r"axes \(batch\), got shape \(\)"),
        (lambda: dense(ROWS, KERNEL.T), ValueError, r"x of shape \(2, 3\).*\(4, 3\).*in_feat"),
        (lambda: dense(ROWS, KERNEL, ROWS[0]), ValueError, r"bias of shape \(3,\).*\(3, 4\)"),
        (lambda: dense(ROWS[0], KERNEL), ValueError, r"axes \(batch, in_features\).*\(3,\)"),
        (lambda: dense(ROWS, KERNEL.astype(int)), TypeError, "kernel must be floating"),
        (lambda: dense(ROWS.astype("float16"), KERNEL), TypeError, "x float16.*cast them"),
        (
            lambda: dense(ROWS, KERNEL, np.zeros(4, "float16")),
            TypeError,
            r"dtypes differ: x float32\[2, 3\], bias float16\[4\]",
        ),
        (lambda: softmax_cross_entropy(KERNEL, ROWS[0]), TypeError, "labels must be integers"),
        (lambda: softmax_cross_entropy(KERNEL, LABELS), ValueError, r"\(2,\).*\(3, 4\): one label"),
        (lambda: softmax_cross_entropy(LABELS, LABELS), TypeError, "logits must be floating"),
        (lambda: softmax_cross_entropy(KERNEL[:0], LABELS[:0]), ValueError, "at least one row"),
    ],
)
def test_wrong_input_says_what_is_wrong(call, error, text):
    with pytest.raises(error, match=text):
        call()
