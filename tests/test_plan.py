"""The planner's choices, and that none of them changes what the network computes."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jnst
from jnst import plan
from jnst.architecture import CONVOLUTIONS
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
    def largest(wide, deep, height, width, precision):
        # One layer of each block: benchmarks/step.py tells the same of all of them.
        tile = 4 if precision == "bfloat16" or wide < 128 else 6
        return tile if deep != wide or wide == 64 else 0

    monkeypatch.setattr(plan, "fastest", largest)
    with jax.enable_x64(True):
        exact, direction = evaluate(params, 64, None, jnp.float64)
    value, gradient = evaluate(params, 64, "float32")
    assert value == pytest.approx(exact, rel=1e-4)
    assert cosine(gradient, direction) > 0.99999
    value, gradient = evaluate(params, 64, "bfloat16")
    assert value == pytest.approx(exact, rel=1e-2)
    assert cosine(gradient, direction) > 0.99


def kinds(params):
    return {name: "transformed" in layer for name, layer in params.layers.items()}


def test_work_decides(params):
    large, small = kinds(prepare(params, 512, 512)), kinds(prepare(params, 48, 48))
    assert not large["conv1_1"]  # three channels
    assert large["conv1_2"]
    assert large["conv4_2"]
    assert not any(small.values())
    behind = kinds(prepare(params, 512, 512, layers=["relu3_1", "relu2_2"]))
    assert [name for name, on in behind.items() if on] == [
        "conv1_2",
        "conv2_1",
        "conv2_2",
        "conv3_1",
    ]


def table_of(seconds, compilation):
    """A table with one row of 64 pixels a side for each shape of the network."""
    rows = [
        {"wide": wide, "deep": deep, "side": 64, "seconds": seconds, "compile": compilation}
        for _, wide, deep in CONVOLUTIONS["vgg16"]
    ]
    return {"x86_64 avx2": {"float32": rows, "bfloat16": rows}}


def test_the_fastest_by_the_table_is_chosen_with_its_compilation(monkeypatch):
    seconds = {"direct": 0.09, "2": 0.08, "4": 0.04, "6": 0.036}
    compilation = {"direct": 0.1, "2": 0.5, "4": 0.7, "6": 0.8}
    monkeypatch.setattr(plan, "_table", lambda: table_of(seconds, compilation))
    monkeypatch.setattr(plan, "processor_kind", lambda: "unheard of")
    # 64 pixels are 16 tiles of 4 and 11 of 6, which are 66; 60 pixels are 15 and 10. The larger
    # tile must take nine tenths of the time at most.
    assert plan.fastest(128, 128, 64, 64) == 4
    assert plan.fastest(128, 128, 60, 60) == 6
    # 200 steps of 0.0035 s are not worth 0.85 s of compilation.
    assert plan.fastest(512, 512, 60, 60) == 4  # for its kernels
    assert plan.fastest(128, 128, 60, 60, "bfloat16") == 4  # for its digits
    seconds["direct"] = 0.0435
    assert plan.fastest(128, 128, 64, 64) == 4
    compilation["4"], compilation["6"] = 0.95, 1.0
    assert plan.fastest(128, 128, 64, 64) == 0
    # So little work stays direct, whatever the table says.
    seconds["4"] = 0.0
    assert plan.fastest(128, 128, 64, 64) == 4
    assert plan.fastest(128, 128, 48, 48) == 0
    assert plan.expected_seconds(64, 64, 128, 32)["6"] == (
        pytest.approx(0.036 * 132 * 36 / 66**2),
        1.0,
    )


def test_the_table_knows_every_layer_and_never_chooses_what_is_slower():
    for kind, precisions in plan._table().items():
        for precision in ("float32", "bfloat16"):
            rows = {(row["wide"], row["deep"]) for row in precisions[precision]}
            assert rows == {shape[1:] for shape in CONVOLUTIONS["vgg19"][1:]}, kind
            for row in precisions[precision]:
                shape = (row["wide"], row["deep"], row["side"], row["side"], precision)
                chosen = str(plan.fastest(*shape) or "direct")
                expected = plan.expected_seconds(*shape)
                assert expected[chosen][0] <= expected["direct"][0]


def test_the_announced_time_knows_the_plan(params):
    tiles = plan.winograd_tiles("vgg16", 512, 512, layers=["relu4_2"])
    assert set(tiles) == {name for name, *_ in CONVOLUTIONS["vgg16"][1:9]}
    assert 0.2 < plan.share_of_direct("vgg16", 512, 512, "float32", ["relu4_2"]) < 0.8
    assert plan.share_of_direct("vgg16", 512, 512, "float32", ["relu1_1"]) == 1.0


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
