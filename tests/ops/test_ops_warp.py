"""Warping against SciPy's interpolation, its NumPy twin, JAX's own derivatives and differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from jnst.ops import check_gradients, warp
from jnst.reference import Warp

SIZES = [(5, 7), (6, 2), (1, 5), (4, 1), (1, 1)]


def draw(size, spread=2.0):
    """A picture, a flow of which many positions lie beyond the picture, and a cotangent."""
    rng = np.random.default_rng(3)
    x, cotangent = rng.standard_normal((2, 2, *size, 3))
    return x, spread * rng.standard_normal((2, *size, 2)), cotangent


def by_scipy(x, flow):
    rows, columns = np.indices(x.shape[1:3])
    planes = [
        map_coordinates(x[n, ..., k], [rows + flow[n, ..., 1], columns + flow[n, ..., 0]],
                        order=1, mode="nearest")
        for n in range(len(x)) for k in range(x.shape[-1])
    ]  # fmt: skip
    return np.moveaxis(np.reshape(planes, (len(x), -1, *x.shape[1:3])), 1, -1)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_value_is_scipys(size):
    x, flow, _ = draw(size)
    with jax.enable_x64(True):
        np.testing.assert_allclose(warp(x, flow), by_scipy(x, flow), atol=1e-12)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_derivatives_are_the_twins_and_numerical(size):
    x, flow, cotangent = draw(size)
    with jax.enable_x64(True):
        y, pull_back = jax.jit(lambda *arrays: jax.vjp(warp, *arrays))(x, flow)
        by_hand = pull_back(cotangent)
        report = check_gradients(
            lambda *arrays: np.asarray(warp(*arrays)), [x, flow], by_hand, cotangent,
            names=["x", "flow"],
        )  # fmt: skip
    assert report.agrees, str(report)
    twin = Warp()
    np.testing.assert_allclose(twin.forward(x, flow), y, atol=1e-12)
    np.testing.assert_allclose(twin.backward(cotangent), by_hand[0], atol=1e-12)
    np.testing.assert_allclose(twin.flow_gradient, by_hand[1], atol=1e-12)


def test_at_whole_positions_the_slope_is_that_of_the_next_cell():
    x = np.array([0.0, 1.0, 3.0, 7.0]).reshape(1, 1, 4, 1)
    flow, ones = np.zeros((1, 1, 4, 2)), np.ones((1, 1, 4, 1))
    with jax.enable_x64(True):
        _, pull_back = jax.vjp(warp, x, flow)
        slopes = np.asarray(pull_back(jnp.asarray(ones))[1][..., 0])
    # The last pixel has no next cell.
    assert slopes.ravel().tolist() == [1.0, 2.0, 4.0, 4.0]
    twin = Warp()
    twin.forward(x, flow)
    twin.backward(ones)
    assert twin.flow_gradient[..., 0].ravel().tolist() == [1.0, 2.0, 4.0, 4.0]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_results_and_derivatives_keep_the_dtype(dtype):
    x, flow, _ = (jnp.asarray(array, dtype) for array in draw((4, 5)))
    y, pull_back = jax.vjp(warp, x, flow)
    assert {y.dtype, *(part.dtype for part in pull_back(y))} == {jnp.dtype(dtype)}


def test_bad_arguments_are_refused():
    x, flow = np.zeros((1, 4, 5, 3), np.float32), np.zeros((1, 4, 5, 2), np.float32)
    with pytest.raises(ValueError, match=r"flow has shape \(1, 4, 4, 2\) .*give \(1, 4, 5, 2\)"):
        warp(x, flow[:, :, :4])
    with pytest.raises(TypeError, match="flow"):
        warp(x, flow.astype(int))
