"""The transfer pipeline from arrays to an array: inputs, then scale after scale."""

from __future__ import annotations  # help then shows the names of the types

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ..arrays import AnyImage, Array, ArrayLike, Pixels
from ..compute import Canvas, Parametrization, Problem, choose_engine, make_problem
from ..compute.tiles.cutting import check_tile
from ..config import DEFAULT, Config
from ..images import Picture
from ..losses import Losses, StyleCache
from ..network import Params
from ..optimize import NotFiniteError, minimize
from ..optimize.hyperparameters import method_of, rates_of
from ..optimize.optimizer import Moments, State
from .checkpoint import Checkpoint, check_same_run
from .inputs import checked_pictures, prepare_inputs
from .masks import checked_masks
from .progress import Callback, Reporter
from .start import Painting, begin, enlarged


@dataclass(frozen=True)
class Result:
    """A finished transfer.

    Attributes:
        image: [H, W, 3] float32, sRGB nominally in [0, 1], not clipped; at the last scale's size.
        losses: the weighted terms of `image` itself, floats, margin included; where colours are
            kept by luminance, of the gray picture that gave it; where the image is enlarged, of
            the one before.
        history: the weighted terms of the point that each step evaluates, arrays; scales are
            concatenated. `image` may be another point than the last: see `stylize`.
        size: (height, width) in which the image was painted. If the callback ended the run at a
            coarser scale, the image is enlarged from it as a next scale would begin.
    """

    image: Pixels
    losses: Losses[float]
    history: Losses[Pixels]
    size: tuple[int, int]


def stylize(
    params: Params,
    content: AnyImage | Picture,
    styles: AnyImage | Picture | Sequence[AnyImage | Picture],
    config: Config = DEFAULT,
    *,
    init_image: AnyImage | Picture | None = None,
    callback: Callback | None = None,
    chunk: int | None = None,
    resume: Checkpoint | None = None,
    tile: int | None = None,
    style_cache: StyleCache | None = None,
    devices: Sequence[jax.Device] = (),
    content_masks: Sequence[ArrayLike | Picture] = (),
    style_masks: Sequence[ArrayLike | Picture | None] = (),
    keep_mask: ArrayLike | Picture | None = None,
    parametrization: Parametrization | None = None,
) -> Result:
    """Paints the content in the style.

    Args:
        params: from `jnst.load_weights`.
        content: [H, W, 3], sRGB in [0, 1], NumPy or JAX, or a `Picture` from `jnst.read_image`,
            whose hidden pixels weigh nothing in the content loss; resized to `config.size`.
        styles: one such image or a sequence of them, of any sizes; resized by `config.style_scale`
            or `style_size`. The alpha of a `Picture` is a mask of it, like `style_masks`.
        config: all settings; see `jnst.PRESETS`.
        init_image: [H, W, 3], the initial image if `config.init` is "file".
        callback: called with a `Progress` after each chunk of steps; a true result ends the run
            with the picture so far, enlarged to the last scale's size.
        chunk: steps between two callbacks; by default 1 on a CPU and 20 elsewhere.
        resume: from `Progress.checkpoint` or `load_checkpoint`; the run continues from there. On
            the same machine the picture equals that of an uninterrupted run, bit for bit. All
            other arguments must be those of the interrupted run, but for the steps of the last
            scale, to which Adam's learning rate and average then adapt.
        tile: scales with a side of more pixels than this are computed by windows of this size, in
            less memory and with the same result up to rounding (see `jnst.compute.tiles`).
        style_cache: a dict, initially empty, in which calls with the same `params` cache the
            styles' statistics, so each style and size is computed once (unused by windows or over
            several devices).
        devices: two or more that split each picture into bands of rows, with the same result up to
            rounding (see `jnst.compute.devices`); by default the one device that JAX chooses.
        content_masks: for each style the region of the picture that is painted in it, [h, w] in
            [0, 1] with 1 inside, of the content's proportions (see `jnst.losses.guidance`); by
            default the blend of all styles acts everywhere.
        style_masks: for each style the part of it to use, None for all of it.
        keep_mask: the part of the content that stays unchanged: 1 keeps a pixel exactly, values
            between 0 and 1 blend it with the painting. A mask may also be a `Picture`, white or
            opaque inside (`Picture.as_mask`).
        parametrization: see `Parametrization`; its array is optimised in place of pixels.

    Returns:
        The image at the last scale's size, and its losses. It is the last point that L-BFGS
        accepted (a later trial may have had a lower objective), or Adam's running average of its
        points, or without averaging the point after its last step.

    Raises:
        TypeError: for a picture of integers.
        ValueError: for an array that is not [H, W, 3] of finite numbers, one far from [0, 1], a
            picture too small for the layers, no style, an `init_image` missing or unused, a tile
            below 128, a choice that needs the whole picture at once, masks that do not fit the
            pictures, a checkpoint of another run (listing all differences), or what does not go
            with a parametrization.
        FloatingPointError: if the objective becomes NaN or infinite and shorter steps do not help.

    Warns:
        RuntimeWarning: if the objective was not finite and the run continues with shorter steps.
        UserWarning: if the loss was the same at every step; or if the checkpoint was made by other
            versions or on another kind of device.

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
        Gatys, Ecker and Bethge, CVPR 2016. Coarse to fine: Gatys et al., "Controlling perceptual
        factors in neural style transfer", CVPR 2017, section 6.
    """
    if tile is not None:
        check_tile(tile)
    if parametrization:
        _check_parametrized(config, devices, resume)
    pictures = checked_pictures(content, styles, init_image, config)
    masks = checked_masks(*pictures.shapes, content_masks, style_masks, keep_mask)
    masks = masks.seen(pictures.alphas)
    inputs = prepare_inputs(params, pictures, masks, config)
    config, scales = inputs.config, inputs.scales
    engines = [choose_engine(config, tile, devices, scale.painted) for scale in scales]
    fingerprints = inputs.fingerprints() if callback or resume else {}
    if resume:
        check_same_run(resume, config, fingerprints)
    if chunk is None:
        chunk = 1 if jax.default_backend() == "cpu" else 20
    report = Reporter(callback, inputs, fingerprints, resume)
    painting, first = Painting(pictures.start), resume.scale - 1 if resume else 0
    for scale, engine in list(zip(scales, engines, strict=True))[first:]:
        scene = inputs.scene(scale)
        kept = inputs.masks.kept(scene.content, scale.margin)
        canvas = Canvas(scale.margin, engine.place(kept), parametrization)
        report.scale, report.canvas = scale, canvas
        problem = make_problem(engine, canvas, params, scene, config, chunk, style_cache)
        resumed = resume if resume and scale.number == resume.scale else None
        state = canvas.encoded(begin(inputs, scale, scene, painting, resumed))
        picture, moments = _solve(problem, state, scale.steps, report)
        image = canvas.cut(picture)
        if report.stopped or scale is scales[-1]:
            final = problem.losses(picture)
            break
        painting = Painting(image, moments)
        # Free this scale's kernels and targets before the next one compiles.
        del problem, state
    if scale is not scales[-1]:
        image = enlarged(image, inputs, scale)
    losses, history = Losses(*map(float, final)), report.history()
    _warn_if_idle(history, config)
    return Result(inputs.finish(image), losses, history, scale.size)


def _check_parametrized(
    config: Config, devices: Sequence[jax.Device], resume: Checkpoint | None
) -> None:
    """Raises ValueError for what does not go with a parametrization."""
    if config.clamp or config.precondition:
        raise ValueError(
            f"clamp is {config.clamp} and precondition {config.precondition}, which are for "
            "pixels: with a parametrization give clamp=False and precondition=0"
        )
    if len(devices) > 1 or resume:
        what = "resume" if resume else f"{len(devices)} devices"
        raise ValueError(f"a parametrization does not go with {what}: leave one of them out")


def _warn_if_idle(history: Losses, config: Config) -> None:
    """Warns if no step of any scale changed the loss."""
    scales = np.split(history.total, np.cumsum(config.steps_per_scale)[:-1])
    if any(len(totals) > 1 for totals in scales) and not any(map(np.ptp, filter(len, scales))):
        warnings.warn(
            f"nothing moved: the loss was {history.total[-1]:g} at every step; check that a style "
            "weight is above 0, raise the learning rate, or give more steps",
            stacklevel=3,
        )


def _solve(
    problem: Problem, begin: Array | State, steps: int, report: Reporter
) -> tuple[Pixels, Moments | None]:
    """The painting of a scale with its margin; and Adam's moments without it, if they are carried.

    `begin` is donated; `steps` includes those that a state has already made.
    """
    config, canvas = problem.config, problem.canvas
    try:
        image, _, moments = minimize(
            problem.objective,
            problem.engine.place_state(begin, config),
            problem.arguments,
            steps=steps,
            method=method_of(config),
            rates=rates_of(config, steps),
            chunk=problem.chunk,
            callback=report,
        )
    except NotFiniteError as error:
        place = problem.diagnose(error.point)
        message = f"{error}; {place}" if place else str(error)
        good = None if error.good is None else jnp.asarray(report.image(error.good))
        raise NotFiniteError(message, error.point, good) from None
    if not config.carry or canvas.parametrization:
        moments = None
    return canvas.picture(image), canvas.moments(moments) if moments else None
