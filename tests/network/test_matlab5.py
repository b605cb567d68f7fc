"""The reader of MATLAB's level-5 files against SciPy's, and on what only MATLAB itself writes."""

import struct
import zlib

import numpy as np
import pytest

from jnst.network.formats.layers import Tensor
from jnst.network.formats.matlab5 import variables

io = pytest.importorskip("scipy.io")


def cell(*values):
    array = np.empty((1, len(values)), object)
    array[0] = values
    return array


def saved(path, content, *, compress=False):
    with path.open("wb") as stream:
        io.savemat(stream, content, do_compression=compress)
    return path


def agree(ours, theirs):
    """Compares with what scipy.io.loadmat gives for the same file."""
    if isinstance(ours, Tensor):
        assert ours.shape == theirs.shape
        assert ours.dtype == ours[()].dtype == theirs.dtype
        np.testing.assert_array_equal(ours[()], theirs)
    elif isinstance(ours, str):
        assert ours == str(theirs[0])
    elif isinstance(ours, dict):
        assert tuple(ours) == theirs.dtype.names
        for name, value in ours.items():
            agree(value, theirs[0, 0][name])
    else:
        assert isinstance(ours, list)
        for one, other in zip(ours, theirs.ravel("F"), strict=True):
            agree(one, other)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(
    "value",
    [
        np.arange(24.0).reshape(2, 3, 4),
        np.arange(24, dtype=np.float32).reshape(4, 3, 2),
        np.array([[1, 2], [3, 4]], np.int16),
        np.array([[200]], np.uint8),
        np.array([[-1, 1 << 30]], np.int32),
        np.zeros((0, 3)),
        "conv1_1",
        "é",
        cell(np.ones((2, 2)), "text", cell(np.float32([[1]]))),
        {"name": "conv1_1", "weights": cell(np.ones((3, 3, 2)), np.ones((1, 2)))},
        {"a": {"b": {"c": 1.5}}},
    ],
    ids=["f8", "f4", "i2", "u1", "i4", "empty", "text", "accent", "cell", "struct", "nested"],
)
def test_same_as_scipy(tmp_path, value, compress):
    path = saved(tmp_path / "v.mat", {"x": value, "other": 1.0}, compress=compress)
    ours, theirs = variables(path), io.loadmat(path)
    assert list(ours) == ["x", "other"]
    agree(ours["x"], theirs["x"])


def test_array_of_structs(tmp_path):
    value = np.array([[(1.0, 2.0), (3.0, 4.0)]], [("a", object), ("b", object)])
    structs = variables(saved(tmp_path / "v.mat", {"x": value}))["x"]
    numbers = [[float(s[name][()].item()) for name in "ab"] for s in structs]
    assert numbers == [[1, 2], [3, 4]]


def test_what_no_weights_are(tmp_path):
    from scipy.sparse import csc_array

    path = saved(tmp_path / "v.mat", {"sparse": csc_array(np.eye(3)), "x": 1.0})
    found = variables(path)
    assert found["sparse"] is None
    assert found["x"][()] == 1.0


def element(kind, data, order):
    return struct.pack(f"{order}2I", kind, len(data)) + data + bytes(-len(data) % 8)


@pytest.mark.parametrize("order", "<>")
def test_whole_numbers_of_a_double_array(tmp_path, order):
    """MATLAB stores them as bytes; SciPy never does. The mark says which end comes first."""
    parts = [
        element(6, struct.pack(f"{order}2I", 6, 0), order),
        element(5, struct.pack(f"{order}2i", 2, 2), order),
        struct.pack(f"{order}I4s", 1 << 16 | 1, b"x"),  # a small element: size and type in one
        element(2, bytes([1, 2, 3, 255]), order),
    ]
    mark = b"\0\1IM" if order == "<" else b"\1\0MI"
    path = tmp_path / "v.mat"
    header = b"MATLAB 5.0 MAT-file".ljust(124) + mark
    path.write_bytes(header + element(14, b"".join(parts), order))
    x = variables(path)["x"]
    np.testing.assert_array_equal(x[()], [[1, 3], [2, 255]])
    assert x[()].dtype == x.dtype == np.float64
    np.testing.assert_array_equal(x[()], io.loadmat(path)["x"])


def test_too_many_elements(tmp_path):
    data = element(14, b"", "<") * 100_001
    (tmp_path / "v.mat").write_bytes(b"MATLAB 5.0".ljust(124) + b"\0\1IM" + data)
    with pytest.raises(ValueError, match="more than 100,000 elements"):
        variables(tmp_path / "v.mat")


def test_compressed_element_that_ends_too_early(tmp_path):
    data = zlib.compress(element(14, bytes(64), "<"))[:-6]
    (tmp_path / "v.mat").write_bytes(
        b"MATLAB 5.0".ljust(124) + b"\0\1IM" + struct.pack("<2I", 15, len(data)) + data
    )
    with pytest.raises(ValueError, match="an element that ends too early"):
        variables(tmp_path / "v.mat")
