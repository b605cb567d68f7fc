"""The initial point or state of a scale: a first image, a coarser painting, or a checkpoint."""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from ..arrays import Pixels
from ..config import Config
from ..images import resize, resize_picture
from ..images.color_matching import moments, symmetric_map
from ..images.resizing import with_bleed
from ..network import Params
from ..optimize.hyperparameters import method_of, rates_of
from ..optimize.optimizer import (
    Moments,
    State,
    at_other_rates,
    from_arrays,
    start,
    with_moments,
)
from .checkpoint import Checkpoint
from .inputs import Inputs, View
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
    """The first image according to `config.init`.

    "matched" is the content with its colours matched to the styles'; "gray" is a middle gray with
    uniform noise of 1/255, as in style-transfer-pytorch; "noise" is normal noise around the mean
    colour, as in earlier programs; "style-colors" gives each pixel the colour of a random pixel of
    the styles, and "blend" mixes these into the content, as neural-style in TensorFlow mixes noise.

    Args:
        params: their preprocessing gives the mean colour of "noise".
        content: [H, W, 3] at the first scale.
        styles: the pixels of each to draw colours from, [h, w, 3].
        config: of the run.
        shares: of the styles, for "matched"; by default `config.style_weights`.
    """
    rng = np.random.default_rng(config.seed)
    if config.init == "content":
        return content
    if config.init == "matched":
        return matched(content, styles, shares or config.weights_per_style(len(styles)))
    if config.init == "gray":
        return np.float32(0.5) + rng.random(content.shape, np.float32) / np.float32(255)
    if config.init == "noise":
        # Preprocessing maps this colour to zero; the published programs centre their noise on it.
        gray = np.asarray(params.preprocessing.mean_color, np.float32) / config.input_gain
        return gray + np.float32(config.noise) * rng.standard_normal(content.shape, np.float32)
    palette = np.concatenate([s.reshape(-1, 3) for s in styles])
    colors = palette[rng.integers(len(palette), size=content.shape[:2])]
    if config.init == "blend":
        return content + np.float32(config.init_blend) * (colors - content)
    return colors


def matched(content: Pixels, styles: Sequence[Pixels], shares: Sequence[Share]) -> Pixels:
    """The content in the colours of the styles.

    Of all linear maps that give the content the mean and covariance of a style's colours, this one
    moves colours least (`jnst.match_colors`, "symmetric"): darker or redder pixels stay so. Two
    departures: it reduces contrast by at most half along any colour axis, and shifts the mean where
    more than 5 % of a channel would be clipped at 0 or 1. Starting from the content's own colours
    would leave, for example, a gray sky in a red painting: the content loss holds what the first
    steps have not moved.

    Args:
        content: [H, W, 3], sRGB in [0, 1].
        styles: of any sizes.
        shares: of each style; a remainder to the sum 1 keeps the content's colours.

    Returns:
        [H, W, 3] in [0, 1].

    Example:
        >>> content, style = np.full((2, 2, 3), 0.5, np.float32), np.ones((2, 2, 3), np.float32)
        >>> matched(content, [style], [0.5])[0, 0].tolist()
        [0.75, 0.75, 0.75]

    References:
        Pitié and Kokaram, "The linear Monge-Kantorovitch linear colour mapping for example-based
        colour transfer", CVMP 2007.
    """
    image = content.copy()
    for style, share in zip(styles, shares, strict=True):
        if np.any(share):
            image += np.asarray(share * (_moved(content, style) - content), np.float32)
    return np.clip(image, 0, 1)


def _moved(content: Pixels, style: Pixels) -> NDArray[np.float64]:
    (mean, covariance), (style_mean, style_covariance) = moments(content), moments(style)
    ridge = _EPSILON * np.eye(3)
    scales, axes = np.linalg.eigh(symmetric_map(covariance + ridge, style_covariance + ridge))
    matrix = (axes * np.maximum(scales, _LEAST_CONTRAST)) @ axes.T
    colors = (content - mean) @ matrix + style_mean
    darkest, brightest = np.quantile(colors, (0.05, 0.95), axis=(0, 1))
    colors -= np.minimum(darkest, 0) + np.maximum(brightest - 1, 0)
    return np.clip(colors, 0, 1)


def first_point(
    image: Pixels,
    base: Pixels,
    resized: Pixels,
    coarser: tuple[int, int] | None,
    config: Config,
) -> Pixels:
    """The initial point of a scale: the image at the size of `resized`.

    Upscale "detail" adds the content's detail that this scale has and the coarser one lacks, as in
    a Laplacian pyramid (Burt and Adelson, 1983): an enlarged painting is blurred, and the optimiser
    would spend its first steps on sharpening it. With clamp, the point is clipped to [0, 1] as
    after each step, since enlarged sharp edges overshoot.

    Args:
        image: the painting so far, of any size.
        base: the content as it was given.
        resized: the content at this scale.
        coarser: (height, width) of the scale before this one, None for the first.
        config: of the run.
    """
    size = resized.shape[:2]
    point = resize(image, *size)
    if coarser is not None and config.upscale == "detail":
        blurred = resize(resize_picture(base, *coarser, resample=config.resample), *size)
        point = np.asarray(point + (resized - blurred), np.float32)
    return np.clip(point, 0, 1) if method_of(config).clamp else point


def first_state(point: Pixels, learnt: Moments, by: int, config: Config, steps: int) -> State:
    """Adam's state at `point`, warm-started from a coarser scale.

    The running averages of the gradient (bicubic) and of its square (bilinear, clipped at 0) are
    enlarged, and their step count continues. Without them, Adam's first steps would change each
    pixel by the full learning rate.

    Args:
        point: [H, W, 3] of this scale, with a margin of `by` pixels.
        learnt: Adam's moments at the coarser scale, without its margin.
        by: the margin in pixels.
        config: of the run.
        steps: of this scale.

    References:
        style-transfer-pytorch, `scale_adam`.

    Example:
        >>> from jnst.optimize.optimizer import moments
        >>> learnt = Moments(jnp.ones((2, 3, 3)), jnp.ones((2, 3, 3)), jnp.int32(9))
        >>> point = np.zeros((4, 6, 3), np.float32)
        >>> begun = first_state(point, learnt, 0, Config(optimizer="adam"), steps=20)
        >>> moments(begun).square.shape, int(moments(begun).steps)
        ((4, 6, 3), 9)
    """
    height, width = point.shape[0] - 2 * by, point.shape[1] - 2 * by
    mean = with_bleed(resize(np.asarray(learnt.mean), height, width), by)
    square = with_bleed(resize(np.asarray(learnt.square), height, width, resample="bilinear"), by)
    enlarged = Moments(jnp.asarray(mean), jnp.asarray(np.maximum(square, 0)), learnt.steps)
    state = start(jnp.asarray(point), method_of(config), rates_of(config, steps))
    return with_moments(state, enlarged)


class Painting(NamedTuple):
    """The painting so far.

    Attributes:
        image: [H, W, 3] without a margin; before the first scale the given start, or None.
        moments: Adam's moments without the margin, if they are carried to the next scale.
    """

    image: Pixels | None
    moments: Moments | None = None


def begin(
    inputs: Inputs, view: View, painting: Painting, resume: Checkpoint | None = None
) -> Array | State:
    """The initial point of a scale, or a state with Adam's moments or from a checkpoint.

    Args:
        inputs: of the run.
        view: the pictures at this scale.
        painting: of the coarser scale.
        resume: the checkpoint to resume from, if it was written at this scale.

    Returns:
        [H, W, 3] with the margin, or a state at such a point.
    """
    config, masks, (scale, content, styles) = inputs.config, inputs.masks, view
    if resume:
        return resumed_state(resume, scale, config)
    image = painting.image
    if image is None:
        palettes, shares = masks.palettes(styles), masks.shares(content.shape)
        image = first_image(inputs.params, content, palettes, config, shares)
    coarser = inputs.scales[scale.number - 2].size if scale.number > 1 else None
    point = first_point(image, inputs.pictures.content, content, coarser, config)
    padded = with_bleed(point, scale.margin)
    if painting.moments is None:
        return jnp.asarray(padded)
    return first_state(padded, painting.moments, scale.margin, config, scale.steps)


def resumed_state(checkpoint: Checkpoint, scale: Scale, config: Config) -> State:
    """The state of a checkpoint, for a scale whose number of steps may have changed."""
    old_steps = checkpoint.config.steps_per_scale[checkpoint.scale - 1]
    rates = rates_of(checkpoint.config, old_steps)
    state = from_arrays(checkpoint.state, (*scale.painted, 3), method_of(config), rates)
    return at_other_rates(state, rates, rates_of(config, scale.steps))
