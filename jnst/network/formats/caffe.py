"""Caffe's `.caffemodel`: a Protocol-buffer message NetParameter with the blobs of each layer.

Only the fields that carry weights are declared here, after caffe.proto, which is all that parsing
needs. Numbers are declared as bytes: packed floats are stored in the file just as in NumPy.
"""

import functools
from pathlib import Path
from typing import Any

import numpy as np

from .layers import Tensor, Unfit, WeightFile, assemble, from_bytes, needed
from .naming import convolution_name

# The first field of a NetParameter: its name, a layer (before 2014-11: V1), or a layer.
SIGNATURES = (b"\x0a", b"\x12", b"\xa2\x06")

# Message: field: (number, type, repeated). Types are those of descriptor.proto.
_INT32, _INT64, _STRING, _BYTES = 5, 3, 9, 12
_MESSAGES: dict[str, dict[str, tuple[int, int | str, bool]]] = {
    "BlobShape": {"dim": (1, _INT64, True)},
    "BlobProto": {
        "num": (1, _INT32, False),
        "channels": (2, _INT32, False),
        "height": (3, _INT32, False),
        "width": (4, _INT32, False),
        "data": (5, _BYTES, True),
        "shape": (7, "BlobShape", False),
        "double_data": (8, _BYTES, True),
    },
    "V1LayerParameter": {"name": (4, _STRING, False), "blobs": (6, "BlobProto", True)},
    "LayerParameter": {"name": (1, _STRING, False), "blobs": (7, "BlobProto", True)},
    "NetParameter": {
        "layers": (2, "V1LayerParameter", True),
        "layer": (100, "LayerParameter", True),
    },
}


def read(path: Path) -> WeightFile:
    """Reads a `.caffemodel`; needs the `protobuf` package (the extra "caffe")."""
    needed("google.protobuf", path, "a Caffe model, or unknown", "caffe")
    from google.protobuf.message import DecodeError

    try:
        net = _net_parameter().FromString(path.read_bytes())
    except DecodeError as error:
        raise Unfit(
            "is not a complete Caffe model, nor another weight file that jnst reads; fetch it again"
        ) from error
    convolutions = {}
    for layer in (*net.layers, *net.layer):
        if (name := convolution_name(layer.name)) and len(layer.blobs) >= 2:
            kernel, bias = map(_tensor, layer.blobs[:2])
            convolutions[name] = {"kernel": kernel, "bias": bias}
    return assemble(convolutions, "OIHW", "Caffe")


def _tensor(blob: Any) -> Tensor:
    old = (blob.num, blob.channels, blob.height, blob.width)
    shape = tuple(blob.shape.dim) if blob.HasField("shape") else old
    if len(shape) == 4 and shape[:3] == (1, 1, 1):  # an old bias
        shape = shape[3:]
    dtype, chunks = np.dtype("<f8" if blob.double_data else "<f4"), blob.double_data or blob.data
    return Tensor(shape, dtype, lambda: from_bytes(b"".join(chunks), shape, dtype))


@functools.cache
def _net_parameter() -> Any:
    """The NetParameter class, in a pool of its own to avoid conflicts with an installed caffe."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(
        name="jnst_caffe.proto", package="caffe", syntax="proto2"
    )
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for name, (number, kind, repeated) in fields.items():
            field = message.field.add(name=name, number=number, label=3 if repeated else 1)
            if isinstance(kind, str):
                field.type, field.type_name = field.TYPE_MESSAGE, f".caffe.{kind}"
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.NetParameter"))
