"""What keeping the kernels in float16 costs: prints the tables of weights/README.md.

    python benchmarks/float16_weights.py [ORIGINAL.onnx] [--size 256]

Compares weights/vgg16.h5 with its float32 original, which is fetched with pip if it is not given:
the relative error of the Gram matrix of each style layer, |G16 - G32| / |G32| (Frobenius), and of
the neural-style objective and its gradient with respect to the image.
"""

import argparse
import runpy
import tempfile
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from common.places import PICTURES, ROOT
from PIL import Image

from jnst.config.presets import NEURAL_STYLE
from jnst.losses import gram, loss_weights, make_targets
from jnst.losses.objective import objective
from jnst.network import Params, features, load_weights

NAMES = ("astronaut.jpg", "hubble_deep_field.jpg")


def original_params(graph: Path | None) -> Params:
    """The float32 original, from `graph` or as weights/convert.py fetches it."""
    if graph:
        return load_weights(graph)
    download = runpy.run_path(str(ROOT / "weights" / "convert.py"))["download"]
    with tempfile.TemporaryDirectory() as folder:
        return load_weights(download(Path(folder)))


def read_square(name: str, size: int) -> jax.Array:
    """An example picture, scaled to a square: [size, size, 3], sRGB in [0, 1]."""
    with Image.open(PICTURES / name) as picture:
        pixels = picture.convert("RGB").resize((size, size), Image.Resampling.LANCZOS)
    return jnp.asarray(np.asarray(pixels, np.float32) / 255)


def relative(value: jax.Array, reference: jax.Array) -> float:
    """|value - reference| / |reference|."""
    return float(jnp.linalg.norm(value - reference) / jnp.linalg.norm(reference))


def descend(gradient: Callable[[jax.Array], jax.Array], image: jax.Array, steps: int) -> jax.Array:
    """A few steps of Adam, to have an image in the middle of a run."""
    adam = optax.adam(0.02)
    state = adam.init(image)
    for _ in range(steps):
        update, state = adam.update(gradient(image), state)
        image = image + update
    return image


def print_gram_errors(half: Params, full: Params, pictures: dict[str, jax.Array]) -> None:
    """One row per style layer, one column per picture."""
    layers = NEURAL_STYLE.style_layers
    print(f"| Gram matrix | {' | '.join(pictures)} |\n|---|{'---|' * len(pictures)}")
    extract = jax.jit(lambda p, x: {n: gram(m) for n, m in features(p, x, layers).items()})
    grams = [(extract(half, x), extract(full, x)) for x in pictures.values()]
    for layer in layers:
        errors = " | ".join(f"{relative(g16[layer], g32[layer]):.1e}" for g16, g32 in grams)
        print(f"| {layer} | {errors} |")


def print_objective_errors(half: Params, full: Params, pictures: dict[str, jax.Array]) -> None:
    """The change of the objective at three images: the start, one on the way, and noise."""
    evaluate = jax.jit(jax.value_and_grad(objective, has_aux=True))
    weights = loss_weights(NEURAL_STYLE)
    content, style = pictures.values()
    targets = [make_targets(p, content, [style], NEURAL_STYLE) for p in (half, full)]
    points = {
        "the content image": content,
        "50 steps of Adam later": descend(
            lambda x: evaluate(x, full, targets[1], weights)[1], content, 50
        ),
        "noise": jax.random.uniform(jax.random.key(0), content.shape),
    }
    print("\n| neural-style at | objective, float32 | relative change | of its gradient |")
    print("|---|---|---|---|")
    for name, image in points.items():
        ours, theirs = (
            evaluate(image, p, t, weights) for p, t in zip((half, full), targets, strict=True)
        )
        (value16, _), gradient16 = ours
        (value32, _), gradient32 = theirs
        change = relative(value16, value32)
        print(f"| {name} | {value32:.6g} | {change:.1e} | {relative(gradient16, gradient32):.1e} |")


def main() -> None:
    """Reads the command line, loads both, prints both tables."""
    parser = argparse.ArgumentParser(description="what float16 kernels cost")
    parser.add_argument("original", nargs="?", type=Path, help="the float32 ONNX file")
    parser.add_argument("--size", type=int, default=256, help="side of the pictures, in pixels")
    arguments = parser.parse_args()
    half, full = load_weights("vgg16"), original_params(arguments.original)
    pictures = {name: read_square(name, arguments.size) for name in NAMES}
    print_gram_errors(half, full, pictures)
    print_objective_errors(half, full, pictures)


if __name__ == "__main__":
    main()
