"""Readers of weight files, one module per format; the content of a file decides which reads it.

No reader runs code that a file names, and none reads more than a VGG needs.
"""

import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py

from ...files import readable_path
from . import caffe, containers, keras, matconvnet, native, numpy_files, onnx, pytorch, safetensors
from .layers import Layers as Layers
from .layers import Unfit
from .layers import WeightFile as WeightFile
from .native import write_native as write_native

_TAR = (257, b"ustar")


def read_weight_file(path: Path) -> WeightFile:
    """Reads a VGG-16 or VGG-19 from a file of any known format: its layers in float32 and HWIO, and
    what it says about itself; raises the errors of `jnst.load_weights`."""
    check_is_file(path)
    try:
        return _read(path)
    except (ImportError, FileNotFoundError, PermissionError):
        raise
    except Unfit as error:
        raise ValueError(f"{path} {error}") from error
    except Exception as error:
        # Nine formats' libraries fail on a broken file in more ways than can be listed.
        what = f"{type(error).__name__}: {str(error)[:80]}"
        raise ValueError(f"{path} is damaged or cut short ({what}); fetch it again") from error


def check_is_file(path: Path) -> None:
    """Raises OSError, with the remedy, unless there is a file of that name, which ends."""
    readable_path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a weight file in it")
    if not path.exists():
        raise FileNotFoundError(
            f"there is no weight file {path}; check the path, or ask for 'vgg16' or 'vgg19'"
        )


def _read(path: Path) -> WeightFile:
    with path.open("rb") as stream:
        start = stream.read(512)
    # safetensors first: it begins with a number, which may look like any other format.
    if safetensors.is_safetensors(start, path.stat().st_size):
        return safetensors.read(path)
    for signature, read in _READERS:
        if start.startswith(signature):
            return read(path)
    if start[_TAR[0] :].startswith(_TAR[1]):
        raise Unfit("is a tar file; unpack it, or save it again with torch.save")
    raise Unfit(
        f"is not a weight file that jnst reads (it begins with {start[:8]!r}); known are "
        "jnst's own .h5, Keras .h5, .weights.h5 and .keras, PyTorch .pth and .pt, .safetensors, "
        "MatConvNet .mat, .caffemodel, .onnx, .npz and .npy"
    )


def _read_hdf5(path: Path) -> WeightFile:
    with h5py.File(path) as file:
        return native.read(file) if native.is_native(file) else keras.read(file)


def _read_zip(path: Path) -> WeightFile:
    with zipfile.ZipFile(path) as opened:
        names = {member.filename: member for member in opened.infolist()}
        if keras.WEIGHTS in names:
            return keras.read_archive(opened)
        for name, member in names.items():
            if name == "data.pkl" or name.endswith("/data.pkl"):
                return pytorch.read_zip(opened, member)
        if any(name.endswith(".npy") for name in names):
            return numpy_files.read_npz(opened)
    raise Unfit(
        "is a zip file without weights that jnst reads; known are .npz, .keras and "
        "PyTorch's .pth: unpack it, and name the weight file in it"
    )


# By the first bytes of a file; the first that fits.
_READERS: tuple[tuple[bytes | tuple[bytes, ...], Callable[[Path], WeightFile]], ...] = (
    (containers.HDF5_SIGNATURE, _read_hdf5),
    (matconvnet.SIGNATURE_HDF5, matconvnet.read_hdf5),
    (containers.ZIP_SIGNATURE, _read_zip),
    (matconvnet.SIGNATURE, matconvnet.read),
    (numpy_files.SIGNATURE, numpy_files.read_npy),
    (numpy_files.PICKLE, pytorch.read_pickle),
    (onnx.SIGNATURE, onnx.read),
    (caffe.SIGNATURES, caffe.read),
)
