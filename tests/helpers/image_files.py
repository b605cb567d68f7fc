"""Small pictures, and files of them, for the tests of reading."""

import struct
import zlib

import imagecodecs
import numpy as np
from PIL import Image

BYTES = np.random.default_rng(0).integers(0, 256, (5, 7, 4)).astype(np.uint8)
WORDS = np.random.default_rng(1).integers(0, 65536, (5, 7, 4)).astype(np.uint16)


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


def png16(path, array, *chunks):
    """A 16-bit PNG with more chunks, (name, data), after its header."""
    data = imagecodecs.png_encode(np.ascontiguousarray(array))
    extra = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
    path.write_bytes(data[:33] + extra + data[33:])
    return path
