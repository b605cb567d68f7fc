"""Neural style transfer from arrays to an array: targets, a start, and the scales in turn."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array
from numpy.typing import ArrayLike

from ..arrays import Pixels
from ..compute import Spread, Way, check_way
from ..compute.tiles.cutting import check_tile
from ..config import DEFAULT, Config
from ..images import resize_picture
from ..images.resizing import with_bleed, without_bleed, without_rim
from ..losses import Known, Losses
from ..network import Params
from ..network.architecture import check_layers
from ..optimize.optimizer import State
from .checkpoint import Checkpoint, check_same_run, software
from .inputs import Coloring, check_sizes, checked_pictures, colored, fingerprints, styles_at
from .masks import checked_masks
from .progress import Callback, Reporter
from .scale import paint_scale, resumed_state
from .sizes import bleed_at, drop_small_scales, painted_sizes, target_sizes
from .start import begun, first_image


@dataclass(frozen=True)
class Result:
    """A finished transfer.

    Attributes:
        image: [H, W, 3] float32, sRGB nominally in [0, 1], not clipped.
        losses: the weighted terms of `image` itself, floats, with the bleed that was cut off it;
            where `config.color` keeps the content's colours by luminance, of the gray picture that
            gave its luminance.
        history: the weighted terms at each step, arrays; scales follow one another.
    """

    image: Pixels
    losses: Losses
    history: Losses


def stylize(
    params: Params,
    content: ArrayLike,
    styles: ArrayLike | Sequence[ArrayLike],
    config: Config = DEFAULT,
    *,
    init_image: ArrayLike | None = None,
    callback: Callback | None = None,
    chunk: int | None = None,
    resume: Checkpoint | None = None,
    tile: int | None = None,
    known: Known | None = None,
    devices: Sequence[jax.Device] = (),
    content_masks: Sequence[ArrayLike] = (),
    style_masks: Sequence[ArrayLike | None] = (),
    keep_mask: ArrayLike | None = None,
) -> Result:
    """Paints the content in the style.

    Args:
        params: from `jnst.load_weights`.
        content: [H, W, 3], sRGB in [0, 1], NumPy or JAX; resized to `config.size`.
        styles: one such image or a sequence of them, of any sizes; each is resized so that its
            longer (or shorter, as `config.size_side` says) side is that of the content's times
            its `config.style_scale`, or its `config.style_size`.
        config: every choice; see `jnst.PRESETS`.
        init_image: [H, W, 3], the start when `config.init` is "file".
        callback: called with a `Progress` after each chunk of steps; a true result ends the run
            with the picture so far.
        chunk: steps between two callbacks; by default 1 on a CPU and 20 elsewhere.
        resume: from `Progress.checkpoint` or `load_checkpoint`; the run goes on from there, and on
            the same machine ends in the same picture, bit for bit, as one that was not broken off.
            All other arguments are those of the run that was; only the steps of the last scale
            may be others. Adam's learning rate and its average then go on as at that step of a run
            of so many.
        tile: scales with a side of more pixels than this are computed by windows of this size, in
            less memory and with the same result but for rounding (see `jnst.tiles`); None computes
            every picture at once.
        known: an empty dict that this call fills with the statistics of the styles; calls with the
            same `params` that are given the same dict compute those of each style and size once
            (but for what is computed by windows or over several devices).
        devices: two or more that share the work on each picture, by bands of its rows, with the
            same result but for rounding (see `jnst.compute.devices`); by default JAX's own choice
            of one.
        content_masks: for each style the region of the picture that is painted in it, [h, w] in
            [0, 1] with 1 inside, of the content's proportions (see `jnst.losses.guidance`); by
            default the blend of all styles acts everywhere.
        style_masks: for each style the part of it that is looked at, None for all.
        keep_mask: where the content stays as it is: 1 exactly, between 0 and 1 faded into the
            painting (see `jnst.compute.canvas`).

    Returns:
        Result, with the image at the last scale.

    Raises:
        ValueError: for an array that is not [H, W, 3] of finite numbers, a picture too small for
            the layers, an unknown layer, no style, an `init_image` missing or given in vain, a tile
            below 128, a choice that needs the whole picture at once beside windows or several
            devices, masks that do not fit the pictures, or a checkpoint of another run, with all
            that is different.
        FloatingPointError: if the objective stops being finite and shorter steps do not help.

    Warns:
        RuntimeWarning: where the objective was not finite and the run goes on with shorter steps.
        UserWarning: if the checkpoint was made by other versions or on another kind of device.

    Example:
        >>> import jnst
        >>> import numpy as np
        >>> config = jnst.Config(size=32, scales=(1.0,), steps=(2,), content_layers=("relu2_1",),
        ...                      style_layers=("relu1_1",))
        >>> noise = np.random.default_rng(0).random((40, 50, 3), np.float32)
        >>> result = stylize(jnst.load_weights("vgg16"), noise, noise[:20], config)
        >>> result.image.shape, result.history.total.shape
        ((25, 32, 3), (2,))

    References:
        Gatys, Ecker and Bethge, CVPR 2016; coarse to fine as in Gatys et al., "Controlling
        perceptual factors in neural style transfer", CVPR 2017, section 6.
    """
    base, sources, start = checked_pictures(content, styles, init_image, config)
    shapes = [source.shape for source in sources]
    masks = checked_masks(base.shape, shapes, content_masks, style_masks, keep_mask)
    sources = [without_rim(source, config.style_rim) for source in sources]
    masks = masks.without_rim(config.style_rim)
    shapes = [source.shape for source in sources]
    check_layers(params.network, (*config.content_layers, *config.style_layers))
    if tile is not None:
        check_tile(tile)
    config = drop_small_scales(config, base.shape, shapes)
    sizes = target_sizes(base.shape[0], base.shape[1], config)
    check_sizes(params, base, sources, sizes, config)
    watched = callback or resume
    inputs = fingerprints(params, base, sources, start, masks.named()) if watched else {}
    if resume:
        check_same_run(resume, config, inputs)
        _check_software(resume)
    painted_at = painted_sizes(base.shape[0], base.shape[1], config)
    check_way(config, painted_at, tile, len(devices))
    spread = Spread(tuple(devices)) if len(devices) > 1 else None
    coloring = colored(config.color, base, sources)
    base, sources = coloring.content, coloring.styles
    finish = partial(_finished, coloring, config)
    report = Reporter(callback, config, inputs, resume.losses if resume else None, finish)
    if chunk is None:
        chunk = 1 if jax.default_backend() == "cpu" else 20
    image, learnt, final = start, None, None
    for number, (height, width) in enumerate(sizes, start=1):
        if resume and number < resume.scale:
            continue
        report.begin_scale(number, (height, width))
        resized = resize_picture(base, height, width, resample=config.resample)
        by = bleed_at(height, width, config)
        bled = with_bleed(resized, by)
        styles_here = styles_at(sources, height, width, config)
        there = [style.shape for style in styles_here]
        guidance = masks.guidance(params.network, resized.shape, there, config)
        kept = masks.kept(resized, by)
        here = None if tile is None or max(bled.shape) <= tile else tile
        way = Way(here, spread, guidance, spread.placed(kept) if spread else kept, by)
        report.shown = way.shown
        args = way.args(params, bled, styles_here, config, chunk, known)
        steps = config.steps_per_scale[number - 1]
        begin: Array | State
        if resume and number == resume.scale:
            begin = resumed_state(resume, bled.shape, config, steps)
        else:
            if image is None:
                palettes = masks.palettes(styles_here)
                shares = masks.shares(resized.shape)
                image = first_image(params, resized, palettes, config, shares)
            coarser = sizes[number - 2] if number > 1 else None
            begin = begun(image, base, resized, coarser, learnt, config, steps)
        begin = way.placed(begin, config, height, width)
        painted, learnt = paint_scale(way, begin, args, steps, config, report, chunk)
        image = without_bleed(painted, by)
        if report.stopped or number == len(sizes):
            final = way.losses(jnp.asarray(painted), args, config, chunk)
            break
        # The next scale's compilation needs the memory of this one's kernels and targets.
        del args, begin
    assert image is not None
    assert final is not None
    return Result(finish(image), Losses(*map(float, final)), report.history())


def _finished(coloring: Coloring, config: Config, image: Pixels) -> Pixels:
    return coloring.finish(image, partial(resize_picture, resample=config.resample))


def _check_software(checkpoint: Checkpoint) -> None:
    now = software()
    if dict(checkpoint.made_by) != now:
        names = [name for name in now if checkpoint.made_by.get(name) != now[name]]
        changes = [f"{n} was {checkpoint.made_by.get(n)} and is {now[n]}" for n in names]
        warnings.warn(
            f"the picture may differ a little from that of an unbroken run: {'; '.join(changes)}",
            stacklevel=3,
        )
