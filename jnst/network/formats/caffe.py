"""Caffe's `.caffemodel`: a Protocol-buffer message NetParameter with the blobs of each layer.

Only the fields that carry weights are declared here, after caffe.proto, which is all that parsing
needs. Numbers are declared as bytes: packed floats are stored in the file just as in NumPy.
"""

import functools
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .layers import WeightFile, assemble, needed
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


class _Blob:
    """A BlobProto as a tensor."""

    def __init__(self, path: Path, blob: Any) -> None:
        self._path, self._blob = path, blob
        old = (blob.num, blob.channels, blob.height, blob.width)
        shape = tuple(blob.shape.dim) if blob.HasField("shape") else old
        # Old biases are [1, 1, 1, n].
        self.shape = shape[3:] if len(shape) == 4 and shape[:3] == (1, 1, 1) else shape
        self.dtype = np.dtype("<f8" if blob.double_data else "<f4")

    def __getitem__(self, key: tuple[()]) -> npt.NDArray[Any]:
        data = b"".join(self._blob.double_data or self._blob.data)
        if len(data) != math.prod(self.shape) * self.dtype.itemsize:
            raise ValueError(
                f"{self._path} is damaged: a blob of shape {self.shape} has {len(data):,} bytes; "
                "fetch it again"
            )
        return np.frombuffer(data, self.dtype).reshape(self.shape)[key]


def read(path: Path) -> WeightFile:
    """Reads a `.caffemodel`; needs the `protobuf` package (the extra "caffe").

    Raises:
        ImportError: if `protobuf` is not installed.
        ValueError: if the file is not a caffemodel, is damaged, or is not a VGG.
    """
    needed("google.protobuf", path, "a Caffe model, or unknown", "caffe")
    from google.protobuf.message import DecodeError

    try:
        net = _net_parameter().FromString(path.read_bytes())
    except DecodeError as error:
        raise ValueError(
            f"{path} is not a complete Caffe model, nor another weight file that jnst reads; "
            "fetch it again"
        ) from error
    convolutions = {}
    for layer in (*net.layers, *net.layer):
        if (name := convolution_name(layer.name)) and len(layer.blobs) >= 2:
            kernel, bias = (_Blob(path, blob) for blob in layer.blobs[:2])
            convolutions[name] = {"kernel": kernel, "bias": bias}
    network, layers = assemble(path, convolutions, layout="OIHW")
    return WeightFile(layers, network, "Caffe")


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
