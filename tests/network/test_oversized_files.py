"""Files that are small, and would not stay small: refused before memory is taken for them."""

import struct
import tracemalloc
import zipfile
import zlib

import foreign_files as foreign
import pytest
from small_vgg import make_small, random_layers, refused

from jnst.network.architecture import CONVOLUTIONS


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    make_small(monkeypatch)


@pytest.fixture
def memory_stays_small():
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6


def zip_bomb(path, name, start=b"", size=200_000_000):
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(name, "w") as out,
    ):
        out.write(start)
        for _ in range(size // 1_000_000):
            out.write(bytes(1_000_000))
    return path


def npz_bomb(path):
    """Honest in its header: 3 x 3 x 1 x 5,000,000 numbers."""
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3, 1, 5000000), }"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, _, _ in CONVOLUTIONS["vgg16"]:
            for part in "Wb":
                archive.writestr(f"{name}_{part}.npy", content + bytes(1000))
    return path


def mat_bomb(path):
    """One compressed element that unpacks to zeros."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(1_000_000)) for _ in range(200)) + packer.flush()
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
    path.write_bytes(header + struct.pack("<2I", 15, len(data)) + data)
    return path


UNPACKED = r"would unpack to (more than )?[\d,]+ bytes, from [\d,]+; no weights do: use a file from"
BOMBS = {
    "torch pickle": (lambda path: zip_bomb(path, "archive/data.pkl"), UNPACKED),
    "keras": (lambda path: zip_bomb(path, "model.weights.h5"), UNPACKED),
    "mat": (mat_bomb, UNPACKED),
    "npz": (npz_bomb, r"conv1_1 kernel has shape \(3, 3, 1, 5000000\), not"),
    "npz without a header": (lambda path: zip_bomb(path, "conv1_1_W.npy"), "fetch it again"),
    "npz with a header of 190 MB": (
        lambda path: zip_bomb(
            path, "conv1_1_W.npy", b"\x93NUMPY\x02\x00" + (190 << 20).to_bytes(4, "little")
        ),
        "fetch it again",
    ),
}


@pytest.mark.usefixtures("memory_stays_small")
@pytest.mark.parametrize(("write", "message"), BOMBS.values(), ids=BOMBS)
def test_bomb(tmp_path, write, message):
    path = write(tmp_path / "bomb")
    assert path.stat().st_size < 1e6
    tracemalloc.reset_peak()
    refused(path, message)


def test_zip_packed_in_an_unusual_way(tmp_path):
    with zipfile.ZipFile(tmp_path / "v.pth", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}.")
    refused(tmp_path / "v.pth", "packed in a way that no weight file uses; save the weights again")


@pytest.mark.usefixtures("memory_stays_small")
@pytest.mark.parametrize("old", [True, False])
def test_caffemodel_that_claims_a_huge_blob(tmp_path, old):
    path = foreign.caffemodel(tmp_path / "v", random_layers("vgg16"), "vgg16", old=old)
    data = path.read_bytes()
    small, large = (
        b"".join(bytes([n << 3]) + v for n, v in enumerate([b"\4", b"\4", x, b"\3"], 1))
        if old
        else b"\x0a\4\4\4" + x + b"\3"
        for x in (b"\3", b"\x7f")
    )
    assert small in data
    path.write_bytes(data.replace(small, large))
    refused(path, r"conv1_2 kernel has shape \(4, 4, 127, 3\), not \(4, 4, 3, 3\)")
