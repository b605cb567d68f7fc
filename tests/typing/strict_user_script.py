"""A user's script, for `mypy --strict`: pictures in NumPy and JAX, the losses, all that is public.

It is checked, not run.
"""

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

import jnst

params: jnst.Params = jnst.prepare(jnst.load_weights("vgg16"), 128, 128)
picture: jnst.Picture = jnst.read_image("examples/images/coffee.jpg")
content: NDArray[np.float32] = picture.pixels
style = jnp.asarray(jnst.read_image("examples/images/harvest.jpg").pixels)
config: jnst.Config = jnst.preset("default", size=128)


def report(progress: jnst.Progress) -> bool:
    """Ends the run when the loss is small enough."""
    return float(progress.losses.total[-1]) < 1.0


result: jnst.Result = jnst.stylize(params, content, style, config, callback=report)
blend = jnst.stylize(params, style, [content, style], config, tile=256)
total: float = float(result.losses.total)
jnst.write_image("painting.png", jnst.keep_colors(result.image, content))
jnst.write_image("matched.png", jnst.match_colors(content, np.asarray(style)))
origin: dict[str, str] = jnst.read_parameters("painting.png")
height, width = jnst.fit_size(85, 128, 64)
small = jnst.resize_picture(content, height, width)

weights: jnst.LossWeights = jnst.loss_weights(config)
for image in (content, style):
    targets: jnst.Targets = jnst.make_targets(params, image, [content, style], config)
    value, terms = jnst.objective(image, params, targets, weights)
    number: float = float(value) + float(terms.content)
    maps: dict[str, jax.Array] = jnst.features(params, image, ["relu1_1", "relu4_2"])
gradient = jax.grad(lambda x: jnst.objective(x, params, targets, weights)[0])(style)

mask = np.ones(content.shape[:2], np.float32)
regions: jnst.Guidance = jnst.guidance("vgg16", config.style_layers, [mask], [None], [1.0])
targets = jnst.make_targets(params, content, [style], config, guidance=regions)
names: list[str] = [*jnst.LAYERS["vgg16"], *jnst.PRESETS, *jnst.STYLE_LOSSES, *jnst.TV_LOSSES]


def distance(mean: jax.Array, target: jax.Array, positions: int) -> jax.Array:
    """Of one's own style loss."""
    return jnp.sum(jnp.square(mean - target)) / positions


own = jnst.Config(style_loss=jnst.StyleLoss(jnp.sum, lambda sums, _: sums, distance))
