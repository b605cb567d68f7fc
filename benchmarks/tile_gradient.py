"""How far the gradient by windows is from that of the whole picture, and where: numbers, pictures.

    python benchmarks/tile_gradient.py [--height 301] [--width 413] [--tile 128]
                                       [--networks vgg16 vgg19] [--losses gram ... wasserstein]
                                       [--pictures FOLDER] [--amplify 1e6]

Every style loss on sums, with the default's also masks, in the blend of two styles to relu5_1; and
every total variation, with next to nothing beside it. VGG-16 as embedded, VGG-19 with random
weights (He's), on a photograph. What is told is the largest difference of any entry, over the
largest entry of the gradient of the whole.

Writes tile_gradient.json and .md, and into FOLDER for each row the absolute difference as a
picture, white where `amplify` times it is the largest entry: of seams the grid would be seen.
"""

import argparse
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from common.measure import environment, write_results
from common.networks import random_layers
from common.places import PICTURES, RESULTS
from PIL import Image

import jnst
from jnst import tiles
from jnst.images import read_image, resize
from jnst.losses import STYLE_LOSSES, TV_LOSSES
from jnst.losses.guidance import EVERYWHERE, guidance
from jnst.network import Params
from jnst.network.architecture import CONVOLUTIONS
from jnst.network.preprocessing import CAFFE

SUMMED = [name for name, loss in STYLE_LOSSES.items() if loss.by_sums]


def network(name: str) -> Params:
    """VGG-16 as embedded; VGG-19, which is not, with random weights."""
    if name == "vgg16":
        return jnst.load_weights(name)
    return Params(jax.tree.map(jnp.asarray, random_layers(CONVOLUTIONS[name], 1)), name, CAFFE)


def cases(losses: list[str]) -> dict[str, dict[str, Any]]:
    """What is compared, and how it differs from the default.

    >>> list(cases(["gram"]))
    ['gram', 'variation l1', 'variation l2', 'variation nine-point', 'masks']
    """
    found: dict[str, dict[str, Any]] = {loss: {"style_loss": loss} for loss in losses}
    alone = {"tv_weight": 1e3, "style_layers": ("relu1_1",), "content_layers": ()}
    found |= {f"variation {kind}": {"tv_loss": kind, **alone} for kind in TV_LOSSES}
    return found | {"masks": {}}


def gradients(
    params: Params, pictures: list[np.ndarray], config: jnst.Config, tile: int, masked: bool
) -> dict[str, np.ndarray]:
    """The gradient by windows, and of the whole."""
    image, content, *styles = pictures
    guide, weights = EVERYWHERE, jnst.loss_weights(config)
    if masked:
        ramp = np.tile(np.linspace(0, 1, image.shape[1], dtype=np.float32), (image.shape[0], 1))
        masks = [ramp, 1 - ramp]
        shares = tuple(float(mask.mean()) for mask in masks)
        guide = guidance(params.network, config.style_layers, masks, [None, None], shares)
    cut = tiles.make_targets(params, content, styles, config, tile=tile, guidance=guide)
    _, windows = tiles.value_and_gradient(jnp.asarray(image), params, cut, weights, tile=tile)
    derive = jax.jit(jax.grad(lambda *args: jnst.objective(*args)[0]))
    first, content, *styles = map(jnp.asarray, pictures)
    targets = jnst.make_targets(params, content, styles, config, guidance=guide)
    whole = derive(first, params, targets, weights)
    return {"windows": np.asarray(windows), "whole": np.asarray(whole)}


def compared(found: dict[str, np.ndarray]) -> float:
    """The largest difference over the largest entry of the whole.

    >>> compared({"windows": np.array([1.0, -4.0]), "whole": np.array([1.0, -5.0])})
    0.2
    """
    difference = np.abs(found["windows"] - found["whole"]).max()
    return float(difference / np.abs(found["whole"]).max())


def seen(found: dict[str, np.ndarray], amplify: float) -> np.ndarray:
    """The difference as a picture in 8 bits."""
    difference = np.abs(found["windows"] - found["whole"])
    shown = amplify * difference / np.abs(found["whole"]).max()
    return np.asarray(255 * np.clip(shown, 0, 1), np.uint8)


def table(rows: list[dict[str, Any]]) -> str:
    """
    >>> print(table([{"network": "vgg16", "case": "gram", "difference": 3.6e-7}]).splitlines()[-1])
    | vgg16 | gram | 3.6e-07 |
    """
    lines = ["| network | objective | largest difference over largest entry |", "|---|---|---|"]
    lines += [f"| {row['network']} | {row['case']} | {row['difference']:.1e} |" for row in rows]
    return "\n".join(lines)


def main() -> None:
    """Reads the command line, compares, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--height", type=int, default=301)
    parser.add_argument("--width", type=int, default=413)
    parser.add_argument("--tile", type=int, default=128)
    parser.add_argument("--networks", nargs="+", default=["vgg16", "vgg19"])
    parser.add_argument("--losses", nargs="+", default=SUMMED)
    parser.add_argument("--amplify", type=float, default=1e6)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result files")
    parser.add_argument("--pictures", type=Path, help="folder of the pictures, none by default")
    options = parser.parse_args()
    machine, rows = environment(), list[dict[str, Any]]()
    names = ("astronaut.jpg", "coffee.jpg", "nocturne.jpg", "harvest.jpg")
    read = [read_image(PICTURES / name).pixels for name in names]
    size = (options.height, options.width)
    pictures = [resize(read[0], *size), resize(read[1], *size)]
    pictures += [resize(read[2], 199, 251), resize(read[3], 160, 133)]
    for name in options.networks:
        params = network(name)
        for case, changes in cases(options.losses).items():
            if case.startswith("variation") and name != options.networks[0]:
                continue  # it does not look through the network
            config = jnst.Config(**changes)
            found = gradients(params, pictures, config, options.tile, case == "masks")
            rows.append({"network": name, "case": case, "difference": compared(found)})
            print(table(rows).splitlines()[-1], flush=True)
            if options.pictures:
                options.pictures.mkdir(parents=True, exist_ok=True)
                path = options.pictures / f"{name}_{case.replace(' ', '_')}.png"
                Image.fromarray(seen(found, options.amplify)).save(path)
    told = f"{options.width}x{options.height} pixels by windows of {options.tile}."
    payload = {"environment": machine, "size": size, "tile": options.tile, "rows": rows}
    write_results("tile_gradient", payload, f"{told}\n\n{table(rows)}", options.results)


if __name__ == "__main__":
    main()
