"""Reports on weight files as lines of text: all known files, or one in detail."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ...network.download import part_of
from ...network.formats import Layers, WeightFile, check_is_file, read_weight_file
from ...network.manifest import (
    KnownFile,
    identify,
    identify_by_hash,
    known_files,
    weights_folder,
)
from ...network.preprocessing import Preprocessing
from ...network.weights import agreed_preprocessing, cache_folder, verified_sha256


def overview() -> list[str]:
    """A table of the known files: what they are, how large, and where they are on this machine.

    Reads no file but the manifest.

    Example:
        >>> lines = overview()
        >>> lines[0].split()
        ['file', 'network', 'family', 'format', 'MB', 'licence', 'here']
        >>> lines[1].split()[:3]
        ['vgg16.h5', 'vgg16', 'caffe']
    """
    rows = [("file", "network", "family", "format", "MB", "licence", "here")]
    for file in known_files():
        size = f"{file.size / 1e6:.0f}" if file.size else "?"
        kind = (file.network, file.family, file.format)
        rows.append((file.name, *kind, size, file.licence, _whereabouts(file)))
    return [
        *_table(rows, right=(4,)),
        "",
        f"Fetched files are kept in {cache_folder()} (JNST_CACHE names another folder).",
    ]


def details(path: Path, chosen: Preprocessing | None = None) -> Iterator[str]:
    """A report on one file, line by line; an error that would fail a load ends it.

    Args:
        path: of a weight file, in any format.
        chosen: the preprocessing that the caller names, as for `jnst.load_weights`.

    Raises:
        OSError, ValueError, ImportError: as `jnst.load_weights` does.

    Example:
        >>> lines = list(details(weights_folder() / "vgg16.h5"))
        >>> lines[2]
        'known as   vgg16.h5: caffe vgg16, CC BY 4.0'
        >>> lines[-1]
        'It loads.'
    """
    check_is_file(path)
    yield f"file       {path}, {path.stat().st_size:,} bytes"
    sha256, known_file = identify_by_hash(path)
    yield f"sha256     {sha256}"
    yield f"known as   {_title(known_file)}"
    verified_sha256(path)
    weights = read_weight_file(path)
    yield f"format     {weights.format}"
    yield f"network    {weights.network}, {len(weights.layers)} convolutions"
    for name, text in weights.notes.items():
        yield _printable(f"{name:<10} {' '.join(text.split())}")
    yield f"begins     {_first_values(weights.layers)}"
    yield from ["", *_statistics(weights.layers), ""]
    expects = agreed_preprocessing(path, weights, chosen)
    yield f"family     {_family(weights, known_file)}"
    yield f"input      {_words(expects)}"
    yield "It loads."


def _printable(text: str) -> str:
    """Text of an untrusted file, without control characters for the terminal.

    >>> _printable("red \\x1b[31m")
    'red ?[31m'
    """
    return "".join(c if c.isprintable() else "?" for c in text[:300])


def _title(file: KnownFile | None) -> str:
    if file is None:
        return "none of the published files (its hash is not in the manifest)"
    return f"{file.name}: {file.family} {file.network}, {file.licence}"


def _family(weights: WeightFile, file: KnownFile | None) -> str:
    identified = identify(weights.layers, weights.network)
    if identified:
        return f"{identified.name}, by the first convolution"
    return f"{file.family}, by the hash" if file else "unknown"


def _words(expects: Preprocessing) -> str:
    """
    >>> from jnst.network.preprocessing import CAFFE
    >>> _words(CAFFE)
    'B, G, R from 0 to 255, less 103.939, 116.779, 123.68'
    """
    order, mean = ", ".join(expects.channel_order), ", ".join(f"{v:g}" for v in expects.mean)
    text = f"{order} from 0 to {expects.scale:g}, less {mean}"
    if set(expects.std) != {1.0}:
        text += f", divided by {', '.join(f'{v:g}' for v in expects.std)}"
    return text


def _first_values(layers: Layers) -> str:
    """Identifies the family: the top row of the first kernel for each channel, and four biases."""
    kernel, bias = layers["conv1_1"]["kernel"], layers["conv1_1"]["bias"]
    rows = [_numbers(kernel[0, :, channel, 0]) for channel in range(3)]
    return f"conv1_1 {' | '.join(rows)}; bias {_numbers(bias[:4])}"


def _numbers(values: np.ndarray) -> str:
    return " ".join(f"{value:.7g}" for value in values)


def _statistics(layers: Layers) -> list[str]:
    heading = ("layer", "kernel", "first", "mean", "std", "bias first", "mean", "std")
    rows: list[tuple[str, ...]] = [heading]
    for name, layer in layers.items():
        shape = "x".join(map(str, layer["kernel"].shape))
        numbers: list[str] = []
        for values in (layer["kernel"], layer["bias"]):
            exact = values.astype(np.float64)
            numbers += [f"{v:.6g}" for v in (values.flat[0], exact.mean(), exact.std())]
        rows.append((name, shape, *numbers))
    return _table(rows, right=range(2, 8))


def _table(rows: Sequence[Sequence[str]], right: Sequence[int]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _whereabouts(file: KnownFile) -> str:
    for path in (weights_folder() / file.name, cache_folder() / file.name):
        if path.is_file():
            size = path.stat().st_size
            wrong = file.size is not None and size != file.size
            return f"{path}, damaged: {size:,} bytes" if wrong else str(path)
    part = part_of(cache_folder() / file.name)
    received = f"{part.stat().st_size / 1e6:.1f} MB have come; " if part.is_file() else ""
    return f"no; {received}jnst weights fetch {file.network}" if file.download else "no"
