"""The objective and its gradient over windows of the picture: exactly, in bounded memory.

Most style losses and all content losses depend on the picture only through sums over positions.
These are computed without approximation, and no window has a style of its own; other style losses
and normalised gradients are refused:

1. forward: add up the sums, stage by stage and window by window (`jnst.compute.tiles.cutting`);
2. compute the losses and their derivatives by the sums once;
3. backward: propagate the derivatives through the same windows, last stage first.

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
from jaxtyping import Array
from numpy.typing import ArrayLike, NDArray

from ...arrays import Image, Scalar
from ...config import Config
from ...losses import STYLE_LOSSES, Losses, LossWeights, Targets
from ...losses.content import ContentTarget, content_targets
from ...losses.guidance import EVERYWHERE, Guidance, Guide
from ...losses.objective import Sums, Terms, check_fit, weigh
from ...losses.registry import check_by_windows
from ...losses.targets import gather_targets
from ...network import Params
from ...network.architecture import halvings
from ...system import trim
from .cutting import Stage, Window, piece, plan_stages
from .host_map import HostMap, release
from .passes import WindowView, backward, forward
from .variation import add_variation, variation_by_bands

Map = NDArray[np.float32]


def value_and_gradient(
    image: Image, params: Params, targets: Targets, weights: LossWeights, *, tile: int
) -> tuple[tuple[Scalar, Losses], Image]:
    """Same result as `jax.value_and_grad(objective, has_aux=True)`, by windows of bounded size.

    Args:
        image, params, targets, weights: as for `jnst.objective`; the targets' content may be NumPy
            arrays, which stay in the host's memory.
        tile: the longest side of a window, in pixels, at least 128.

    Returns:
        ((total, Losses), gradient [H, W, 3]).

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
                by_output.forget(window.start[0] >> halvings(stage.layers, stage.layers[-1]))
            by_window = backward(
                _only(params, stage),
                view,
                residuals[stage].pop(0),
                _of_stage(by_sums, stage),
                by_output and piece(by_output.values, stage, window, stage.layers[-1]),
                stage.layers,
                targets.terms,
            )
            piece(by_input.values, stage, window)[...] += np.asarray(by_window)
        by_output = by_input
        trim()
    gradient = np.zeros(image.shape, np.float32) if by_output is None else by_output.values
    add_variation(gradient, image, weights, targets.terms, rows=tile)
    return value, _beside(gradient, image)


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

    The content's activations are NumPy arrays in the host's memory, large ones in a temporary
    file; the guidance may be NumPy arrays too.
    """

    def content_maps(terms: Terms) -> dict[str, ContentTarget]:
        # The content needs maps, no sums.
        no_targets = Targets({}, {}, terms._replace(style_layers=(), content_layers=()))
        maps: dict[str, Any] = {}
        for layer in dict.fromkeys(terms.content_layers):
            stages = plan_stages(params.network, [layer], *_size(content), tile)
            _, leaving, _ = _sweep(content, params, stages, no_targets, output=True)
            maps[layer] = leaving[-1].values
        targets = content_targets(maps, content, config.preserve, params.network)
        # The weights are also read window by window from the host's memory.
        in_memory: dict[str, ContentTarget] = jax.tree.map(np.asarray, targets)
        return in_memory

    def style_statistics(style: ArrayLike, guide: Guide, terms: Terms) -> dict[str, Array]:
        return _statistics(params, style, guide, terms._replace(content_layers=()), tile)

    return gather_targets(content_maps, style_statistics, params, styles, config, guidance)


def _statistics(
    params: Params, style: ArrayLike, guide: Guide, terms: Terms, tile: int
) -> dict[str, Array]:
    stages = _stages(params, style, terms, tile)
    targets = Targets({}, {}, terms, guides=(guide,) if guide else ())
    sums, _, _ = _sweep(style, params, stages, targets)
    shapes, loss = _shapes(stages), STYLE_LOSSES[terms.style_loss]
    return {
        layer: loss.statistic(total[0] if guide else total, shapes[layer][0] * shapes[layer][1])
        for layer, total in sums.style.items()
    }


def _stages(params: Params, image: ArrayLike, terms: Terms, tile: int) -> tuple[Stage, ...]:
    check_by_windows(terms, tile)
    layers = (*terms.style_layers, *terms.content_layers)
    return plan_stages(params.network, layers, *_size(image), tile)


def _size(image: ArrayLike) -> tuple[int, int]:
    height, width, _ = np.shape(image)
    return height, width


def _sweep(
    image: ArrayLike,
    params: Params,
    stages: tuple[Stage, ...],
    targets: Targets,
    *,
    keep: bool = False,
    output: bool = False,
) -> tuple[Sums, list[HostMap], dict[Stage, list[Any]]]:
    """The forward pass through all stages.

    Args:
        keep: whether to return the maps between the stages and the windows' residuals, for the
            backward pass.
        output: whether to append the map that leaves the last stage.
    """
    sums, entering = Sums({}, {}), np.asarray(image)
    maps: list[HostMap] = []
    residuals: dict[Stage, list[Any]] = {}
    for stage in stages:
        leaving = None
        if output or stage is not stages[-1]:
            leaving = HostMap(stage.output, seldom_read=output and stage is stages[-1])
        stage_sums: Any = None
        residuals[stage] = []
        for window, view in _windows(stage, entering, targets):
            part, values, saved = forward(
                _only(params, stage), view, stage.layers, targets.terms, keep=keep
            )
            part = jax.tree.map(partial(np.asarray, dtype=np.float64), part)
            stage_sums = part if stage_sums is None else jax.tree.map(np.add, stage_sums, part)
            residuals[stage].append(saved)
            if leaving is not None:
                _put_core(leaving.values, np.asarray(values), stage, window)
                release(leaving.values)
        trim()
        sums = Sums(sums.style | stage_sums.style, sums.content | stage_sums.content)
        if leaving is not None:
            maps = [*maps, leaving] if keep else [leaving]
            entering = leaving.values
    sums = jax.tree.map(partial(jnp.asarray, dtype=jnp.float32), sums)
    return sums, maps, residuals


def _beside(gradient: Map, image: Image) -> Array:
    """Moves the gradient to the image's device, which may differ from the computing one."""
    if isinstance(image, jax.Array) and image.committed:
        return jax.device_put(gradient, image.sharding)
    return jnp.asarray(gradient)


def _finish(
    sums: Sums,
    image: Image,
    stages: tuple[Stage, ...],
    targets: Targets,
    weights: LossWeights,
    tile: int,
) -> tuple[tuple[Scalar, Losses], Sums]:
    """The value with its terms, and its derivative by the sums."""
    shapes, terms = _shapes(stages), targets.terms
    (content, style), by_sums = _weighted(
        sums, targets.style, weights, tuple(shapes.items()), terms, targets.shares
    )
    tv = jnp.asarray(variation_by_bands(image, weights, terms, rows=tile))
    total = content + style + tv
    return (total, Losses(content, style, tv, total)), by_sums


@partial(jax.jit, static_argnames=("shapes", "terms"))
def _weighted(
    sums: Sums,
    matched: dict[str, Any],
    weights: LossWeights,
    shapes: tuple[tuple[str, tuple[int, int, int]], ...],
    terms: Terms,
    shares: tuple[Array, ...],
) -> tuple[tuple[Scalar, Scalar], Sums]:
    def weighted(sums: Sums) -> tuple[Scalar, tuple[Scalar, Scalar]]:
        content, style = weigh(sums, dict(shapes), matched, weights, terms, shares)
        return content + style, (content, style)

    (_, parts), by_sums = jax.value_and_grad(weighted, has_aux=True)(sums)
    return parts, by_sums


def _shapes(stages: tuple[Stage, ...]) -> dict[str, tuple[int, int, int]]:
    return {layer: stage.shape_at(layer) for stage in stages for layer in stage.layers}


def _of_stage(by_sums: Sums, stage: Stage) -> Sums:
    style, content = ({k: v for k, v in part.items() if k in stage.layers} for part in by_sums)
    return Sums(style, content)


def _only(params: Params, stage: Stage) -> Params:
    return replace(params, layers={n: v for n, v in params.layers.items() if n in stage.layers})


def _windows(stage: Stage, entering: Map, targets: Targets) -> Iterator[tuple[Window, WindowView]]:
    """Yields each window with what it sees of the entering map and the targets."""

    def pieces(maps: Mapping[str, Any], window: Window) -> dict[str, Any]:
        return {
            n: jax.tree.map(lambda values, n=n: piece(values, stage, window, n), maps[n])
            for n in maps
            if n in stage.layers
        }

    for window in stage.windows:
        guides = tuple(pieces(guide, window) for guide in targets.guides)
        core = np.asarray(window.core, np.int32)
        entered = piece(entering, stage, window)
        yield window, WindowView(entered, pieces(targets.content, window), guides, core)
        for values in jax.tree.leaves(targets.content):
            release(values)


def _put_core(leaving: Map, values: Map, stage: Stage, window: Window) -> None:
    last = stage.layers[-1]
    top, bottom, left, right = (n >> halvings(stage.layers, last) for n in window.core)
    part = piece(leaving, stage, window, last)
    part[top:bottom, left:right] = values[top:bottom, left:right]
