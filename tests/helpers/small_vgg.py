"""VGGs with 4 channels everywhere: weight files of kilobytes that have all the real names."""

import h5py
import numpy as np
import pytest

from jnst.network import manifest
from jnst.network.architecture import CONVOLUTIONS
from jnst.network.formats import layers as layers_module
from jnst.network.formats import native, read_weight_file

SMALL = {
    network: tuple((name, 3 if inputs == 3 else 4, 4) for name, inputs, _ in table)
    for network, table in CONVOLUTIONS.items()
}


def make_small(monkeypatch):
    """Lets the readers and the writer expect the small networks."""
    for module in (layers_module, native):
        monkeypatch.setattr(module, "CONVOLUTIONS", SMALL)


def random_layers(network):
    """Kernels that float16 holds exactly, so that a round trip has an exact answer."""
    rng = np.random.default_rng(0)
    return {
        name: {
            "kernel": rng.integers(-9, 9, (3, 3, inputs, outputs)).astype(np.float32),
            "bias": rng.normal(size=outputs).astype(np.float32),
        }
        for name, inputs, outputs in SMALL[network]
    }


def family_layers(name, network):
    """Random layers whose first convolution begins as that of a known family does."""
    (family,) = (f for f in manifest.families() if (f.name, f.network) == (name, network))
    layers = random_layers(network)
    channel = family.preprocessing.channel_order.index(family.row_channel)
    layers["conv1_1"]["kernel"][0, :, channel, 0] = family.row
    layers["conv1_1"]["bias"][: len(family.bias)] = family.bias
    return layers


def keras_file(path, layers, *, root="", names=("{0}_W_1:0", "{0}_b_1:0")):
    """Writes a file in the layout of keras.applications, with a top."""
    with h5py.File(path, "w") as file:
        top = file.require_group(root) if root else file
        top.attrs["layer_names"] = [b"input_1"]
        top.create_group("input_1")
        for name, layer in layers.items():
            keras_name = f"block{name[4]}_conv{name[6]}"
            group = top.create_group(keras_name)
            kernel, bias = (part.format(keras_name) for part in names)
            group.attrs["weight_names"] = [kernel.encode(), bias.encode()]
            group[kernel], group[bias] = layer["kernel"], layer["bias"]
        dense = top.create_group("predictions")
        dense["predictions_W:0"], dense["predictions_b:0"] = np.ones((4, 10)), np.ones(10)
    return path


def onnx_file(path, layers, *, external=False):
    """Writes a chain of convolutions whose initializers have misleading names and order."""
    onnx = pytest.importorskip("onnx")
    nodes, constants, previous = [], [], "input"
    for number, layer in enumerate(layers.values()):
        kernel = np.ascontiguousarray(layer["kernel"].transpose(3, 2, 0, 1))
        names = [f"z{99 - number}", f"b{number}"]
        for name, values in zip(names, (kernel, layer["bias"]), strict=True):
            constants.insert(0, onnx.numpy_helper.from_array(values, name))
        nodes.append(onnx.helper.make_node("Conv", [previous, *names], [f"y{number}"]))
        previous = f"y{number}"
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "chain",
        [value("input", onnx.TensorProto.FLOAT, [1, 3, 64, 64])],
        [value(previous, onnx.TensorProto.FLOAT, None)],
        constants,
    )
    if external:
        graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    return path


def assert_same(read, layers):
    """The layers that were read are these, in this order, as float32."""
    assert list(read) == list(layers)
    for name, layer in layers.items():
        for part in ("kernel", "bias"):
            assert read[name][part].dtype == np.float32
            np.testing.assert_array_equal(read[name][part], layer[part], err_msg=f"{name} {part}")


def refused(path, message):
    """Reading the file is refused with this message, which names the file."""
    with pytest.raises(ValueError, match=message) as error:
        read_weight_file(path)
    assert str(path) in str(error.value)
