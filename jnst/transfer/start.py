"""The initial point or state of a scale: a first image, a coarser painting, or a checkpoint."""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, Pixels
from ..compute import Canvas, Scene
from ..config import Config
from ..images import resize, resize_picture
from ..images.color_matching import moments, symmetric_map
from ..images.resizing import with_bleed, without_bleed
from ..network import Params
from ..optimize.hyperparameters import method_of, rates_of
from ..optimize.optimizer import Moments, State, at_other_rates, from_arrays, start, with_moments
from .checkpoint import Checkpoint
from .inputs import Inputs
from .sizes import Scale

Share = float | Pixels
"""The weight of a style: one for all pixels, or [H, W, 1] for each pixel of the content."""

# Added to the variance of colours in [0, 1]. Otherwise the noise of a nearly uniform content would
# be amplified to a painting's contrast, and so would the tints of a nearly gray one.
_EPSILON = 1e-3
# Minimum share of the content's contrast: a nearly black style would otherwise hide its details.
_LEAST_CONTRAST = 0.5


def first_image(
    params: Params,
    content: Pixels,
    styles: Sequence[Pixels],
    config: Config,
    shares: Sequence[Share] = (),
) -> Pixels:
    """The first image according to `config.init`, for a content [H, W, 3] at the first scale, with
    colours from these pixels of the styles; their shares default to `config.style_weights`."""
    rng = np.random.default_rng(config.seed)
    if config.init == "content":
        return content
    if config.init == "matched":
        return matched(content, styles, shares or config.weights_per_style(len(styles)))
    if config.init == "gray":
        # As style-transfer-pytorch.
        return np.float32(0.5) + rng.random(content.shape, np.float32) / np.float32(255)
    if config.init == "noise":
        # Preprocessing maps this colour to zero; the published programs centre their noise on it.
        gray = np.asarray(params.preprocessing.mean_color, np.float32) / config.input_gain
        return gray + np.float32(config.noise) * rng.standard_normal(content.shape, np.float32)
    palette = np.concatenate([s.reshape(-1, 3) for s in styles])
    colors = palette[rng.integers(len(palette), size=content.shape[:2])]
    if config.init == "blend":
        # As neural-style in TensorFlow mixes noise.
        return content + np.float32(config.init_blend) * (colors - content)
    return colors


def matched(content: Pixels, styles: Sequence[Pixels], shares: Sequence[Share]) -> Pixels:
    """The content in the colours of the styles, [H, W, 3] in [0, 1].

    Of all linear maps that give the content the mean and covariance of a style's colours, this one
    moves colours least (`jnst.match_colors`, "symmetric"): darker or redder pixels stay so. Two
    departures: it reduces contrast by at most half along any colour axis, and shifts the mean where
    more than 5 % of a channel would be clipped at 0 or 1. Shares of the styles below a sum of 1
    keep the rest of the content's colours, which alone would leave a gray sky in a red painting.
    """
    image = content.copy()
    for style, share in zip(styles, shares, strict=True):
        if np.any(share):
            image += np.asarray(share * (_recolored(content, style) - content), np.float32)
    return np.clip(image, 0, 1)


def _recolored(content: Pixels, style: Pixels) -> NDArray[np.float64]:
    (mean, covariance), (style_mean, style_covariance) = moments(content), moments(style)
    ridge = _EPSILON * np.eye(3)
    scales, axes = np.linalg.eigh(symmetric_map(covariance + ridge, style_covariance + ridge))
    matrix = (axes * np.maximum(scales, _LEAST_CONTRAST)) @ axes.T
    colors = (content - mean) @ matrix + style_mean
    darkest, brightest = np.quantile(colors, (0.05, 0.95), axis=(0, 1))
    colors -= np.minimum(darkest, 0) + np.maximum(brightest - 1, 0)
    return np.clip(colors, 0, 1)


def first_point(
    image: Pixels, base: Pixels, resized: Pixels, coarser: tuple[int, int] | None, config: Config
) -> Pixels:
    """The initial point of a scale: the image, of any size, at the size of `resized`.

    An enlarged painting is blurred: upscale "detail" adds the detail of the content, `base`, that
    this scale has and the coarser one, of that height and width, lacks, as in a Laplacian pyramid
    (Burt and Adelson, 1983). With clamp, the point is clipped to [0, 1] as after each step.
    """
    size = resized.shape[:2]
    point = resize(image, *size)
    if coarser is not None and config.upscale == "detail":
        blurred = resize(resize_picture(base, *coarser, resample=config.resample), *size)
        point = np.asarray(point + (resized - blurred), np.float32)
    return np.clip(point, 0, 1) if method_of(config).clamp else point


def enlarged(image: Pixels, inputs: Inputs, scale: Scale) -> Pixels:
    """The painting of a coarser scale at the last scale's size, as a next scale would begin."""
    config, content = inputs.config, inputs.pictures.content
    resized = resize_picture(content, *inputs.scales[-1].size, resample=config.resample)
    point = first_point(image, content, resized, scale.size, config)
    return Canvas(kept=inputs.masks.kept(resized, 0)).picture(point)


def first_state(point: Pixels, coarser: Moments, margin: int, config: Config, steps: int) -> State:
    """Adam's state at `point`, [H, W, 3] with its margin, warm-started from a coarser scale, as
    style-transfer-pytorch's `scale_adam` does.

    The running averages of the gradient (bicubic) and of its square (bilinear, clipped at 0) are
    enlarged, and their step count continues. Without them, Adam's first steps would change each
    pixel by the full learning rate.
    """
    size = point.shape[0] - 2 * margin, point.shape[1] - 2 * margin
    mean = resize(np.asarray(coarser.mean), *size)
    square = np.maximum(resize(np.asarray(coarser.square), *size, resample="bilinear"), 0)
    mean, square = (with_bleed(values, margin) for values in (mean, square))
    enlarged = Moments(jnp.asarray(mean), jnp.asarray(square), coarser.steps)
    state = start(jnp.asarray(point), method_of(config), rates_of(config, steps))
    return with_moments(state, enlarged)


class Painting(NamedTuple):
    """The painting so far, without its margin."""

    image: Pixels | None  # [H, W, 3]; before the first scale the given start, or None
    moments: Moments | None = None  # Adam's, if they are carried to the next scale


def begin(
    inputs: Inputs, scale: Scale, scene: Scene, painting: Painting, resume: Checkpoint | None
) -> Array | State:
    """The initial point of a scale, [H, W, 3] with the margin, or a state at such a point: with
    Adam's moments from the coarser painting, or of a checkpoint that was written at this scale."""
    config, masks = inputs.config, inputs.masks
    if resume:
        # The number of steps may have changed.
        old_steps = resume.config.steps_per_scale[resume.scale - 1]
        rates = rates_of(resume.config, old_steps)
        state = from_arrays(resume.state, (*scale.painted, 3), method_of(config), rates)
        return at_other_rates(state, rates, rates_of(config, scale.steps))
    image, content = painting.image, without_bleed(scene.content, scale.margin)
    if image is None:
        palettes, shares = masks.palettes(scene.styles), masks.shares(content.shape)
        image = first_image(inputs.params, content, palettes, config, shares)
    coarser = inputs.scales[scale.number - 2].size if scale.number > 1 else None
    point = first_point(image, inputs.pictures.content, content, coarser, config)
    padded = with_bleed(point, scale.margin)
    if painting.moments is None:
        return jnp.asarray(padded)
    return first_state(padded, painting.moments, scale.margin, config, scale.steps)
