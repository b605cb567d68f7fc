"""What a scale begins with: the painting of the one before it, and what Adam had learnt there."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .arrays import Pixels
from .config import Config
from .images import resize, resize_picture
from .images.resizing import with_bleed
from .optimize.hyperparameters import method_of, rates_of
from .optimize.optimizer import Moments, State, start, with_moments
from .sizes import bleed_at


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


def begun(
    image: Pixels,
    base: Pixels,
    resized: Pixels,
    coarser: tuple[int, int] | None,
    learnt: Moments | None,
    config: Config,
    steps: int,
) -> Array | State:
    """What a scale of so many steps begins with: `first_point`, and what Adam learnt before, if it
    is known.

    Neither the pictures nor what was learnt have a bleed; what is returned has.
    """
    point = first_point(image, base, resized, coarser, config)
    by = bleed_at(resized.shape[0], resized.shape[1], config)
    bled = with_bleed(point, by)
    return first_state(bled, learnt, by, config, steps) if learnt else jnp.asarray(bled)
