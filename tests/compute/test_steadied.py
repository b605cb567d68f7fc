"""The objective of a frame: that of a still picture plus the temporal loss, in every engine."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jnst
from jnst.compute import Canvas, Scene, Tiled, Whole, make_problem
from jnst.losses.temporal import TemporalTarget, temporal_loss
from jnst.optimize.steps import Evaluator

CONFIG = jnst.Config(size=160, content_layers=("relu1_2",), style_layers=("relu1_1", "relu2_1"))
RNG = np.random.default_rng(1)
CONTENT, WARPED, IMAGE, OTHER = RNG.random((4, 24, 160, 3), np.float32)
STYLE = RNG.random((40, 50, 3), np.float32)
TARGET = TemporalTarget(
    jnp.asarray(WARPED), jnp.asarray(RNG.random((24, 160, 1), np.float32)), jnp.float32(30)
)


def value_and_gradient(problem, image):
    if isinstance(problem.objective, Evaluator):
        return problem.objective.value_and_gradient(image, *problem.arguments)
    return jax.value_and_grad(problem.objective, has_aux=True)(image, *problem.arguments)


@pytest.mark.parametrize("engine", [Whole(), Tiled(128)], ids=["whole", "tiled"])
def test_the_temporal_loss_is_added_and_the_still_picture_keeps_its_program(engine):
    params, scene = jnst.load_weights("vgg16"), Scene(CONTENT, [STYLE])
    still = make_problem(engine, Canvas(), params, scene, CONFIG, 1)
    frame = make_problem(engine, Canvas(), params, scene, CONFIG, 1, None, TARGET)
    image = jnp.asarray(IMAGE)
    (total, terms), gradient = value_and_gradient(still, image)
    (steady, steady_terms), steady_gradient = value_and_gradient(frame, image)
    added, by_image = jax.value_and_grad(temporal_loss)(image, TARGET)
    np.testing.assert_allclose(steady, total + added, rtol=1e-6)
    np.testing.assert_allclose(steady_gradient, gradient + by_image, atol=1e-7)
    assert steady_terms.total == steady
    assert (steady_terms.style, steady_terms.content) == (terms.style, terms.content)
    if isinstance(engine, Whole):
        assert still.objective is jnst.objective
        assert len(still.arguments) == 3


@pytest.mark.parametrize("engine", [Whole(), Tiled(128)], ids=["whole", "tiled"])
def test_another_frame_changes_the_content_alone(engine):
    params, scene = jnst.load_weights("vgg16"), Scene(CONTENT, [STYLE])
    first = make_problem(engine, Canvas(), params, scene, CONFIG, 1, None, TARGET)
    moved = first.with_frame(scene._replace(content=OTHER), TARGET)
    made = make_problem(
        engine, Canvas(), params, scene._replace(content=OTHER), CONFIG, 1, None, TARGET
    )
    for found, expected in zip(
        jax.tree.leaves(moved.arguments), jax.tree.leaves(made.arguments), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
