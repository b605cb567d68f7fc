"""The planner's choices, and that none of them changes what the network computes."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jnst
from jnst.images import read_image, resize
from jnst.network import algorithms, prepare, timings
from jnst.network.architecture import CONVOLUTIONS
from jnst.network.preparation import prepare_once

CONFIG = jnst.preset("neural-style-pt")
PICTURES = Path(__file__).parents[2] / "examples" / "images"


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
        # Some layers: benchmarks/step.py tells the same of all of them.
        tile = 4 if precision == "bfloat16" or wide < 128 else 6
        passes = {64: (tile, tile), 128: (0, tile), 256: (tile, 0), 512: (0, 0)}
        return algorithms.Tiles(*passes[wide])

    monkeypatch.setattr(algorithms, "fastest", largest)
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


def test_a_single_evaluation_is_direct_and_in_the_precision(params):
    once = prepare_once(params, "bfloat16")
    assert once.precision == "bfloat16"
    assert not any(kinds(once).values())
    dtypes = {name: layer["kernel"].dtype for name, layer in once.layers.items()}
    assert dtypes.pop("conv1_1") == jnp.float32
    assert set(dtypes.values()) == {jnp.dtype(jnp.bfloat16)}
    with pytest.raises(ValueError, match="unknown precision 'half': choose one of"):
        prepare_once(params, "half")


def table_of(forward, back):
    """A table with one row of 64 pixels a side for each shape of the network."""
    rows = [
        {"wide": wide, "deep": deep, "side": 64, "forward": forward, "back": back}
        for _, wide, deep in CONVOLUTIONS["vgg16"]
    ]
    return {"x86_64 AuthenticAMD avx2": {"float32": rows, "bfloat16": rows}}


@pytest.fixture
def times(monkeypatch):
    """The seconds of the value and of the derivative in a table that a test changes."""
    found = [{"direct": [0.09, 0.1], "4": [0.04, 0.7], "6": [0.036, 0.8]} for _ in range(2)]
    monkeypatch.setattr(timings, "_table", lambda: table_of(*found))
    return found


def test_the_fastest_by_the_table_is_chosen_with_its_compilation(times):
    fastest = algorithms.fastest
    # 64 pixels are 16 tiles of 4 and 11 of 6, which are 66; 60 pixels are 15 and 10. The larger
    # tile must take nine tenths of the time at most.
    assert fastest(128, 128, 64, 64) == (4, 4)
    assert fastest(128, 128, 60, 60) == (6, 6)
    assert fastest(512, 512, 60, 60) == (4, 4)  # for its kernels
    assert fastest(128, 128, 60, 60, "bfloat16") == (4, 4)  # for its digits
    # 200 steps of 0.006 s are not worth 1.3 s of compilation.
    for passes in times:
        passes["direct"][0] = 0.046
        passes["6"][0] = 1.0
    assert fastest(128, 128, 64, 64) == (4, 4)
    for passes in times:
        passes["4"][1] = 1.4
    assert fastest(128, 128, 64, 64) == (0, 0)
    # So little work stays direct, whatever the table says.
    for passes in times:
        passes["4"][0] = 0.0
    assert fastest(128, 128, 64, 64) == (4, 4)
    assert fastest(128, 128, 48, 48) == (0, 0)
    assert algorithms.expected_seconds(64, 64, 128, 32)[0][6] == (
        pytest.approx(132 * 36 / 66**2),
        0.8,
    )


def test_value_and_derivative_are_chosen_apart(times):
    fastest, (forward, back) = algorithms.fastest, times
    forward["4"][0] = forward["6"][0] = 0.095
    assert fastest(128, 128, 64, 64) == (0, 4)
    # Less than the direct convolution, but by what another day may take back.
    forward["4"][0] = 0.085
    assert fastest(128, 128, 64, 64) == (0, 4)
    forward["4"][0], back["4"][0], back["6"][0] = 0.03, 0.1, 0.2
    assert fastest(128, 128, 64, 64) == (4, 0)


def test_two_sets_of_kernels_must_pay(times):
    fastest, (forward, back) = algorithms.fastest, times
    forward["4"][0], back["6"][0] = 0.02, 0.03
    # 0.05 and 0.056 s are against 0.06.
    assert fastest(128, 128, 60, 60) == (4, 4)
    back["6"][0] = 0.02
    assert fastest(128, 128, 60, 60) == (4, 6)
    # Both together would take 52 MB.
    assert fastest(256, 512, 60, 60) == (4, 4)
    assert fastest(128, 128, 60, 60, "bfloat16") == (4, 4)
    assert algorithms.Tiles(4, 6).kernel_numbers == 36 + 64
    assert algorithms.Tiles(4, 4).kernel_numbers == algorithms.Tiles(0, 4).kernel_numbers == 36


def test_what_was_not_measured_stays_direct(monkeypatch):
    monkeypatch.setattr(timings, "rows", lambda precision: [])
    assert algorithms.winograd_tiles("vgg19", 512, 512) == {}
    assert algorithms.share_of_direct("vgg19", 512, 512, "float32", ["relu4_1"]) == 1.0


def test_the_table_knows_every_layer_and_never_chooses_what_is_slower():
    for kind, precisions in timings._table().items():
        for precision in ("float32", "bfloat16"):
            rows = {(row["wide"], row["deep"]) for row in precisions[precision]}
            assert rows == {shape[1:] for shape in CONVOLUTIONS["vgg19"][1:]}, kind
            for row in precisions[precision]:
                shape = (row["wide"], row["deep"], row["side"], row["side"], precision)
                expected = algorithms.expected_seconds(*shape)
                for seconds, tile in zip(expected, algorithms.fastest(*shape), strict=True):
                    assert seconds[tile][0] <= seconds[0][0]


def test_the_announced_time_knows_the_plan():
    tiles = algorithms.winograd_tiles("vgg16", 512, 512, layers=["relu4_2"])
    assert set(tiles) == {name for name, *_ in CONVOLUTIONS["vgg16"][1:9]}
    share = algorithms.share_of_direct
    assert 0.2 < share("vgg16", 512, 512, "float32", ["relu4_2"]) < 0.8
    assert share("vgg16", 512, 512, "float32", ["relu1_1"]) == 1.0


@pytest.mark.parametrize("tiles", [(0, 4), (4, 0), (4, 6)])
def test_a_network_with_two_ways_gives_the_value_and_gradient_of_the_plain_one(
    params, monkeypatch, tiles
):
    monkeypatch.setattr(algorithms, "fastest", lambda *_: algorithms.Tiles(*tiles))
    ready = prepare(params, 32, 32)
    assert set(ready.layers["conv2_1"]) == {
        *("back", "bias"),
        "transformed" if tiles[0] else "kernel",
    }
    image = pictures(32)[0]

    def energy(image, params):
        return jnp.sum(jnst.features(params, image, ["relu2_2"])["relu2_2"] ** 2)

    (value, gradient), (expected, direction) = (
        jax.jit(jax.value_and_grad(energy))(image, each) for each in (ready, params)
    )
    np.testing.assert_allclose(value, expected, rtol=1e-4)
    assert cosine(gradient, direction) > 0.99999
    # By windows the same, where value and derivative are asked for apart.
    config = jnst.Config(style_layers=("relu2_1",), content_layers=("relu2_2",))
    found = []
    for each in (ready, params):
        targets = jnst.make_targets(each, image, [image[::-1]], config)
        arguments = (image, each, targets, jnst.loss_weights(config))
        found.append(jnst.tiles.value_and_gradient(*arguments, tile=128)[1])
    assert cosine(*map(np.asarray, found)) > 0.99999


def test_a_network_of_two_ways_can_be_prepared_again(params, monkeypatch):
    for tiles in ((0, 4), (4, 0)):
        monkeypatch.setattr(algorithms, "fastest", lambda *_, t=tiles: algorithms.Tiles(*t))
        ready = prepare(params, 32, 32)
        monkeypatch.setattr(algorithms, "fastest", lambda *_: algorithms.DIRECT)
        again = prepare(ready, 32, 32).layers["conv3_1"]
        assert set(again) == {"bias", "kernel"}
        assert again["kernel"] is params.layers["conv3_1"]["kernel"]


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
