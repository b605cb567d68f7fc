"""Each weight format gives the same layers; jnst's own also comes out byte for byte the same."""

import sys
import time

import h5py
import numpy as np
import pytest
from small_vgg import assert_same, keras_file, make_small, onnx_file, random_layers

from jnst.network.formats import read_weight_file, write_native
from jnst.network.preprocessing import CAFFE, TORCHVISION


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    make_small(monkeypatch)


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("preprocessing", [CAFFE, TORCHVISION])
def test_native_round_trip(tmp_path, network, dtype, preprocessing):
    layers, path = random_layers(network), tmp_path / "a.h5"
    notes = {"licence": "CC BY 4.0", "source": "größer"}
    write_native(path, layers, network, preprocessing, dtype=dtype, notes=notes)
    read = read_weight_file(path)
    assert (read.network, read.format) == (network, "native .h5")
    assert (read.preprocessing, read.notes) == (preprocessing, notes)
    assert_same(read.layers, layers)
    with h5py.File(path) as file:
        assert file["conv1_1/kernel"].dtype == dtype
        assert file["conv1_1/bias"].dtype == "float32"


def test_native_files_are_reproducible(tmp_path):
    layers, files = random_layers("vgg16"), [tmp_path / "a.h5", tmp_path / "b.h5"]
    write_native(files[0], layers, "vgg16", CAFFE, notes={"source": "here"})
    time.sleep(1.1)  # HDF5 would store the time in whole seconds
    write_native(files[1], layers, "vgg16", CAFFE, notes={"source": "here"})
    assert files[0].read_bytes() == files[1].read_bytes()


def test_failed_write_leaves_the_old_file(tmp_path):
    layers, path = random_layers("vgg16"), tmp_path / "a.h5"
    write_native(path, layers, "vgg16", CAFFE)
    before = path.read_bytes()
    del layers["conv5_3"]
    with pytest.raises(KeyError):
        write_native(path, layers, "vgg16", CAFFE)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_write_refuses(tmp_path):
    layers = random_layers("vgg16")
    with pytest.raises(ValueError, match="'float16' or 'float32', not 'int8'"):
        write_native(tmp_path / "a.h5", layers, "vgg16", CAFFE, dtype="int8")
    with pytest.raises(ValueError, match="a note cannot be named 'scale'"):
        write_native(tmp_path / "a.h5", layers, "vgg16", CAFFE, notes={"scale": "1"})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
@pytest.mark.parametrize("root", ["", "model_weights", "model_weights/vgg"])
@pytest.mark.parametrize("names", [("{0}_W_1:0", "{0}_b_1:0"), ("{0}/kernel:0", "{0}/bias:0")])
def test_keras_file(tmp_path, network, root, names):
    layers = random_layers(network)
    read = read_weight_file(keras_file(tmp_path / "k.h5", layers, root=root, names=names))
    assert (read.network, read.format) == (network, "Keras 2 .h5")
    assert read.preprocessing is None
    assert_same(read.layers, layers)


def test_keras_optimizer_state_is_not_weights(tmp_path):
    layers = random_layers("vgg16")
    path = keras_file(tmp_path / "k.h5", layers, root="model_weights")
    with h5py.File(path, "a") as file:
        file["optimizer_weights/Adam/block1_conv1/kernel/m:0"] = np.zeros((3, 3, 3, 4))
    assert_same(read_weight_file(path).layers, layers)


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
def test_onnx_file(tmp_path, network):
    layers = random_layers(network)
    read = read_weight_file(onnx_file(tmp_path / "v.onnx", layers))
    assert (read.network, read.format, read.preprocessing) == (network, "ONNX", None)
    assert_same(read.layers, layers)


def test_onnx_refuses_other_files_of_the_machine(tmp_path):
    path = onnx_file(tmp_path / "v.onnx", random_layers("vgg16"), external=True)
    with pytest.raises(ValueError, match=r"v\.onnx keeps b12 in another file; save .* one file"):
        read_weight_file(path)


def test_onnx_with_another_number_of_convolutions(tmp_path):
    layers = dict(list(random_layers("vgg16").items())[:10])
    path = onnx_file(tmp_path / "v.onnx", layers)
    with pytest.raises(ValueError, match="has 10 convolutions; VGG-16 has 13 and VGG-19 has 16"):
        read_weight_file(path)


def test_onnx_cut_short(tmp_path):
    path = onnx_file(tmp_path / "v.onnx", random_layers("vgg16"))
    whole = path.read_bytes()
    for part in (0.2, 0.5, 0.9, 0.999):
        path.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(ValueError, match=r"v\.onnx is not a complete ONNX file; fetch it"):
            read_weight_file(path)


def test_onnx_package_missing(tmp_path, monkeypatch):
    (tmp_path / "v.onnx").write_bytes(b"\x08\x07")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"which the onnx package reads: pip install 'jnst\[onnx"):
        read_weight_file(tmp_path / "v.onnx")
