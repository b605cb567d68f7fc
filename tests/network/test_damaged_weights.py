"""Broken and hostile weight files: one clear error each, that names the file and the remedy."""

import h5py
import numpy as np
import pytest
from small_vgg import make_small, random_layers

from jnst.network.architecture import CONVOLUTIONS
from jnst.network.formats import read_weight_file, write_native
from jnst.network.preprocessing import CAFFE


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    make_small(monkeypatch)


def edited(tmp_path, edit):
    """A native VGG-16 file after `edit(file)`."""
    path = tmp_path / "w.h5"
    write_native(path, random_layers("vgg16"), "vgg16", CAFFE)
    with h5py.File(path, "a") as file:
        edit(file)
    return path


def replace(name, values):
    def edit(file):
        del file[name]
        file[name] = values

    return edit


def set_attribute(name, value):
    return lambda file: file.attrs.__setitem__(name, value)


def remove(*names):
    return lambda file: [file.__delitem__(name) for name in names]


def with_layer(name):
    return lambda file: file.copy("conv5_3", name)


def kept_outside(file):
    del file["conv1_1/bias"]
    file.create_dataset("conv1_1/bias", (4,), "f4", external=[("/etc/hostname", 0, 16)])


def linked_outside(file):
    del file["conv1_1/bias"]
    file["conv1_1/bias"] = h5py.ExternalLink("/etc/hostname", "/bias")


KERNEL = np.ones((3, 3, 4, 4), np.float32)
HOSTILE = {
    "layer missing": (
        remove("conv3_2"),
        "lacks conv3_2 kernel, conv3_2 bias of vgg16; .* complete",
    ),
    "bias missing": (remove("conv3_2/bias"), "lacks conv3_2 bias of vgg16"),
    "half missing": (
        remove(*(n for n, _, _ in CONVOLUTIONS["vgg16"][5:])),
        r"lacks 8 of the layers \(conv3_2, conv3_3, conv4_1, …\) of vgg16",
    ),
    "wrong shape": (
        replace("conv2_1/kernel", KERNEL[:, :, :2]),
        r"conv2_1 kernel has shape \(3, 3, 2, 4\), not \(3, 3, 4, 4\); it is not a VGG",
    ),
    "OIHW": (
        replace("conv2_1/kernel", KERNEL.transpose(3, 2, 0, 1)),
        r"shape \(4, 4, 3, 3\), not \(3, 3, 4, 4\); its axes are in another order",
    ),
    "wrong bias": (
        replace("conv2_1/bias", np.zeros(5)),
        r"conv2_1 bias has shape \(5,\), not \(4,\)",
    ),
    "NaN": (
        replace("conv4_3/kernel", KERNEL * np.nan),
        "conv4_3 kernel holds 144 values that are NaN or infinite; .* convert it again",
    ),
    "infinite": (
        replace("conv4_3/bias", np.array([0, np.inf, 0, 0])),
        "conv4_3 bias holds 1 values that are NaN or infinite",
    ),
    "quantized": (
        replace("conv2_1/kernel", KERNEL.astype(np.int8)),
        "conv2_1 kernel holds int8, not floating-point numbers; use a file that is not quantized",
    ),
    "vgg16 as vgg19": (
        set_attribute("network", "vgg19"),
        "says that it is vgg19, but its layers are those of vgg16; convert the original again",
    ),
    "vgg19 as vgg16": (
        with_layer("conv5_4"),
        "says that it is vgg16, but its layers are those of vgg19",
    ),
    "other network": (set_attribute("network", "resnet"), "says network 'resnet'; known are vgg16"),
    "newer": (
        set_attribute("format_version", 2),
        "has format version 2, but this jnst reads version 1; update jnst",
    ),
    "no mean": (lambda f: f.attrs.__delitem__("mean"), "lacks the attribute 'mean'; convert"),
    "order": (set_attribute("channel_order", "GBR"), "says channel order 'GBR'; it must be RGB or"),
    "two means": (set_attribute("mean", [1.0, 2.0]), "mean and std are three numbers"),
    "infinite mean": (set_attribute("mean", [1.0, 2.0, np.inf]), "mean and std are three numbers"),
    "zero std": (set_attribute("std", [1.0, 1.0, 0.0]), "must be above zero"),
    "negative scale": (set_attribute("scale", -255.0), "must be above zero"),
    "kept outside": (kept_outside, "keeps conv1_1/bias in another file; use a file that is compl"),
    "linked outside": (linked_outside, "lacks conv1_1 bias of vgg16"),
    "endless": (
        lambda f: (
            f.__delitem__("conv1_2/kernel"),
            f.create_dataset("conv1_2/kernel", (3, 3, 1 << 20, 1 << 20), "f4", chunks=True),
        ),
        r"conv1_2 kernel has shape \(3, 3, 1048576, 1048576\)",
    ),
}


@pytest.mark.parametrize(("edit", "message"), HOSTILE.values(), ids=HOSTILE)
def test_damaged_native_file(tmp_path, edit, message):
    path = edited(tmp_path, edit)
    with pytest.raises(ValueError, match=message) as error:
        read_weight_file(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("part", [0.001, 0.1, 0.5, 0.9, 0.99])
def test_truncated_hdf5(tmp_path, part):
    path = edited(tmp_path, lambda file: None)
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"w\.h5 is damaged or cut short \(.+\); fetch it again"):
        read_weight_file(path)


def test_hdf5_that_is_no_vgg(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["data"] = np.ones(3)
    with pytest.raises(
        ValueError, match=r"x\.h5 lacks 13 of the layers .*; it is incomplete or not"
    ):
        read_weight_file(tmp_path / "x.h5")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\x00" * 64])
def test_unknown_content(tmp_path, content):
    (tmp_path / "x.h5").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.h5 is not a weight file that jnst reads .*known are"):
        read_weight_file(tmp_path / "x.h5")


def test_no_file(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"there is no weight file .*/x\.h5; check the path"
    ):
        read_weight_file(tmp_path / "x.h5")
    with pytest.raises(IsADirectoryError, match="is a folder; name a weight file in it"):
        read_weight_file(tmp_path)
