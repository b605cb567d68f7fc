"""The quick measurement: its order and its seconds by a fake clock, and what it times."""

import math
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jnst.network import timings
from jnst.network.timings import DIRECTIONS, Shape, checked, shapes, time_shape
from jnst.ops import conv2d, relu


class Machine:
    """A clock, and comparisons that take time on it: once, and by operation."""

    def __init__(self, once, flops):
        self.now, self.once, self.flops = 100.0, once, flops
        self.done = []

    def clock(self):
        return self.now

    def compare(self, shape, tile, precision, end, clock):
        assert clock() < end == 105.0
        self.done.append((shape, tile))
        call = shape.operations / self.flops
        self.now += self.once + 4 * timings._CALLS * call
        # Each time a little faster than the time before.
        return {
            direction: {"direct": [call - len(self.done) * 1e-9, 0.1], str(tile): [call, 0.5]}
            for direction in DIRECTIONS
        }


def measure(machine, precision="float32"):
    return timings.measure(precision, clock=machine.clock, compare=machine.compare)


def test_a_fast_machine_measures_every_shape_with_small_tiles_first():
    machine = Machine(0.1, 1e13)
    rows = measure(machine)
    assert machine.done[:7] == [(shape, 4) for shape in shapes()]
    # All but the one from 512 to 512 channels, which may not be chosen.
    assert machine.done[7:] == [(shape, 6) for shape in shapes()[1:]]
    assert [Shape(row["wide"], row["deep"], row["side"]) for row in rows] == shapes()
    for row in rows:
        assert checked(row) == row
        assert {*row["back"]} >= {"direct", "4"}
    # Of what is measured twice the least counts.
    call = rows[2]["forward"]["6"][0]
    assert rows[2]["forward"]["direct"][0] == pytest.approx(call - 9e-9, abs=1e-15)
    assert sum(row["wide"] == row["deep"] for row in rows) == 4


def test_of_bfloat16_only_what_keeps_its_digits():
    machine = Machine(0.1, 1e13)
    measure(machine, "bfloat16")
    assert {tile for _, tile in machine.done} == {4}


@pytest.mark.parametrize(("once", "flops"), [*product((0.1, 1.0, 2.4), (1e11, 4e11, 1e12))])
def test_no_more_than_the_seconds_are_taken(once, flops):
    machine = Machine(once, flops)
    rows = measure(machine)
    assert machine.now <= 105.0
    assert 1 <= len(rows) <= len(machine.done) <= 13
    assert machine.done[0] == (shapes()[0], 4)


def test_after_a_first_comparison_that_takes_too_long_there_is_no_second():
    machine = Machine(3.0, 1e10)
    assert len(measure(machine)) == len(machine.done) == 1


def test_calls_end_with_the_seconds():
    shape, asked = Shape(8, 4, 10), []
    found = time_shape(shape, 4, "float32", 2.0, lambda: asked.append(0) or 1.0 + len(asked))
    assert len(asked) == 2
    assert checked({**shape._asdict(), **found})


def test_what_is_timed_is_a_convolution_and_its_derivative():
    shape = Shape(3, 2, 8)
    for algorithm, precision in product(("direct", "4", "6"), ("float32", "bfloat16")):
        x, y, cotangent, weights, bias = timings._arguments(shape, algorithm, precision)
        assert {a.dtype for a in jax.tree.leaves(weights)} == {jnp.dtype(precision)}
        assert timings.forward(x, y, cotangent, weights, bias).shape == y.shape
        assert timings.back(x, y, cotangent, weights, bias).shape == x.shape
    x, y, cotangent, kernel, bias = (
        jnp.asarray(np.random.default_rng(0).standard_normal(a.shape), jnp.float32)
        for a in timings._arguments(shape, "direct", "float32")
    )
    value, pull = jax.vjp(lambda x: relu(conv2d(x, kernel, bias)), x)
    np.testing.assert_allclose(timings.forward(x, y, cotangent, kernel, bias), value, atol=1e-5)
    by_x = timings.back(x, value, cotangent, kernel, bias)
    np.testing.assert_allclose(by_x, pull(cotangent)[0], atol=1e-5)


def test_a_trial_of_a_small_shape_gives_finite_seconds():
    found = time_shape(Shape(8, 8, 12), 6, "bfloat16", math.inf, lambda: 0.0)
    assert {direction: list(times) for direction, times in found.items()} == {
        direction: ["direct", "6"] for direction in DIRECTIONS
    }
