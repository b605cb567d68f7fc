"""ONNX graphs whose convolutions are a VGG's, as exporters of Keras, Caffe and PyTorch write them.

Layers are taken in the order in which the graph computes them; their names are ignored.
"""

from functools import partial
from pathlib import Path
from typing import Any

from .layers import Tensor, Unfit, WeightFile, assemble, from_bytes, name_in_order, needed

SIGNATURE = b"\x08"  # Protocol-buffer field 1, a number: the version of ONNX


def read(path: Path) -> WeightFile:
    """Reads an ONNX file; needs the `onnx` package (the extra "onnx")."""
    onnx = needed("onnx", path, "an ONNX file", "onnx")
    from google.protobuf.message import DecodeError

    try:
        # External data could name any file of the machine, and no known VGG uses it.
        graph = onnx.load(str(path), load_external_data=False).graph
    except DecodeError as error:
        raise Unfit("is not a complete ONNX file; fetch it again") from error
    constants = {proto.name: proto for proto in graph.initializer}
    convolutions = []
    for node in graph.node:
        if node.op_type == "Conv":
            parts = zip(("kernel", "bias"), node.input[1:3], strict=False)
            convolutions.append(
                {part: _tensor(constants[n]) for part, n in parts if n in constants}
            )
    return assemble(name_in_order(convolutions), "OIHW", "ONNX")


def _tensor(proto: Any) -> Tensor:
    from onnx import TensorProto, helper, numpy_helper

    if proto.data_location == TensorProto.EXTERNAL:
        raise Unfit(f"keeps {proto.name} in another file; save the graph as one file")
    shape, dtype = tuple(proto.dims), helper.tensor_dtype_to_np_dtype(proto.data_type)
    if proto.raw_data:
        read = partial(from_bytes, proto.raw_data, shape, dtype)
    else:
        read = partial(numpy_helper.to_array, proto)
    return Tensor(shape, dtype, read)
