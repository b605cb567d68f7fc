"""Writes VGGs in the formats of other programs, with all the real names, and none of the programs.

Each writer takes (path, layers, network), layers as {"conv1_1": {"kernel": HWIO, "bias"}}, adds
what a real file also has (the start of a classifier), and returns the path.
"""

import itertools
import struct
import zipfile

import h5py
import numpy as np
import pytest

# torchvision's numbers of the convolutions, in order, as its documentation lists them.
NUMBERS = {
    "vgg16": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
    "vgg19": (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34),
}
MEAN_RGB = (123.68, 116.779, 103.939)


def oihw(kernel):
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))


def state_dict(layers, network, *, prefix="", names="numbers", dtype=np.float32):
    """Name to array, as PyTorch has it; `names` are torchvision's numbers or the layers' own."""
    state = {}
    for number, (name, layer) in zip(NUMBERS[network], layers.items(), strict=False):
        base = f"{prefix}features.{number}" if names == "numbers" else f"{prefix}{name}"
        state[f"{base}.weight"] = oihw(layer["kernel"]).astype(dtype)
        state[f"{base}.bias"] = layer["bias"].astype(dtype)
    state[f"{prefix}classifier.0.weight"] = np.ones((6, 4), dtype)
    state[f"{prefix}classifier.0.bias"] = np.ones(6, dtype)
    return state


# --- PyTorch: pickles put together by hand, with the opcodes that torch.save writes ---


def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value):
    return b"J" + struct.pack("<i", value)


def numbers(values):
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor_opcodes(key, array, *, storage="FloatStorage", old=False):
    strides = [s // array.itemsize for s in array.strides]
    rebuild = b"_rebuild_tensor" if old else b"_rebuild_tensor_v2"
    view = b"N" if old else b""
    identity = text("storage") + b"ctorch\n" + storage.encode() + b"\n" + text(key) + text("cpu")
    identity = b"(" + identity + number(array.size) + view + b"tQ"
    hooks = b"" if old else b"\x89ccollections\nOrderedDict\n)R"
    tail = number(0) + numbers(array.shape) + numbers(strides) + hooks
    return b"ctorch._utils\n" + rebuild + b"\n(" + identity + tail + b"tR"


def state_opcodes(state, *, storage="FloatStorage", old=False):
    """OrderedDict(…) with the attribute _metadata, as state_dict() gives it."""
    items = (
        text(name) + tensor_opcodes(str(key), array, storage=storage, old=old)
        for key, (name, array) in enumerate(state.items())
    )
    metadata = b"}" + text("_metadata") + b"ccollections\nOrderedDict\n)Rsb"
    return b"ccollections\nOrderedDict\n)R(" + b"".join(items) + b"u" + metadata


def torch_zip(path, pickle, storages=(), *, folder="archive"):
    """The zip format around any opcodes; `storages` are the raw numbers."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{folder}/data.pkl", b"\x80\x02" + pickle + b".")
        archive.writestr(f"{folder}/byteorder", "little")
        for key, data in enumerate(storages):
            archive.writestr(f"{folder}/data/{key}", data)
        archive.writestr(f"{folder}/version", "3\n")
    return path


def torch_old(path, pickle, arrays=()):
    """The format before PyTorch 1.6 around any opcodes."""
    system = b"}(" + text("protocol_version") + number(1001) + text("little_endian") + b"\x88u"
    keys = b"](" + b"".join(text(str(key)) for key in range(len(arrays))) + b"e"
    magic = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"
    parts = [magic, b"M\xe9\x03", system, pickle, keys]
    storages = [struct.pack("<q", array.size) + array.tobytes() for array in arrays]
    path.write_bytes(b"".join(b"\x80\x02" + part + b"." for part in parts) + b"".join(storages))
    return path


def pytorch_zip(path, layers, network, *, storage="FloatStorage", dtype=np.float32, **names):
    state = state_dict(layers, network, dtype=dtype, **names)
    opcodes = state_opcodes(state, storage=storage)
    return torch_zip(path, opcodes, [array.tobytes() for array in state.values()])


def pytorch_old(path, layers, network, *, storage="FloatStorage", dtype=np.float32, **names):
    state = state_dict(layers, network, dtype=dtype, **names)
    opcodes = state_opcodes(state, storage=storage, old=True)
    return torch_old(path, opcodes, list(state.values()))


# --- The others ---


def safetensors(path, layers, network, **names):
    package = pytest.importorskip("safetensors.numpy")
    package.save_file(state_dict(layers, network, **names), path)
    return path


def keras3(path, layers, network, *, with_names=True):
    """Groups by kind and number; "conv2d_10" comes before "conv2d_2" in the file."""
    with h5py.File(path, "w") as file:
        for count, (name, layer) in enumerate(layers.items()):
            group = file.create_group(f"layers/conv2d{f'_{count}' if count else ''}/vars")
            if with_names:
                group.attrs["name"] = f"block{name[4]}_conv{name[6]}"
            group["0"], group["1"] = layer["kernel"], layer["bias"]
        dense = file.create_group("layers/dense/vars")
        dense["0"], dense["1"] = np.ones((6, 4)), np.ones(4)
        file["optimizer/vars/1"] = np.ones((3, 3, 3, 4))
    return path


def keras3_archive(path, layers, network):
    weights = path.with_suffix(".h5")
    keras3(weights, layers, network)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.write(weights, "model.weights.h5")
    weights.unlink()
    return path


def _matlab_layers(layers, parts):
    for name, layer in layers.items():
        kernel, bias = layer["kernel"], layer["bias"][None]
        if name == "conv1_1":
            kernel = np.ascontiguousarray(kernel[:, :, ::-1])  # B, G, R here; R, G, B there
        weights = np.empty((1, 2), object)
        weights[0, 0], weights[0, 1] = kernel, bias
        arrays = {"weights": weights} if parts == "weights" else {"filters": kernel, "biases": bias}
        yield {"type": "conv", "name": name, **arrays, "pad": 1.0}
        yield {"type": "relu", "name": name.replace("conv", "relu")}
    yield {"type": "softmax", "name": "prob"}


def matconvnet(path, layers, network, *, parts="weights", mean=MEAN_RGB, compress=True):
    """A level-5 file; of the older generation with parts="filters". Layers come in as B, G, R."""
    io = pytest.importorskip("scipy.io")
    structs = list(_matlab_layers(layers, parts))
    cell = np.empty((1, len(structs)), object)
    cell[0] = structs
    old = parts == "filters"
    image = np.broadcast_to(np.float32(mean), (224, 224, 3) if old else (1, 1, 3))
    normalization = {"averageImage": image, "keepAspect": 1.0}
    other = {"normalization": normalization} if old else {"meta": {"normalization": normalization}}
    with path.open("wb") as stream:
        io.savemat(stream, {"layers": cell, **other}, do_compression=compress)
    return path


def matconvnet_hdf5(path, layers, network, *, parts="weights", mean=MEAN_RGB):
    """A version-7.3 file: HDF5 behind 512 bytes of MATLAB's, cells of references, axes reversed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        count, references = itertools.count(), file.create_group("#refs#")

        def cell(where, name, items):
            where.create_dataset(name, (len(items), 1), h5py.ref_dtype)[:, 0] = items

        def array(values, where=references, name=None):
            where[name or str(next(count))] = np.asarray(values).T
            return where[name or str(next(count) - 1)].ref

        def struct_(fields):
            group = references.create_group(f"s{next(count)}")
            for name, value in fields.items():
                if name == "weights":
                    cell(group, name, [array(v) for v in value.ravel()])
                elif isinstance(value, str):
                    group[name] = np.array([[ord(c)] for c in value], np.uint16)
                else:
                    group[name] = np.asarray(value).T
            return group.ref

        cell(file, "layers", [struct_(s) for s in _matlab_layers(layers, parts)])
        where = "normalization" if parts == "filters" else "meta/normalization"
        file[f"{where}/averageImage"] = np.float32(mean).reshape(3, 1, 1)
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")
    return path


def _field(number, data):
    """A length-delimited field on the wire of Protocol Buffers."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value):
    data = bytearray()
    while value > 127:
        data.append(value & 127 | 128)
        value >>= 7
    return bytes(data) + bytes([value])


def _blob(array, old, double):
    data = _field(8, array.astype("<f8").tobytes()) if double else _field(5, array.tobytes())
    if not old:
        return _field(7, _field(1, b"".join(map(_varint, array.shape)))) + data
    shape = (1, 1, 1, *array.shape)[-4:]
    return b"".join(_varint(n << 3) + _varint(s) for n, s in enumerate(shape, 1)) + data


def caffemodel(path, layers, network, *, old=False, double=False):
    """A NetParameter, by the numbers of caffe.proto; `old` is the version that VGG came in."""
    parts = [_field(1, b"VGG")]
    for name, layer in layers.items():
        arrays = (oihw(layer["kernel"]), layer["bias"])
        blobs = [_field(6 if old else 7, _blob(array, old, double)) for array in arrays]
        names = _field(4, name.encode()) if old else _field(1, name.encode())
        kind = _varint(5 << 3) + _varint(4) if old else _field(2, b"Convolution")
        parts.append(_field(2 if old else 100, names + kind + b"".join(blobs)))
    path.write_bytes(b"".join(parts))
    return path


def npz(path, layers, network, *, names="{}_{}", compressed=False):
    """Frossard's vgg16_weights.npz: conv1_1_W and conv1_1_b, HWIO."""
    letters = {"kernel": "W", "bias": "b"}
    arrays = {names.format(n, letters[p]): v for n, l in layers.items() for p, v in l.items()}  # noqa: E741
    with path.open("wb") as stream:
        (np.savez_compressed if compressed else np.savez)(stream, **arrays, fc6_W=np.ones((2, 2)))
    return path


def npy(path, layers, network):
    """vgg19.npy of the TensorFlow world: {"conv1_1": [kernel, bias], …}."""
    content = {name: [layer["kernel"], layer["bias"]] for name, layer in layers.items()}
    with path.open("wb") as stream:
        np.save(stream, {**content, "fc6": [np.ones((2, 2)), np.ones(2)]}, allow_pickle=True)
    return path
