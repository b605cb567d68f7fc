"""The network against a float64 oracle on real weights, its tables, its errors, its size."""

import re
from collections import Counter

import jax
import jax.extend.core
import jax.numpy as jnp
import numpy as np
import oracle_vgg
import pytest

from jnst.network import Params, features
from jnst.network.architecture import CONVOLUTIONS, LAYERS, smallest_side
from jnst.network.preprocessing import CAFFE, TORCHVISION, preprocess
from jnst.network.vgg import VGG


def random_image(height, width, seed=0):
    # Smooth and coloured, so that activations are neither noise nor constant.
    y, x = np.mgrid[0:height, 0:width][..., None] / max(height, width)
    waves = np.sin(6 * x + np.array([0, 2, 4])) * np.cos(5 * y * np.array([1, 2, 3]))
    noise = np.random.default_rng(seed).random((height, width, 3))
    return (0.5 + 0.35 * waves * noise).astype(np.float32)


def by_hand(image, preprocessing):
    pixels = np.asarray(image, np.float64)
    if preprocessing is CAFFE:
        return 255 * pixels[..., ::-1] - np.array([103.939, 116.779, 123.68])
    return (pixels - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])


def assert_same_maps(found, expected):
    for name, values in found.items():
        assert values.shape == expected[name].shape, name
        scale = np.abs(expected[name]).max()
        assert scale > 0, name
        np.testing.assert_allclose(values, expected[name], rtol=0, atol=2e-5 * scale, err_msg=name)


def test_every_layer_of_vgg16_with_its_real_weights(params):
    image = random_image(35, 33)
    found = jax.jit(lambda p, x: features(p, x, LAYERS["vgg16"]))(params, image)
    expected = oracle_vgg.forward("vgg16", params.layers, by_hand(image, CAFFE), "pool5")
    assert set(found) == set(LAYERS["vgg16"])
    assert_same_maps(found, expected)


@pytest.mark.parametrize("pooling", ["max", "average", "l2"])
def test_pooling(params, pooling):
    image = random_image(22, 19)
    layers = ("pool1", "relu4_1", "pool2", "conv3_2")
    found = jax.jit(lambda p, x: features(p, x, layers, pooling=pooling))(params, image)
    expected = oracle_vgg.forward("vgg16", params.layers, by_hand(image, CAFFE), "relu4_1", pooling)
    assert set(found) == set(layers)
    assert_same_maps(found, expected)


@pytest.mark.parametrize(("padding", "mode"), [("replicate", "edge"), ("reflect", "reflect")])
def test_padding_of_the_first_convolution(params, padding, mode):
    image = np.random.default_rng(4).random((5, 7, 3), np.float32)
    around = np.pad(by_hand(image, CAFFE), ((1, 1), (1, 1), (0, 0)), mode=mode)
    kernel, bias = (np.asarray(params.layers["conv1_1"][n], np.float64) for n in ("kernel", "bias"))
    taps = ((around[i : i + 5, j : j + 7], kernel[i, j]) for i in range(3) for j in range(3))
    expected = sum(pixels @ tap for pixels, tap in taps) + bias
    maps = features(params, jnp.asarray(image), ["conv1_1", "conv1_2"], padding=padding)
    atol = 1e-5 * np.abs(expected).max()
    np.testing.assert_allclose(maps["conv1_1"], expected, rtol=0, atol=atol)
    # The next layer pads with zeros again.
    plain = features(params, jnp.asarray(image), ["conv1_2"])["conv1_2"]
    np.testing.assert_allclose(maps["conv1_2"][2:-2, 2:-2], plain[2:-2, 2:-2], rtol=1e-5, atol=1e-2)
    assert float(jnp.abs(maps["conv1_2"] - plain)[0].max()) > 1


@pytest.mark.parametrize("pooling", ["max", "average", "l2", "average-rescaled", "l2-rescaled"])
def test_gradient_by_the_image(params, pooling):
    image = random_image(11, 14)
    layers = ("relu1_2", "relu3_1")

    def total(x):
        maps = features(params, x, layers, pooling=pooling)
        return 1e-4 * sum(jnp.sum(jnp.square(m)) for m in maps.values())

    tape = oracle_vgg.forward("vgg16", params.layers, by_hand(image, CAFFE), "relu3_1", pooling)
    cotangents = {name: 2e-4 * tape[name] for name in layers}
    flow = oracle_vgg.backward("vgg16", params.layers, tape, cotangents, pooling)
    expected = 255 * flow[..., ::-1]
    gradient = jax.jit(jax.grad(total))(image)
    assert np.linalg.norm(gradient - expected) < 1e-4 * np.linalg.norm(expected)


def test_the_oracle_backward_agrees_with_its_forward():
    layers = oracle_vgg.random_layers("vgg16", 1)
    rng = np.random.default_rng(2)
    x, direction = rng.standard_normal((2, 7, 6, 3))
    for pooling in ("max", "average", "l2", "l2-rescaled"):
        tape = oracle_vgg.forward("vgg16", layers, x, "relu3_1", pooling)
        cotangents = {n: rng.standard_normal(tape[n].shape) for n in ("relu3_1", "relu1_1")}

        def along(t, pooling=pooling, cotangents=cotangents):
            moved = oracle_vgg.forward("vgg16", layers, x + t * direction, "relu3_1", pooling)
            return sum(np.vdot(moved[n], c) for n, c in cotangents.items())

        slope = np.vdot(oracle_vgg.backward("vgg16", layers, tape, cotangents, pooling), direction)
        assert (along(1e-6) - along(-1e-6)) / 2e-6 == pytest.approx(slope, rel=1e-6)


def test_vgg19_and_torchvision_preprocessing():
    layers = oracle_vgg.random_layers("vgg19", 3)
    params = Params(jax.tree.map(jnp.asarray, layers), "vgg19", TORCHVISION)
    image = random_image(18, 17)
    wanted = ("relu1_1", "conv3_4", "relu4_4", "relu5_1")
    found = jax.jit(lambda p, x: features(p, x, wanted))(params, image)
    expected = oracle_vgg.forward("vgg19", layers, by_hand(image, TORCHVISION), "relu5_1")
    assert_same_maps(found, expected)


@pytest.mark.parametrize("family", [CAFFE, TORCHVISION])
def test_preprocessing(family):
    image = random_image(5, 4)
    np.testing.assert_allclose(
        preprocess(jnp.asarray(image), family), by_hand(image, family), rtol=1e-5, atol=1e-4
    )
    mean = jnp.broadcast_to(jnp.asarray(family.mean_color), (1, 1, 3))
    np.testing.assert_allclose(preprocess(mean, family), 0, atol=1e-4)


@pytest.mark.parametrize(
    ("network", "convolutions", "weights"),
    [
        ("vgg16", 13, 14_714_688),
        ("vgg19", 16, 20_024_384),
    ],
)
def test_tables(network, convolutions, weights):
    assert list(LAYERS[network]) == list(oracle_vgg.names(network))
    table = CONVOLUTIONS[network]
    assert [name for name, _, _ in table] == [n for n in LAYERS[network] if n.startswith("conv")]
    assert len(table) == convolutions
    assert sum(9 * i * o + o for _, i, o in table) == weights
    widths = [int(w) for w in oracle_vgg.COLUMNS[network].split() if w != "M"]
    assert [(i, o) for _, i, o in table] == list(zip([3, *widths], widths, strict=False))


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
def test_flax_asks_for_the_parameters_of_the_table(network):
    module = VGG(network, ("pool5",))
    tree = jax.eval_shape(module.init, jax.random.key(0), jnp.zeros((1, 32, 32, 3)))["params"]
    found = {name: (p["kernel"].shape, p["bias"].shape) for name, p in tree.items()}
    assert found == {name: ((3, 3, i, o), (o,)) for name, i, o in CONVOLUTIONS[network]}


def test_a_wrong_kernel_shape_is_refused(params):
    layers = {**params.layers, "conv1_1": {**params.layers["conv1_1"], "bias": jnp.zeros(3)}}
    wrong = Params(layers, "vgg16", CAFFE)
    with pytest.raises(Exception, match="bias"):
        features(wrong, jnp.zeros((4, 4, 3)), ["relu1_1"])


def test_smallest_side_is_the_smallest(params):
    for layer, side in {"relu1_2": 1, "pool1": 2, "relu3_1": 4, "relu5_1": 16, "pool5": 32}.items():
        assert smallest_side("vgg16", [layer, "relu1_1"]) == side
        shape = jax.eval_shape(
            lambda x, layer=layer: features(params, x, [layer])[layer], jnp.zeros((side, side, 3))
        ).shape
        assert shape[:2] == (1, 1)
        if side > 1:
            with pytest.raises(ValueError, match=f"of {side}x{side - 1} is too small.*{side} pix"):
                features(params, jnp.zeros((side - 1, side, 3)), [layer])


def test_errors_say_what_to_do(params):
    image = jnp.zeros((16, 16, 3))
    with pytest.raises(ValueError, match="vgg16 has no layer 'relu4-2'; did you mean 'relu4_2'"):
        features(params, image, ["relu4-2"])
    with pytest.raises(ValueError, match=r"no layer 'zzz'; it has conv1_1, .*pool5"):
        features(params, image, ["zzz"])
    with pytest.raises(ValueError, match="no layer 'relu3_4'"):
        features(params, image, ["relu3_4"])
    with pytest.raises(
        ValueError, match="unknown pooling 'mean': choose one of max, average, l2, a"
    ):
        features(params, image, ["relu1_1"], pooling="mean")
    with pytest.raises(
        ValueError, match=r"shape \(1, 16, 16, 3\): an image is \[height, width, 3\]"
    ):
        features(params, image[None], ["relu1_1"])
    with pytest.raises(ValueError, match=r"image has shape \(16, 16, 4\)"):
        features(params, jnp.zeros((16, 16, 4)), ["relu1_1"])
    with pytest.raises(ValueError, match="unknown network 'vgg11': choose one of vgg16, vgg19"):
        features(Params({}, "vgg11", CAFFE), image, ["relu1_1"])
    assert features(params, image, []) == {}


def test_one_image_is_the_unit_and_vmap_makes_batches(params):
    images = jnp.stack([random_image(6, 5, seed) for seed in range(3)])

    @jax.jit
    def relu2_1(x):
        return features(params, x, ["relu2_1"])["relu2_1"]

    together = jax.vmap(relu2_1)(images)
    alone = jnp.stack([relu2_1(x) for x in images])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-3)


def primitives(jaxpr):
    """Counts the primitives of a jaxpr and of every jaxpr inside it."""
    count = Counter()
    for equation in jaxpr.eqns:
        count[equation.primitive.name] += 1
        for inner in jax.extend.core.jaxprs_in_params(equation.params):
            count += primitives(inner)
    return count


@pytest.mark.parametrize(
    ("layers", "needed"),
    [
        (("conv1_1",), 1),
        (("relu2_1", "relu1_1"), 3),
        (("pool2", "relu4_2"), 9),
        (("relu5_3",), 13),
    ],
)
def test_the_network_ends_at_the_deepest_layer(params, layers, needed):
    jaxpr = jax.make_jaxpr(lambda x: features(params, x, layers))(jnp.zeros((32, 32, 3)))
    assert primitives(jaxpr.jaxpr)["conv_general_dilated"] == needed


def test_the_compiled_gradient_has_no_kernel_derivatives(params):
    def total(x, params):
        return jnp.sum(features(params, x, ["relu2_1"])["relu2_1"])

    image = jnp.asarray(random_image(12, 12))
    program = jax.jit(jax.grad(total)).lower(image, params).compile().as_text()
    # Three convolutions forward and three back to the image, none to the kernels.
    assert len(re.findall(r"\bconvolution\(", program)) == 6
    both = jax.jit(jax.grad(total, argnums=(0, 1))).lower(image, params)
    assert len(re.findall(r"\bconvolution\(", both.compile().as_text())) == 9
