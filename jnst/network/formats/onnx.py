"""ONNX graphs whose convolutions are a VGG's, as exporters of Keras, Caffe and PyTorch write them.

Layers are taken in the order in which the graph computes them; their names are ignored.
"""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .layers import WeightFile, assemble, name_in_order, needed


class _Initializer:
    """A constant of the graph, decoded only on demand."""

    def __init__(self, path: Path, proto: "onnx.TensorProto") -> None:  # type: ignore[name-defined]  # noqa: F821
        from onnx import TensorProto, helper

        if proto.data_location == TensorProto.EXTERNAL:
            raise ValueError(
                f"{path} keeps {proto.name} in another file; save the graph as one file"
            )
        self._proto = proto
        self._path = path
        self.shape = tuple(proto.dims)
        self.dtype: np.dtype[np.generic] = helper.tensor_dtype_to_np_dtype(proto.data_type)

    def __getitem__(self, key: tuple[()]) -> npt.NDArray[np.generic]:
        from onnx import numpy_helper

        raw = len(self._proto.raw_data)
        if raw and raw != math.prod(self.shape) * self.dtype.itemsize:
            raise ValueError(f"{self._path}: {self._proto.name} is cut short; fetch the file again")
        return numpy_helper.to_array(self._proto)[key]


def read(path: Path) -> WeightFile:
    """Reads an ONNX file; needs the `onnx` package (the extra "onnx").

    Raises:
        ImportError: if `onnx` is not installed.
        ValueError: if the file is not an ONNX graph, or its convolutions are not a VGG's.
    """
    onnx = needed("onnx", path, "an ONNX file", "onnx")
    from google.protobuf.message import DecodeError

    try:
        # External data could name any file of the machine, and no known VGG uses it.
        graph = onnx.load(str(path), load_external_data=False).graph
    except DecodeError as error:
        raise ValueError(f"{path} is not a complete ONNX file; fetch it again") from error
    constants = {proto.name: proto for proto in graph.initializer}
    convolutions = []
    for node in graph.node:
        if node.op_type == "Conv":
            parts = zip(("kernel", "bias"), node.input[1:3], strict=False)
            convolutions.append(
                {p: _Initializer(path, constants[n]) for p, n in parts if n in constants}
            )
    named = name_in_order(path, convolutions)
    network, layers = assemble(path, named, layout="OIHW")
    return WeightFile(layers, network, "ONNX")
