"""The planner's choices, and that none of them changes what the network computes."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jnst
from jnst import plan
from jnst.images import read_image, resize
from jnst.plan import prepare

CONFIG = jnst.preset("neural-style-pt")
PICTURES = Path(__file__).parent.parent / "examples" / "images"


@pytest.fixture(scope="module")
def params():
    return jnst.load_weights("vgg16")


def pictures(size):
    content = resize(read_image(PICTURES / "astronaut.jpg").pixels, size, size)
    style = resize(read_image(PICTURES / "nocturne.jpg").pixels, size, size)
    noise = np.random.default_rng(0).standard_normal(content.shape, np.float32)
    return jnp.asarray(content), jnp.asarray(style), jnp.asarray(content + 0.1 * noise)


def evaluate(params, size, precision, dtype=jnp.float32):
    content, style, image = (picture.astype(dtype) for picture in pictures(size))
    ready = params if precision is None else prepare(params, size, size, precision)
    ready = jax.tree.map(lambda a: a.astype(dtype), ready) if dtype == jnp.float64 else ready
    targets = jnst.make_targets(ready, content, [style], CONFIG)
    step = jax.jit(jax.value_and_grad(jnst.objective, has_aux=True))
    (value, _), gradient = step(image, ready, targets, jnst.loss_weights(CONFIG))
    return float(value), np.asarray(gradient, np.float64)


def cosine(a, b):
    return np.vdot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b))


@pytest.mark.slow
def test_objective_and_gradient_of_each_precision_against_float64(params, monkeypatch):
    monkeypatch.setattr(plan, "_LEAST_OPERATIONS", 0.0)
    with jax.enable_x64(True):
        exact, direction = evaluate(params, 128, None, jnp.float64)
    value, gradient = evaluate(params, 128, "float32")
    assert value == pytest.approx(exact, rel=1e-4)
    assert cosine(gradient, direction) > 0.99999
    value, gradient = evaluate(params, 128, "bfloat16")
    assert value == pytest.approx(exact, rel=1e-2)
    assert cosine(gradient, direction) > 0.99


def kinds(params):
    return {name: "transformed" in layer for name, layer in params.layers.items()}


def test_work_decides(params):
    large, small = kinds(prepare(params, 512, 512)), kinds(prepare(params, 48, 48))
    assert not large["conv1_1"]  # three channels
    assert all(on for name, on in large.items() if name != "conv1_1")
    assert not any(small.values())
    behind = kinds(prepare(params, 512, 512, layers=["relu3_1", "relu2_2"]))
    assert [name for name, on in behind.items() if on] == [
        "conv1_2",
        "conv2_1",
        "conv2_2",
        "conv3_1",
    ]


def test_a_prepared_network_keeps_its_name_and_can_be_prepared_again(params):
    ready = prepare(params, 512, 512)
    assert (ready.network, ready.name, ready.sha256) == (params.network, params.name, params.sha256)
    assert kinds(prepare(ready, 512, 512)) == kinds(ready)
    assert kinds(params)["conv3_1"] is False


def test_bfloat16_leaves_the_first_layer_and_the_biases(params):
    ready = prepare(params, 512, 512, "bfloat16").layers
    assert ready["conv1_1"]["kernel"].dtype == jnp.float32
    assert ready["conv2_1"]["transformed"][0].dtype == jnp.bfloat16
    assert ready["conv2_1"]["bias"].dtype == jnp.float32


def test_an_unknown_precision_is_refused(params):
    with pytest.raises(ValueError, match="unknown precision 'half': choose one of float32, bf"):
        prepare(params, 64, 64, "half")
    with pytest.raises(ValueError, match="unknown precision 'bfloat61'; did you mean 'bfloat16'"):
        jnst.Config(precision="bfloat61")


def test_each_precision_is_named_to_the_compiler(params):
    def program(precision):
        ready = prepare(params, 32, 32, precision)
        image = jnp.zeros((32, 32, 3))
        step = jax.grad(lambda image: jnst.features(ready, image, ["relu2_1"])["relu2_1"].sum())
        return jax.jit(step).lower(image).as_text()

    # Forward and derivative of three convolutions, two operands each; XLA calls TF32 "high".
    for precision, name in (("float32", "HIGHEST"), ("tf32", "HIGH"), ("bfloat16", "HIGHEST")):
        assert program(precision).count(f"#stablehlo<precision {name}>") == 12
    assert "bf16" in program("bfloat16")
    assert "bf16" not in program("tf32")


@pytest.mark.slow
def test_a_run_in_bfloat16_ends_near_one_in_float32(params):
    content, style, _ = pictures(48)
    ends = []
    for precision in ("float32", "bfloat16"):
        config = jnst.Config(size=48, scales=(1.0,), steps=(30,), precision=precision)
        ends.append(jnst.stylize(params, content, style, config).history.total)
    full, half = ends
    assert half[-1] != full[-1]
    assert half[-1] - full[-1] < 0.05 * (full[1] - full[-1])
