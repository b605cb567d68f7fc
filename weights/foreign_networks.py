"""A weight file read and run by its own program: PyTorch, ONNX Runtime, Keras, OpenCV, NumPy.

Nothing here comes from jnst but the names of the layers, so that agreement means something. Each
function returns another, from a preprocessed image [H, W, 3] to the activations by name. Used by
`try_formats.py`.
"""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import oracle_vgg
from foreign_files import NUMBERS

from jnst.network.architecture import CONVOLUTIONS, LAYERS

NAMES = {n: [name for name, _, _ in table] for n, table in CONVOLUTIONS.items()}


def numpy_network(network: str, layers: dict) -> Callable:
    """The NumPy twin in float64, on arrays that another library has read."""
    return lambda x: {
        name: values
        for name, values in oracle_vgg.forward(network, layers, x, "pool5").items()
        if name != "input"
    }


def torch_network(path: Path, network: str) -> Callable:
    """torch.load and PyTorch's own layers, in float64."""
    import torch

    def run(x: np.ndarray) -> dict[str, np.ndarray]:
        state = torch.load(path, weights_only=True)
        flow, found, kernels = torch.tensor(x.transpose(2, 0, 1)[None], dtype=torch.float64), {}, 0
        for name in LAYERS[network]:
            if name.startswith("conv"):
                number = NUMBERS[network][kernels]
                parts = (state[f"features.{number}.{p}"].double() for p in ("weight", "bias"))
                flow, kernels = torch.nn.functional.conv2d(flow, *parts, padding=1), kernels + 1
            elif name.startswith("relu"):
                flow = flow.relu()
            else:
                flow = torch.nn.functional.max_pool2d(flow, 2)
            found[name] = flow[0].numpy().transpose(1, 2, 0)
        return found

    return run


def onnx_network(path: Path, network: str) -> Callable:
    """ONNX Runtime on the graph itself, with the outcome of every node as an output."""
    import onnx
    import onnxruntime

    def run(x: np.ndarray) -> dict[str, np.ndarray]:
        model = onnx.load(path)
        graph = model.graph
        kinds = {"Conv": [], "Relu": [], "MaxPool": []}
        for node in graph.node:
            kinds.get(node.op_type, []).append(node.output[0])
        wanted = {"conv": kinds["Conv"], "relu": kinds["Relu"], "pool": kinds["MaxPool"]}
        outputs = {n: wanted[n[:4]].pop(0) for n in LAYERS[network] if wanted[n[:4]]}
        # The classifier after it has no place for another size of image.
        last = max(i for i, n in enumerate(graph.node) if n.output[0] in outputs.values())
        for part, count in ((graph.node, last + 1), (graph.output, 0), (graph.value_info, 0)):
            del part[count:]
        value = onnx.helper.make_tensor_value_info
        graph.output.extend(value(n, onnx.TensorProto.FLOAT, None) for n in outputs.values())
        shape = graph.input[0].type.tensor_type.shape.dim
        fed = x[None] if shape[-1].dim_value == 3 else x.transpose(2, 0, 1)[None]
        for dimension, size in zip(shape, fed.shape, strict=True):
            dimension.dim_value = size
        session = onnxruntime.InferenceSession(model.SerializeToString())
        feed = {graph.input[0].name: fed}
        values = session.run(list(outputs.values()), feed)
        return {n: v[0].transpose(1, 2, 0) for n, v in zip(outputs, values, strict=True)}

    return run


def write_onnx(path: Path, layers: dict, network: str) -> Path:
    """A VGG as exporters write it: Conv, Relu and MaxPool, kernels as initializers."""
    import onnx

    nodes, constants, below = [], [], "input"
    for name in LAYERS[network]:
        if name.startswith("conv"):
            kernel = np.ascontiguousarray(layers[name]["kernel"].transpose(3, 2, 0, 1))
            names = [f"{name}_w", f"{name}_b"]
            for values, constant in zip((kernel, layers[name]["bias"]), names, strict=True):
                constants.append(onnx.numpy_helper.from_array(values, constant))
            nodes.append(onnx.helper.make_node("Conv", [below, *names], [name], pads=[1, 1, 1, 1]))
        elif name.startswith("relu"):
            nodes.append(onnx.helper.make_node("Relu", [below], [name]))
        else:
            window = {"kernel_shape": [2, 2], "strides": [2, 2]}
            nodes.append(onnx.helper.make_node("MaxPool", [below], [name], **window))
        below = name
    value, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    ends = [value("input", kind, [1, 3, "h", "w"])], [value(below, kind, None)]
    graph = onnx.helper.make_graph(nodes, network, *ends, constants)
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


def keras_network(path: Path, network: str, new: Callable) -> Callable:
    """Keras on its JAX backend: a new model that loads the file."""
    import keras

    def run(x: np.ndarray) -> dict[str, np.ndarray]:
        model = keras.models.load_model(path) if path.suffix == ".keras" else new()
        if path.suffix != ".keras":
            model.load_weights(path)
        # A convolution of Keras ends with its ReLU.
        own = {f"relu{b}_{i}": f"block{b}_conv{i}" for b in range(1, 6) for i in range(1, 5)}
        own |= {f"pool{b}": f"block{b}_pool" for b in range(1, 6)}
        names = [name for name in LAYERS[network] if name in own]
        outputs = [model.get_layer(own[name]).output for name in names]
        values = keras.Model(model.inputs, outputs)(x[None])
        return {name: np.asarray(v[0]) for name, v in zip(names, values, strict=True)}

    return run


def caffe_network(path: Path, network: str) -> Callable:
    """OpenCV's own reader of Caffe models, and its own layers."""
    import cv2

    widths = {name: width for name, _, width in CONVOLUTIONS[network]}

    def parameters(name: str) -> str:
        if name.startswith("pool"):
            return 'type: "Pooling" pooling_param { pool: MAX kernel_size: 2 stride: 2 }'
        if name.startswith("relu"):
            return 'type: "ReLU"'
        numbers = f"num_output: {widths[name]} pad: 1 kernel_size: 3"
        return f'type: "Convolution" convolution_param {{ {numbers} }}'

    def run(x: np.ndarray) -> dict[str, np.ndarray]:
        sizes = " ".join(f"input_dim: {n}" for n in (1, 3, *x.shape[:2]))
        lines, below = [f'name: "VGG" input: "data" {sizes}'], "data"
        for name in LAYERS[network]:
            ends = f'bottom: "{below}" top: "{name}"'
            lines.append(f'layer {{ name: "{name}" {ends} {parameters(name)} }}')
            below = name
        contents = ("\n".join(lines).encode(), path.read_bytes())
        net = cv2.dnn.readNetFromCaffe(*(np.frombuffer(c, np.uint8) for c in contents))
        net.enableFusion(False)
        net.setInput(x.transpose(2, 0, 1)[None])
        names = list(LAYERS[network])
        values = net.forward(names)
        return {n: v[0].transpose(1, 2, 0) for n, v in zip(names, values, strict=True)}

    return run


def scipy_layers(path: Path, network: str) -> dict:
    """SciPy's reading of a MatConvNet file, with the kernels of conv1_1 from R, G, B to B, G, R."""
    from scipy.io import loadmat

    found = {}
    for cell in loadmat(path)["layers"].ravel():
        record = cell[0, 0]
        if record["type"][0] == "conv":
            old = "filters" in record.dtype.names
            kernel, bias = (record["filters"], record["biases"]) if old else record["weights"][0]
            found[record["name"][0]] = {"kernel": kernel, "bias": bias.ravel()}
    return _turned({name: found[name] for name in NAMES[network]})


def matlab_hdf5_layers(path: Path, network: str) -> dict:
    """h5py's reading of a version-7.3 file."""
    found = {}
    with h5py.File(path) as file:
        for reference in file["layers"][:, 0]:
            group = file[reference]
            if "weights" in group:
                kernel, bias = (file[r][()].T for r in group["weights"][:, 0])
                name = "".join(map(chr, group["name"][:, 0]))
                found[name] = {"kernel": kernel, "bias": bias.ravel()}
    return _turned({name: found[name] for name in NAMES[network]})


def _turned(layers: dict) -> dict:
    first = layers["conv1_1"]
    return {**layers, "conv1_1": {**first, "kernel": first["kernel"][:, :, ::-1]}}


def oihw_layers(tensors: dict, network: str) -> dict:
    """Torchvision's names and layout to layers, by the published numbers."""
    pairs = zip(NAMES[network], NUMBERS[network], strict=True)
    return {
        name: {
            "kernel": tensors[f"features.{number}.weight"].transpose(2, 3, 1, 0),
            "bias": tensors[f"features.{number}.bias"],
        }
        for name, number in pairs
    }
