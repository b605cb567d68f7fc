"""Neural style transfer from arrays to an array: targets, a start, and the scales in turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .config import Config
from .images import resize
from .objective import Losses, loss_weights, make_targets, objective
from .optimize import Method, Rates, minimize
from .presets import DEFAULT
from .sizes import drop_small_scales, style_size, target_sizes
from .vgg import Params, check_layers, smallest_side

Pixels = NDArray[np.float32]


class Progress(NamedTuple):
    """What a callback is told after each chunk of steps.

    Attributes:
        step, steps: optimiser steps done, and in the whole run.
        scale, scales: number of the present scale, from 1, and of all scales.
        height, width: of the image at this scale.
        losses: the weighted terms, NumPy arrays with one entry for each step of the chunk.
        image: computes the picture so far, [H, W, 3] float32, at the present scale; valid only
            until the callback returns.
    """

    step: int
    steps: int
    scale: int
    scales: int
    height: int
    width: int
    losses: Losses
    image: Callable[[], Pixels]


@dataclass(frozen=True)
class Result:
    """A finished transfer.

    Attributes:
        image: [H, W, 3] float32, sRGB nominally in [0, 1], not clipped.
        losses: the weighted terms of `image` itself, floats.
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
    callback: Callable[[Progress], bool | None] | None = None,
    chunk: int | None = None,
) -> Result:
    """Paints the content in the style.

    Args:
        params: from `jnst.load_weights`.
        content: [H, W, 3], sRGB in [0, 1], NumPy or JAX; resized to `config.size`.
        styles: one such image or a sequence of them, of any sizes; each is resized so that its
            longer (or shorter, as `config.size_side` says) side is that of the content's times
            `config.style_scale`.
        config: every choice; see `jnst.PRESETS`.
        init_image: [H, W, 3], the start when `config.init` is "file".
        callback: called with a `Progress` after each chunk of steps; a true result ends the run
            with the picture so far.
        chunk: steps between two callbacks; by default 1 on a CPU and 20 elsewhere.

    Returns:
        Result, with the image at the last scale.

    Raises:
        ValueError: for an array that is not [H, W, 3] of finite numbers, a picture too small for
            the layers, an unknown layer, no style, or an `init_image` missing or given in vain.
        FloatingPointError: if the objective stops being finite.

    Example:
        >>> import jnst
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
    base = _checked("content", content)
    sources = [_checked(f"style {i}", s) for i, s in enumerate(_as_list(styles), start=1)]
    if not sources:
        raise ValueError("no style image was given: give at least one")
    start = None if init_image is None else _checked("init_image", init_image)
    if (config.init == "file") != (start is not None):
        raise ValueError(
            f"init is {config.init!r} and an init image was "
            f"{'not ' if start is None else ''}given: use init='file' together with init_image"
        )
    check_layers(params.network, (*config.content_layers, *config.style_layers))
    config = drop_small_scales(config, base.shape, [s.shape for s in sources])
    sizes = target_sizes(base.shape[0], base.shape[1], config)
    _check_sizes(params, base, sources, sizes, config)
    if chunk is None:
        chunk = 1 if jax.default_backend() == "cpu" else 20
    image = start
    history: list[Losses] = []
    for number, ((height, width), steps) in enumerate(
        zip(sizes, config.steps_per_scale, strict=True), start=1
    ):
        resized = resize(base, height, width, resample=config.resample)
        styles_here = [_style_at(s, height, width, config) for s in sources]
        if image is None:
            image = _first_image(params, resized, styles_here, config)
        targets = make_targets(
            params, jnp.asarray(resized), list(map(jnp.asarray, styles_here)), config
        )
        args = (params, targets, loss_weights(config))
        report = _reporter(callback, config, number, (height, width))
        image, losses = _improve(resize(image, height, width), args, steps, config, report, chunk)
        history.append(losses)
        if report and report.stopped:
            break
    assert image is not None
    _, final = _evaluate(jnp.asarray(image), *args)
    merged = Losses(*(np.concatenate(term) for term in zip(*history, strict=True)))
    return Result(image, Losses(*map(float, final)), merged)


def _improve(
    image: Pixels,
    args: tuple[Any, ...],
    steps: int,
    config: Config,
    report: "_Reporter | None",
    chunk: int,
) -> tuple[Pixels, Losses]:
    found, losses = minimize(
        objective,
        jnp.asarray(image),
        args,
        steps=steps,
        method=_method(config),
        rates=_rates(config),
        chunk=chunk,
        callback=report,
    )
    return np.asarray(found), losses


_evaluate = jax.jit(objective)


def _as_list(styles: Any) -> list[ArrayLike]:
    return list(styles) if isinstance(styles, list | tuple) else [styles]


def _checked(name: str, image: ArrayLike) -> Pixels:
    pixels = np.asarray(image)
    if pixels.ndim != 3 or pixels.shape[-1] != 3 or 0 in pixels.shape:
        raise ValueError(f"{name} has shape {pixels.shape}: an image is [height, width, 3]")
    if not np.issubdtype(pixels.dtype, np.floating):
        raise TypeError(
            f"{name} has dtype {pixels.dtype}: give floats in [0, 1], such as pixels / 255"
        )
    if not np.isfinite(pixels).all():
        raise ValueError(f"{name} contains NaN or infinity: repair the picture first")
    return pixels.astype(np.float32)


def _check_sizes(
    params: Params,
    content: Pixels,
    styles: list[Pixels],
    sizes: list[tuple[int, int]],
    config: Config,
) -> None:
    layers = (*config.content_layers, *config.style_layers)
    need = smallest_side(params.network, layers) if layers else 1
    named = [("content", size) for size in sizes]
    for i, style in enumerate(styles, start=1):
        named += [(f"style {i}", style_size(style.shape, *size, config)) for size in sizes]
    for name, (height, width) in named:
        if min(height, width) < need:
            raise ValueError(
                f"{name} would be {width}x{height} pixels at its smallest scale, but these layers "
                f"need at least {need} on each side: use a larger size or shallower layers"
            )


def _style_at(style: Pixels, height: int, width: int, config: Config) -> Pixels:
    size = style_size(style.shape, height, width, config)
    return resize(style, *size, resample=config.resample)


def _first_image(params: Params, content: Pixels, styles: list[Pixels], config: Config) -> Pixels:
    rng = np.random.default_rng(config.seed)
    if config.init == "content":
        return content
    if config.init == "noise":
        # What the network sees as zero, on which the published programs centre their noise.
        gray = np.asarray(params.preprocessing.mean_color, np.float32) / config.input_gain
        return gray + np.float32(config.noise) * rng.standard_normal(content.shape, np.float32)
    palette = np.concatenate([s.reshape(-1, 3) for s in styles])
    return palette[rng.integers(len(palette), size=content.shape[:2])]


def _method(config: Config) -> Method:
    if config.optimizer == "adam":
        return Method("adam", clamp=config.clamp)
    return Method("lbfgs", config.line_search, config.history)


def _rates(config: Config) -> Rates:
    return Rates(
        config.learning_rate, config.beta1, config.beta2, config.average, config.pixel_range
    )


class _Reporter:
    """Turns the optimiser's plain callback into a `Progress`."""

    def __init__(
        self,
        callback: Callable[[Progress], bool | None],
        make: Callable[..., Progress],
        offset: int,
    ) -> None:
        self._callback, self._make, self._offset = callback, make, offset
        self.stopped = False

    def __call__(self, done: int, losses: Losses, best: Callable[[], Any]) -> bool:
        progress = self._make(
            step=self._offset + done, losses=losses, image=lambda: np.asarray(best())
        )
        self.stopped = bool(self._callback(progress))
        return self.stopped


def _reporter(
    callback: Callable[[Progress], bool | None] | None,
    config: Config,
    scale: int,
    size: tuple[int, int],
) -> _Reporter | None:
    if callback is None:
        return None
    steps = config.steps_per_scale
    make = partial(
        Progress,
        steps=sum(steps),
        scale=scale,
        scales=len(steps),
        height=size[0],
        width=size[1],
    )
    return _Reporter(callback, make, sum(steps[: scale - 1]))
