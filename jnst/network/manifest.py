"""The known weight files: `weights/manifest.toml`, and their identification by fingerprint.

VGG weights exist in families that were trained on different inputs (B, G, R from 0 to 255 less a
mean; or R, G, B from 0 to 1, standardised). Nothing in a file says which, and the wrong input makes
bad pictures without an error. So the numbers of the first convolution identify the family.
"""

import functools
import hashlib
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .formats import Layers
from .preprocessing import ChannelOrder, Preprocessing

_PACKAGE = Path(__file__).parent.parent
_PLACES = (_PACKAGE / "_weights", _PACKAGE.parent / "weights")
_ORDERS: tuple[ChannelOrder, ...] = ("RGB", "BGR")


@dataclass(frozen=True)
class Family:
    """Weights from one training run, in any file, with numbers of conv1_1 to recognise them by."""

    name: str  # "caffe" or "torchvision"
    network: str
    bias: tuple[float, ...]  # the first four
    row: tuple[float, ...]  # of the kernel, output 0, top row, left to right, in `row_channel`
    row_channel: str
    preprocessing: Preprocessing  # for kernels in the channel order of the original


@dataclass(frozen=True)
class KnownFile:
    """A published weight file, as the manifest describes it."""

    name: str
    network: str
    family: str
    format: str
    layout: str
    channel_order: str
    size: int | None = None  # in bytes
    sha256: str = ""
    md5: str = ""
    urls: tuple[str, ...] = ()  # in the order to try
    licence: str = ""
    download: bool = False  # whether this is the file to download for its network

    @property
    def is_managed(self) -> bool:
        """Whether jnst itself ships or downloads this file, so that its hash must match."""
        return self.download or self.format == "native .h5"

    @property
    def published_hash(self) -> str:
        """The hash after its algorithm and a colon; the stronger one if there are two."""
        return f"sha256:{self.sha256}" if self.sha256 else f"md5:{self.md5}"

    def is_intact(self, path: Path) -> bool:
        """Whether a file has the published hash."""
        algorithm, _, published = self.published_hash.partition(":")
        return file_hash(path, algorithm) == published


def weights_folder() -> Path:
    """The folder with `manifest.toml` and `vgg16.h5`: inside the package, or beside a checkout."""
    for place in _PLACES:
        if (place / "manifest.toml").exists():
            return place
    raise FileNotFoundError(
        f"manifest.toml is neither in {_PLACES[0]} nor in {_PLACES[1]}; install jnst again"
    )


@functools.cache
def families() -> tuple[Family, ...]:
    """The families of the manifest."""
    inputs = {name: Preprocessing(**_with_tuples(e)) for name, e in _manifest()["input"].items()}
    entries = map(_with_tuples, _manifest()["family"])
    return tuple(Family(preprocessing=inputs[entry.pop("input")], **entry) for entry in entries)


@functools.cache
def known_files() -> tuple[KnownFile, ...]:
    """The files of the manifest."""
    return tuple(KnownFile(**_with_tuples(entry)) for entry in _manifest()["file"])


def identify(layers: Layers, network: str) -> Family | None:
    """The family of weights, by conv1_1, with the preprocessing in their channel order, or None.

    Raises ValueError if the numbers belong to a known family of the other network, or the kernels'
    axes are swapped, so that no preprocessing is right.
    """
    kernel, bias = layers["conv1_1"]["kernel"], layers["conv1_1"]["bias"]
    for family in families():
        rows = {order: kernel[0, :, order.index(family.row_channel), 0] for order in _ORDERS}
        orders = [order for order, row in rows.items() if _close(row, family.row)]
        if not _close(bias[: len(family.bias)], family.bias) or not (family.bias or orders):
            continue
        if family.network != network:
            raise ValueError(
                f"these are {network}'s layers with the first convolution of {family.network}; "
                "some layers are missing or mixed: use a complete file"
            )
        if not orders:
            raise ValueError(
                f"the biases are those of {family.name} {network}, but the kernels of conv1_1 are "
                "not; their axes were probably swapped: convert the original again"
            )
        own = family.preprocessing
        if orders[0] == own.channel_order:
            return family
        swapped = Preprocessing(orders[0], own.scale, own.mean[::-1], own.std[::-1])
        return replace(family, preprocessing=swapped)
    return None


def identify_by_hash(path: Path) -> tuple[str, KnownFile | None]:
    """The SHA-256 of a file, and the file of the manifest that it is, under any name."""
    sha256, md5 = file_hash(path, "sha256"), file_hash(path, "md5")
    for file in known_files():
        # Of some files only the first eight digits are published, in their names.
        if (file.sha256 and sha256.startswith(file.sha256)) or file.md5 == md5:
            return sha256, file
    return sha256, None


def file_hash(path: Path, algorithm: str) -> str:
    """The hash of a file's content, in hexadecimal digits."""
    with path.open("rb") as stream:
        new = functools.partial(hashlib.new, algorithm, usedforsecurity=False)
        return hashlib.file_digest(stream, new).hexdigest()


def _close(values: npt.ArrayLike, published: tuple[float, ...]) -> bool:
    # Wide enough for float16 and printed digits, far narrower than the gaps between families.
    return np.allclose(values, published, rtol=0, atol=1e-3)


@functools.cache
def _manifest() -> dict[str, Any]:
    return tomllib.loads((weights_folder() / "manifest.toml").read_text("utf-8"))


def _with_tuples(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in entry.items()}
