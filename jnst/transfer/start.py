"""The start of an optimisation: the first image, and at a finer scale what the last one leaves."""

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
"""How much a style counts: everywhere alike, or [H, W, 1] at each pixel of the content."""

# Beside the variance of colours in [0, 1]: a content nearly of one colour has its noise enlarged to
# the contrast of a painting otherwise, and one nearly gray its tints.
_EPSILON = 1e-3
# In a style that is nearly all black a face would drown: so much of the contrast stays, at least.
_LEAST_CONTRAST = 0.5


def first_image(
    params: Params,
    content: Pixels,
    styles: Sequence[Pixels],
    config: Config,
    shares: Sequence[Share] = (),
) -> Pixels:
    """What `config.init` names.

    "matched" is the content with its colours brought to the styles'; "gray" is
    style-transfer-pytorch's, a middle gray with a 255th of uniform noise; "noise" that of the
    programs before it; "style-colors" gives each pixel the colour of a random one of the styles',
    and "blend" mixes that into the content, as neural-style in TensorFlow mixes noise.

    Args:
        params: whose preprocessing says what "noise" is centred on.
        content: [H, W, 3] at the first scale.
        styles: their pixels that count, [h, w, 3] each.
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
        # What the network sees as zero, on which the published programs centre their noise.
        gray = np.asarray(params.preprocessing.mean_color, np.float32) / config.input_gain
        return gray + np.float32(config.noise) * rng.standard_normal(content.shape, np.float32)
    palette = np.concatenate([s.reshape(-1, 3) for s in styles])
    colors = palette[rng.integers(len(palette), size=content.shape[:2])]
    if config.init == "blend":
        return content + np.float32(config.init_blend) * (colors - content)
    return colors


def matched(content: Pixels, styles: Sequence[Pixels], shares: Sequence[Share]) -> Pixels:
    """The content in the colours of the styles.

    Of all linear maps that give it the mean and the covariance of a style's colours this is the one
    that moves them least (`jnst.match_colors`, "symmetric"): what was darker or redder than the
    rest stays so. It takes no more than half of the contrast away, in any direction of the colours,
    and the mean misses the style's where more than a twentieth of a channel would be cut at 0 or 1.
    A start in the content's own colours leaves a sky gray that the painting has in red, as the
    content loss holds what the first steps have not moved.

    Args:
        content: [H, W, 3], sRGB in [0, 1].
        styles: of any sizes.
        shares: of each style; where their sum is below 1 the content's colours stay.

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
    found = content.copy()
    for style, share in zip(styles, shares, strict=True):
        if np.any(share):
            found += np.asarray(share * (_moved(content, style) - content), np.float32)
    return np.clip(found, 0, 1)


def _moved(content: Pixels, style: Pixels) -> NDArray[np.float64]:
    (mean, spread), (wanted_mean, wanted) = moments(content), moments(style)
    beside = _EPSILON * np.eye(3)
    scales, axes = np.linalg.eigh(symmetric_map(spread + beside, wanted + beside))
    matrix = (axes * np.maximum(scales, _LEAST_CONTRAST)) @ axes.T
    found = (content - mean) @ matrix + wanted_mean
    darkest, brightest = np.quantile(found, (0.05, 0.95), axis=(0, 1))
    found -= np.minimum(darkest, 0) + np.maximum(brightest - 1, 0)
    return np.clip(found, 0, 1)


def first_point(
    image: Pixels,
    base: Pixels,
    resized: Pixels,
    coarser: tuple[int, int] | None,
    config: Config,
) -> Pixels:
    """The image at the size of `resized`, the content at this scale; what a scale begins with.

    With upscale "detail", what the content has at this scale and not at the coarser one is added,
    as in a Laplacian pyramid (Burt and Adelson, 1983): an enlarged painting alone is blurred, and
    the optimiser would spend its first steps on sharpening it. With clamp it is kept inside [0, 1]
    as after each step: sharp edges overshoot where they are enlarged.

    Args:
        image: the painting so far, of any size.
        base: the content as it was given.
        resized: the content at this scale.
        coarser: (height, width) of the scale before this one, None for the first.
        config: of the run.
    """
    size = resized.shape[:2]
    found = resize(image, *size)
    if coarser is not None and config.upscale == "detail":
        blurred = resize(resize_picture(base, *coarser, resample=config.resample), *size)
        found = np.asarray(found + (resized - blurred), np.float32)
    return np.clip(found, 0, 1) if method_of(config).clamp else found


def first_state(point: Pixels, learnt: Moments, by: int, config: Config, steps: int) -> State:
    """The state at `point` of an Adam that goes on from a coarser scale.

    The running averages of the gradient and of its square are enlarged, bicubic and bilinear, the
    second kept above 0, and their number of steps goes on: so the first steps are not taken blindly
    with the whole learning rate in each pixel.

    Args:
        point: [H, W, 3] of this scale, with a bleed of `by` pixels.
        learnt: at the scale before it, without its bleed.
        by: pixels of bleed.
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
    begun = start(jnp.asarray(point), method_of(config), rates_of(config, steps))
    return with_moments(begun, enlarged)


class Painting(NamedTuple):
    """The painting so far.

    Attributes:
        image: [H, W, 3] without a margin, None before the first scale.
        moments: what Adam learnt about it, without the margin, if that is carried on.
    """

    image: Pixels | None
    moments: Moments | None = None


def begin(
    inputs: Inputs, view: View, painting: Painting, resume: Checkpoint | None = None
) -> Array | State:
    """What a scale begins with: its first point, and what Adam learnt before, if it is known.

    Args:
        inputs: of the run.
        view: the pictures at this scale.
        painting: of the scale before it.
        resume: the checkpoint to go on from, if it was written at this scale.

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
    wide = with_bleed(point, scale.margin)
    if painting.moments is None:
        return jnp.asarray(wide)
    return first_state(wide, painting.moments, scale.margin, config, scale.steps)


def resumed_state(checkpoint: Checkpoint, scale: Scale, config: Config) -> State:
    """The state of a checkpoint, for a scale that may make another number of steps now."""
    before = checkpoint.config.steps_per_scale[checkpoint.scale - 1]
    rates = rates_of(checkpoint.config, before)
    state = from_arrays(checkpoint.state, (*scale.painted, 3), method_of(config), rates)
    return at_other_rates(state, rates, rates_of(config, scale.steps))
