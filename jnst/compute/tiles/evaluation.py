"""The objective and its gradient over windows of the picture.

Most style losses and all content losses depend on the picture only through sums over positions;
other style losses and normalised gradients are refused. The forward pass adds up the sums, stage by
stage and window by window (`jnst.compute.tiles.cutting`); the losses and their derivatives by the
sums are computed once; the backward pass goes through the same windows, last stage first.

The maps between the stages lie in the host's memory; sums are added up in float64. The order of
all additions is fixed, so a run repeats bit for bit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...arrays import Array, ArrayLike, Image, Pixels, Scalar
from ...config import Config
from ...losses import Losses, LossWeights, Targets
from ...losses.content import ContentTarget, content_targets
from ...losses.guidance import EVERYWHERE, Guidance, Guide
from ...losses.objective import Shapes, Sums, Terms, check_fit, weigh
from ...losses.registry import check_by_windows
from ...losses.targets import gather_targets, statistics_of
from ...network import Params
from ...system import trim
from .cutting import Stage, Window, piece, plan_stages
from .host_map import HostMap, release
from .passes import WindowView, backward, forward
from .variation import add_variation, variation_by_bands


def value_and_gradient(
    image: Image, params: Params, targets: Targets, weights: LossWeights, *, tile: int
) -> tuple[tuple[Scalar, Losses], Image]:
    """Same result as `jax.value_and_grad(objective, has_aux=True)`, by windows of bounded size.

    Args:
        image, params, targets, weights: as for `jnst.objective`; the targets' content may be NumPy
            arrays, which stay in the host's memory.
        tile: the longest side of a window, in pixels, at least 128.

    Raises:
        ValueError: as `jnst.objective`, for a tile that is too small, and for a style loss or a
            gradient normalisation that is not a function of sums.

    Example:
        >>> import jnst
        >>> params = jnst.load_weights("vgg16")
        >>> config = jnst.Config(style_layers=("relu1_1",), content_layers=("relu1_2",))
        >>> black, white = jnp.zeros((16, 200, 3)), jnp.ones((16, 16, 3))
        >>> targets = jnst.make_targets(params, black, [white], config)
        >>> args = (black, params, targets, jnst.loss_weights(config))
        >>> (total, terms), gradient = value_and_gradient(*args, tile=128)
        >>> bool(jnp.isclose(total, jnst.objective(*args)[0])), gradient.shape
        (True, (16, 200, 3))
    """
    stages = _stages(params, image, targets.terms, tile)
    check_fit(image.shape, _shapes(stages), targets, weights)
    sums, maps, residuals = _sweep(image, params, stages, targets, keep=True)
    value, by_sums = _finish(sums, image, stages, targets, weights, tile)
    by_output: HostMap | None = None
    for stage in reversed(stages):
        entering = maps.pop() if maps else None
        values = np.asarray(image) if entering is None else entering.values
        by_input = HostMap(values.shape)
        for window, view in _windows(stage, values, targets):
            # The rows above are not read again; release them for the derivatives.
            if entering is not None:
                entering.forget(window.start[0])
            if by_output is not None:
                by_output.forget(window.start[0] >> stage.depth)
            by_window = backward(
                replace(params, layers=_of_stage(params.layers, stage)),
                view,
                residuals[stage].pop(0),
                Sums(*(_of_stage(part, stage) for part in by_sums)),
                by_output and piece(by_output.values, stage, window, stage.layers[-1]),
                stage.layers,
                targets.terms,
            )
            piece(by_input.values, stage, window)[...] += np.asarray(by_window)
        by_output = by_input
        trim()
    gradient = np.zeros(image.shape, np.float32) if by_output is None else by_output.values
    add_variation(gradient, image, weights, targets.terms, rows=tile)
    # The image's device may differ from the computing one.
    beside = image.sharding if isinstance(image, jax.Array) and image.committed else None
    return value, jax.device_put(gradient, beside)


def objective(
    image: Image, params: Params, targets: Targets, weights: LossWeights, *, tile: int
) -> tuple[Scalar, Losses]:
    """Same result as `jnst.objective`, by windows of bounded size; not differentiable."""
    stages = _stages(params, image, targets.terms, tile)
    check_fit(image.shape, _shapes(stages), targets, weights)
    sums, _, _ = _sweep(image, params, stages, targets)
    return _finish(sums, image, stages, targets, weights, tile)[0]


def make_targets(
    params: Params,
    content: ArrayLike,
    styles: Sequence[ArrayLike],
    config: Config,
    *,
    tile: int,
    guidance: Guidance = EVERYWHERE,
) -> Targets:
    """Same result as `jnst.make_targets`, by windows of bounded size.

    The content's activations are NumPy arrays in the host's memory, large ones in a temporary file.
    """

    def content_maps(terms: Terms) -> dict[str, ContentTarget]:
        # The content needs maps, no sums.
        no_targets = Targets({}, {}, terms._replace(style_layers=(), content_layers=()))
        maps: dict[str, Any] = {}
        height, width, _ = np.shape(content)
        for layer in dict.fromkeys(terms.content_layers):
            stages = plan_stages(params.network, [layer], height, width, tile)
            _, leaving, _ = _sweep(content, params, stages, no_targets, output=True)
            maps[layer] = leaving[-1].values
        targets = content_targets(maps, content, config.preserve, params.network)
        # The weights are also read window by window from the host's memory.
        return jax.tree.map(np.asarray, targets)

    def style_statistics(style: ArrayLike, guide: Guide, terms: Terms) -> dict[str, Array]:
        terms = terms._replace(content_layers=())
        stages = _stages(params, style, terms, tile)
        targets = Targets({}, {}, terms, guides=(guide,) if guide else ())
        sums, _, _ = _sweep(style, params, stages, targets)
        return statistics_of(sums.style, _shapes(stages), guide, terms)

    return gather_targets(content_maps, style_statistics, params, styles, config, guidance)


def _stages(params: Params, image: ArrayLike, terms: Terms, tile: int) -> tuple[Stage, ...]:
    check_by_windows(terms, tile)
    height, width, _ = np.shape(image)
    return plan_stages(params.network, terms.layers, height, width, tile)


def _sweep(
    image: ArrayLike,
    params: Params,
    stages: tuple[Stage, ...],
    targets: Targets,
    *,
    keep: bool = False,
    output: bool = False,
) -> tuple[Sums, list[HostMap], dict[Stage, list[Any]]]:
    """The forward pass through all stages; with `keep` it returns what `backward` needs, with
    `output` the map that leaves the last stage."""
    sums, entering = Sums({}, {}), np.asarray(image)
    maps: list[HostMap] = []
    residuals: dict[Stage, list[Any]] = {}
    for stage in stages:
        last, leaving = stage is stages[-1], None
        if output or not last:
            leaving = HostMap(stage.output, seldom_read=last)
        stage_sums: Any = None
        stage_params = replace(params, layers=_of_stage(params.layers, stage))
        residuals[stage] = []
        for window, view in _windows(stage, entering, targets):
            window_sums, values, saved = forward(
                stage_params, view, stage.layers, targets.terms, keep=keep
            )
            addends = jax.tree.map(partial(np.asarray, dtype=np.float64), window_sums)
            stage_sums = jax.tree.map(np.add, stage_sums, addends) if stage_sums else addends
            residuals[stage].append(saved)
            if leaving is not None:
                top, bottom, left, right = (n >> stage.depth for n in window.core)
                part = piece(leaving.values, stage, window, stage.layers[-1])
                part[top:bottom, left:right] = np.asarray(values)[top:bottom, left:right]
                release(leaving.values)
        trim()
        sums = Sums(sums.style | stage_sums.style, sums.content | stage_sums.content)
        if leaving is not None:
            maps = [*maps, leaving] if keep else [leaving]
            entering = leaving.values
    sums = jax.tree.map(partial(jnp.asarray, dtype=jnp.float32), sums)
    return sums, maps, residuals


def _finish(
    sums: Sums,
    image: Image,
    stages: tuple[Stage, ...],
    targets: Targets,
    weights: LossWeights,
    tile: int,
) -> tuple[tuple[Scalar, Losses], Sums]:
    """The value with its terms, and its derivative by the sums."""
    aims, shapes = replace(targets, content={}, guides=()), tuple(_shapes(stages).items())
    (content, style), by_sums = _weighted(sums, aims, weights, shapes)
    tv = jnp.asarray(variation_by_bands(image, weights, targets.terms, rows=tile))
    total = content + style + tv
    return (total, Losses(content, style, tv, total)), by_sums


@partial(jax.jit, static_argnames="shapes")
def _weighted(
    sums: Sums, aims: Targets, weights: LossWeights, shapes: tuple[tuple[str, Any], ...]
) -> tuple[tuple[Scalar, Scalar], Sums]:
    def weighted(sums: Sums) -> tuple[Scalar, tuple[Scalar, Scalar]]:
        content, style = weigh(sums, dict(shapes), aims, weights)
        return content + style, (content, style)

    (_, parts), by_sums = jax.value_and_grad(weighted, has_aux=True)(sums)
    return parts, by_sums


def _shapes(stages: tuple[Stage, ...]) -> Shapes:
    return {layer: stage.shape_at(layer) for stage in stages for layer in stage.layers}


def _of_stage(maps: Mapping[str, Any], stage: Stage) -> dict[str, Any]:
    """The entries of a stage's layers."""
    return {name: values for name, values in maps.items() if name in stage.layers}


def _windows(
    stage: Stage, entering: Pixels, targets: Targets
) -> Iterator[tuple[Window, WindowView]]:
    """Yields each window with what it sees of the entering map and the targets."""

    def pieces(maps: Mapping[str, Any], window: Window) -> dict[str, Any]:
        return {
            n: jax.tree.map(lambda values, n=n: piece(values, stage, window, n), values)
            for n, values in _of_stage(maps, stage).items()
        }

    for window in stage.windows:
        guides = tuple(pieces(guide, window) for guide in targets.guides)
        core = np.asarray(window.core, np.int32)
        entered = piece(entering, stage, window)
        yield window, WindowView(entered, pieces(targets.content, window), guides, core)
        for values in jax.tree.leaves(targets.content):
            release(values)
