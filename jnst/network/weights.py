"""Network weights: locating, verifying and loading them, each with its preprocessing.

VGG-16 comes with jnst. VGG-19 is downloaded once into the cache: the folder in the environment
variable JNST_CACHE, or the platform's cache folder. Any other file is given by its path.
"""

import os
from pathlib import Path

import jax
import numpy as np
import platformdirs

from ..files import AnyPath, prove_writable, refuse_address
from ..system import check_device
from .architecture import CONVOLUTIONS
from .formats import WeightFile, check_is_file, read_weight_file, write_native
from .manifest import KnownFile, file_hash, identify, known_files, weights_folder
from .preprocessing import Preprocessing
from .vgg import Params


def load_weights(
    source: AnyPath = "vgg16",
    *,
    network: str | None = None,
    preprocessing: Preprocessing | None = None,
    offline: bool = False,
    progress: bool = False,
) -> Params:
    """Loads a network's weights.

    Args:
        source: "vgg16", which comes with jnst; "vgg19", which is downloaded (80 MB) unless it is in
            the cache; or the path of a weight file, whose format is detected from its content.
        network: reject a file that does not hold this network.
        preprocessing: the input that the weights expect, for a file of unknown origin.
        offline: forbid downloads, as the environment variable JNST_OFFLINE=1 does.
        progress: draw a progress bar on standard error while downloading.

    Returns:
        The parameters, float32, on the default device.

    Raises:
        OSError: if the file does not exist, or cannot be downloaded: then the message says where
            to get it by hand and where to put it; or if JAX has no device.
        ValueError: if the file is damaged, is not a VGG or another one, or of unknown origin.
        ImportError: if the format needs a package that is not installed.

    Example:
        >>> params = load_weights("vgg16")
        >>> params.network, params.preprocessing.channel_order, params.name
        ('vgg16', 'BGR', 'vgg16.h5')
        >>> params.layers["conv1_1"]["kernel"].shape
        (3, 3, 3, 64)
    """
    check_device()
    if isinstance(source, str) and source in CONVOLUTIONS:
        path = find_weights(source) or fetch_weights(source, offline=offline, progress=progress)
        network = source
    else:
        refuse_address(os.fspath(source))
        path = Path(source).expanduser()
    check_is_file(path)
    sha256 = verified_sha256(path)
    weights = read_weight_file(path)
    if network and weights.network != network:
        raise ValueError(
            f"{path} holds {weights.network}, not {network}; ask for {weights.network} or name "
            "another file"
        )
    bound = agreed_preprocessing(path, weights, preprocessing)
    return Params(jax.device_put(weights.layers), weights.network, bound, path.name, sha256)


def find_weights(network: str) -> Path | None:
    """The path of a network's weights on this machine; None if absent. Downloads nothing."""
    places = [weights_folder() / f"{network}.h5"]
    if weight_file := _download_of(network):
        places.append(cache_folder() / weight_file.name)
    return next((path for path in places if path.is_file()), None)


def fetch_weights(network: str, *, offline: bool = False, progress: bool = False) -> Path:
    """Downloads the weights of a network into the cache, if absent, and verifies them.

    Raises:
        OSError: if they cannot be downloaded; names the URL, the hash, and where to put the file.
        ValueError: for a network that has no file to download.
    """
    weight_file = _download_of(network)
    if weight_file is None:
        raise ValueError(f"there is nothing to fetch for {network!r}; 'vgg19' can be fetched")
    from .download import fetch  # local: importing jnst needs no downloader

    return fetch(weight_file, cache_folder(), offline=offline, progress=progress)


def cache_folder() -> Path:
    """The folder of downloads: JNST_CACHE, or the platform's cache folder. It may not exist."""
    chosen = os.environ.get("JNST_CACHE")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("jnst", False)


def convert_weights(
    source: AnyPath,
    out: AnyPath,
    *,
    dtype: str = "float32",
    preprocessing: Preprocessing | None = None,
) -> Path:
    """Writes a weight file of any known format as jnst's own `.h5`, and returns its path.

    Args:
        source: a weight file.
        out: the file to write. An existing one is replaced when the new one is complete.
        dtype: "float32", or "float16" for kernels of half the size.
        preprocessing: as for `load_weights`.

    Raises:
        OSError, ValueError, ImportError: as `load_weights` does.
    """
    path, target = Path(source).expanduser(), Path(out).expanduser()
    _check_target(path, target)
    weights = read_weight_file(path)
    bound = agreed_preprocessing(path, weights, preprocessing)
    if dtype == "float16":
        _check_range(path, weights)
    notes = {"source": f"{path.name} (sha256 {verified_sha256(path)})", **weights.notes}
    write_native(target, weights.layers, weights.network, bound, dtype=dtype, notes=notes)
    return target


def _check_target(source: Path, target: Path) -> None:
    """Refuses to overwrite the source, or a file of jnst itself."""
    check_is_file(source)
    prove_writable(target)
    if target.exists() and target.samefile(source):
        raise ValueError(f"{target} is the file to convert: name another one to write")
    own_names = [f.name for f in known_files() if f.is_managed]
    folders = (weights_folder().resolve(), cache_folder().resolve())
    if target.name in own_names and target.resolve().parent in folders:
        raise ValueError(f"{target} is jnst's own, known by its hash: name another file to write")


def _check_range(path: Path, weights: WeightFile) -> None:
    limit = float(np.finfo(np.float16).max)
    for name, layer in weights.layers.items():
        if (largest := float(np.abs(layer["kernel"]).max())) > limit:
            raise ValueError(
                f"{path}: the kernel of {name} reaches {largest:g}, more than float16 holds "
                f"({limit:g}); convert to float32"
            )


def agreed_preprocessing(
    path: Path, weights: WeightFile, chosen: Preprocessing | None
) -> Preprocessing:
    """The preprocessing on which the weights' numbers, the file and the caller's choice agree.

    Raises ValueError if they do not agree, or none of them states it.
    """
    try:
        family = identify(weights.layers, weights.network)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    identified = family and family.preprocessing
    for stated, who in ((weights.preprocessing, "the file declares"), (chosen, "you chose")):
        if identified and stated and not _agree(identified, stated):
            raise ValueError(
                f"{path}: {who} input {_words(stated)}, but by its first convolution the network "
                f"was trained on {_words(identified)}; "
                + ("leave the choice out" if stated is chosen else "convert the original again")
            )
    agreed = identified or weights.preprocessing or chosen
    if agreed is None:
        raise ValueError(
            f"{path}: these weights are of unknown origin, and so is the input they expect; name "
            "it, --preprocess caffe or torchvision (in Python preprocessing="
            "jnst.network.preprocessing.CAFFE or jnst.network.preprocessing.TORCHVISION)"
        )
    return agreed


def _agree(identified: Preprocessing, stated: Preprocessing) -> bool:
    ours, theirs = ((p.scale, *p.mean, *p.std) for p in (identified, stated))
    return identified.channel_order == stated.channel_order and np.allclose(ours, theirs, rtol=1e-3)


def _words(preprocessing: Preprocessing) -> str:
    return f"{preprocessing.channel_order} x{preprocessing.scale:g} less {preprocessing.mean}"


def verified_sha256(path: Path) -> str:
    """The file's SHA-256; ValueError for a file of jnst itself without its published hash."""
    sha256 = file_hash(path, "sha256")
    if path == find_weights("vgg16") or path.parent == cache_folder():
        file = next((f for f in known_files() if f.name == path.name and f.is_managed), None)
        if file and not file.is_intact(path):
            raise ValueError(
                f"{path} is not the file it should be (sha256:{sha256}, expected "
                f"{file.published_hash}); delete it and fetch it again, or install jnst again"
            )
    return sha256


def _download_of(network: str) -> KnownFile | None:
    return next((f for f in known_files() if f.network == network and f.download), None)
