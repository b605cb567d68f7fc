"""Broken and oversized files of every format: one error that names the file and the remedy."""

import re
import zipfile
from functools import partial

import foreign_files as foreign
import h5py
import numpy as np
import pytest
from small_vgg import family_layers, keras_file, make_small, onnx_file, random_layers, refused

from jnst.network import load_weights
from jnst.network.formats import read_weight_file, write_native
from jnst.network.preprocessing import CAFFE, TORCHVISION

WRITERS = {
    "native.h5": lambda path, layers, network: write_native(path, layers, network, CAFFE) or path,
    "keras2.h5": lambda path, layers, network: keras_file(path, layers),
    "keras3.weights.h5": foreign.keras3,
    "keras3.keras": foreign.keras3_archive,
    "zip.pth": foreign.pytorch_zip,
    "old.pth": foreign.pytorch_old,
    "v.safetensors": foreign.safetensors,
    "v5.mat": foreign.matconvnet,
    "v7.3.mat": foreign.matconvnet_hdf5,
    "v1.caffemodel": partial(foreign.caffemodel, old=True),
    "v.caffemodel": foreign.caffemodel,
    "v.onnx": lambda path, layers, network: onnx_file(path, layers),
    "v.npz": foreign.npz,
    "v.npy": foreign.npy,
}
REMEDY = r"fetch it again|use a complete file|fetch the file again|known are|from a source that you"


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    make_small(monkeypatch)


@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("name", WRITERS)
def test_truncated(tmp_path, name, part):
    path = WRITERS[name](tmp_path / name, random_layers("vgg16"), "vgg16")
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    refused(path, REMEDY)


@pytest.mark.parametrize("name", WRITERS)
def test_flipped_bytes(tmp_path, name):
    """Either the numbers are merely others, or the error names the file; never anything else."""
    whole = WRITERS[name](tmp_path / name, random_layers("vgg16"), "vgg16").read_bytes()
    rng = np.random.default_rng(0)
    for trial in range(40):
        data = bytearray(whole)
        # Half of the trials near the start and the end, where formats keep their structure.
        reach = len(data) if trial % 2 else 400
        for place in rng.integers(0, min(reach, len(data)), 3):
            data[place if trial % 4 else -place] ^= 1 << rng.integers(8)
        (tmp_path / name).write_bytes(data)
        error = error_of(tmp_path / name)
        assert error is None or str(tmp_path / name) in error


def error_of(path):
    try:
        read_weight_file(path)
    except ValueError as error:
        return str(error)
    return None


def changed(name, part, change):
    def edit(layers):
        layers[name][part] = change(layers[name][part])

    return edit


def with_nan(values):
    values = values.copy()
    values.flat[-1] = np.nan
    return values


CONTENTS = {
    "NaN": (
        changed("conv4_3", "kernel", with_nan),
        "conv4_3 kernel holds 1 values that are NaN or infinite; the file is damaged: fetch or",
    ),
    "infinite": (
        changed("conv3_1", "bias", lambda v: v / np.float32(0)),
        "conv3_1 bias holds 4 values that are NaN or infinite",
    ),
    "wrong shape": (
        changed("conv2_1", "kernel", lambda v: v[..., :2]),
        r"conv2_1 kernel has shape .*, not .*; it is not a VGG",
    ),
    "wrong bias": (
        changed("conv5_3", "bias", lambda v: v[:3]),
        r"conv5_3 bias has shape \(3,\), not \(4,\)",
    ),
    "axes swapped": (
        changed("conv2_2", "kernel", lambda v: np.ascontiguousarray(v.transpose(3, 2, 0, 1))),
        "conv2_2 kernel has shape .*; its axes are in another order",
    ),
}


@pytest.mark.parametrize(("edit", "message"), CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("name", [n for n in WRITERS if n != "native.h5"])
def test_wrong_contents(tmp_path, name, edit, message):
    layers = random_layers("vgg16")
    with np.errstate(divide="ignore"):
        edit(layers)
    refused(WRITERS[name](tmp_path / name, layers, "vgg16"), message)


# By position, a missing layer shows only in the count; torch's numbers are of the whole network.
@pytest.mark.parametrize(
    "name", sorted(set(WRITERS) - {"native.h5", "v.onnx", "zip.pth", "old.pth", "v.safetensors"})
)
def test_missing_layer(tmp_path, name):
    layers = random_layers("vgg16")
    del layers["conv3_2"]
    path = WRITERS[name](tmp_path / name, layers, "vgg16")
    refused(path, "lacks conv3_2 kernel, conv3_2 bias of vgg16; .* use a complete file")


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
@pytest.mark.parametrize("write", [foreign.torch_zip, foreign.torch_old])
def test_missing_layer_of_torch(tmp_path, write, network):
    state = foreign.state_dict(random_layers(network), network)
    del state["features.12.weight"], state["features.12.bias"]
    arrays = list(state.values())
    old = write is foreign.torch_old
    data = arrays if old else [array.tobytes() for array in arrays]
    path = write(tmp_path / "v.pth", foreign.state_opcodes(state, old=old), data)
    refused(path, f"lacks conv3_2 kernel, conv3_2 bias of {network}; .* use a complete file")


@pytest.mark.parametrize("name", [n for n in WRITERS if n != "native.h5"])
def test_vgg16_claimed_as_vgg19(tmp_path, name):
    path = WRITERS[name](tmp_path / name, family_layers("caffe", "vgg16"), "vgg16")
    with pytest.raises(ValueError, match="holds vgg16, not vgg19; ask for vgg16 or name another"):
        load_weights(path, network="vgg19")


@pytest.mark.parametrize("name", WRITERS)
def test_vgg19_without_its_fourth_convolutions_is_no_vgg16(tmp_path, name):
    layers = family_layers("caffe", "vgg19")
    for block in (3, 4, 5):
        del layers[f"conv{block}_4"]
    path = WRITERS[name](tmp_path / name, layers, "vgg16")
    with pytest.raises(ValueError, match="these are vgg16's layers with the first convolution of"):
        load_weights(path)


@pytest.mark.parametrize("name", ["v5.mat", "v7.3.mat"])
def test_bgr_declared_as_rgb(tmp_path, name):
    """MatConvNet's files say R, G, B; these kernels are B, G, R."""
    layers = family_layers("caffe", "vgg16")
    layers["conv1_1"]["kernel"] = layers["conv1_1"]["kernel"][:, :, ::-1]
    path = WRITERS[name](tmp_path / name, layers, "vgg16")
    with pytest.raises(ValueError, match=r"the file declares input RGB x255 .*trained on BGR x255"):
        load_weights(path)


@pytest.mark.parametrize("name", [n for n in WRITERS if "mat" not in n])
def test_bgr_chosen_as_rgb(tmp_path, name):
    path = WRITERS[name](tmp_path / name, family_layers("caffe", "vgg16"), "vgg16")
    with pytest.raises(ValueError, match=r"you chose input RGB x1 .* leave the choice out"):
        load_weights(path, preprocessing=TORCHVISION)


def test_batch_normalization(tmp_path):
    state = foreign.state_dict(random_layers("vgg16"), "vgg16")
    state["features.1.running_mean"] = np.zeros(4, np.float32)
    data = [array.tobytes() for array in state.values()]
    path = foreign.torch_zip(tmp_path / "v.pth", foreign.state_opcodes(state), data)
    refused(path, "is a VGG with batch normalization, another network; use the plain VGG-16 or 19")


def test_zip_with_nothing_known(tmp_path):
    with zipfile.ZipFile(tmp_path / "v.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    refused(tmp_path / "v.zip", "is a zip file without weights that jnst reads; known are .npz")


def test_tar(tmp_path):
    (tmp_path / "v.pth").write_bytes(
        b"sys_info".ljust(257, b"\0") + b"ustar\x0000".ljust(255, b"\0")
    )
    refused(tmp_path / "v.pth", "is a tar file; unpack it, or save it again with torch.save")


def test_npy_with_one_array(tmp_path):
    np.save(tmp_path / "v.npy", np.ones((3, 3)))
    refused(tmp_path / "v.npy", r"holds one array of shape \(3, 3\); a VGG is a dictionary of")


@pytest.mark.parametrize(
    ("storages", "message"),
    [([], "a storage is missing or cut; fetch it again"), ([b"1234"] * 30, "missing or cut")],
)
def test_torch_without_its_storages(tmp_path, storages, message):
    state = foreign.state_dict(random_layers("vgg16"), "vgg16")
    refused(foreign.torch_zip(tmp_path / "v.pth", foreign.state_opcodes(state), storages), message)


def linked(path, link):
    foreign.matconvnet_hdf5(path, random_layers("vgg16"), "vgg16")
    with h5py.File(path, "a") as file:
        del file["layers"]
        file["layers"] = link
    return path


@pytest.mark.parametrize(
    "link", [h5py.ExternalLink("/etc/hostname", "/layers"), h5py.SoftLink("/nowhere")]
)
def test_matlab_file_that_leads_to_another(tmp_path, link):
    refused(linked(tmp_path / "v.mat", link), re.escape("lacks 13 of the layers"))
