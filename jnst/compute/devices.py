"""Bands of one picture on several devices: each device holds some rows of every layer.

All bands have the same height, a multiple of the last layer's stride, so no pooling window crosses
two bands. A 3x3 convolution reads one row beyond its band, which the neighbouring device sends.
Beyond the picture it reads zeros, which is what a device without a neighbour receives; the first
convolution reads what `Config.padding` says. Rows that fill up the last bands stay zero. Each
device sums over its own positions, and `psum` adds the sums that the losses need: nothing is
computed twice, and the result is that of one device up to the order of additions.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ..arrays import Array, ArrayLike, Batch, Features, Image, Scalar
from ..config import Config
from ..losses import Losses, LossWeights, StyleCache, Targets
from ..losses.content import ContentTarget, content_targets
from ..losses.guidance import Guide
from ..losses.objective import Sums, Terms, check_fit, losses_of, sums_of
from ..losses.registry import check_over_devices
from ..losses.targets import gather_targets, statistics_of
from ..network import Params
from ..network.architecture import LAYERS, halvings, layers_to, map_shapes, smallest_side
from ..network.preprocessing import preprocess
from ..network.vgg import pool, propagate
from ..ops import conv2d, pad, relu
from ..optimize.optimizer import State
from ..optimize.steps import Objective
from .engine import Engine, Scene

_ROWS = "rows"
_WHOLE = PartitionSpec()
_BANDS = PartitionSpec(_ROWS)


@dataclass(frozen=True)
class Sharded(Engine):
    """The engine that splits each picture over devices, from the top; callable like
    `jnst.objective`, with the same result up to rounding."""

    devices: tuple[jax.Device, ...]

    @property
    def objective(self) -> Objective:
        return self

    @property
    def mesh(self) -> Mesh:
        return Mesh(np.array(self.devices), (_ROWS,))

    def place(self, tree: Any) -> Any:
        return jax.device_put(tree, NamedSharding(self.mesh, _WHOLE))

    def place_state(self, begin: Array | State, config: Config) -> Any:
        return self.place(begin)

    def prepare(self, params: Params, height: int, width: int, config: Config) -> Params:
        return params  # bands use the direct convolution

    def __call__(
        self, image: Image, params: Params, targets: Targets, weights: LossWeights
    ) -> tuple[Scalar, Losses]:
        terms = targets.terms
        check_over_devices(terms, len(self.devices))
        image = self._everywhere(image)
        shapes = map_shapes(params.network, terms.layers, *image.shape[:2])
        check_fit(image.shape, shapes, targets, weights)
        sums = self._sums(params, image, targets.content, targets.guides, terms)
        return losses_of(sums, shapes, image, targets, weights)

    def make_targets(
        self, params: Params, scene: Scene, config: Config, style_cache: StyleCache | None = None
    ) -> Targets:
        check_over_devices(config, len(self.devices))
        params, content = self.place((params, scene.content))

        def content_maps(terms: Terms) -> dict[str, ContentTarget]:
            maps = self._maps(params, content, terms._replace(style_layers=()))
            return content_targets(maps, content, config.preserve, params.network)

        def style_statistics(style: ArrayLike, guide: Guide, terms: Terms) -> dict[str, Array]:
            only_style = terms._replace(content_layers=())
            return self._statistics(params, *self.place((style, guide)), only_style)

        targets = gather_targets(
            content_maps, style_statistics, params, scene.styles, config, scene.guidance
        )
        guides, shares = self.place((targets.guides, targets.shares))
        return replace(targets, guides=guides, shares=shares)

    def _everywhere(self, values: Any) -> Any:
        # Constrains the gradient too, so every device keeps the complete optimiser state.
        return lax.with_sharding_constraint(values, NamedSharding(self.mesh, _WHOLE))

    @partial(jax.jit, static_argnames=("self", "terms"))
    def _statistics(
        self, params: Params, style: Image, guide: Guide, terms: Terms
    ) -> dict[str, Array]:
        shapes = map_shapes(params.network, terms.layers, *style.shape[:2])
        sums = self._sums(params, style, {}, (guide,) if guide else (), terms)
        return statistics_of(sums.style, shapes, guide, terms)

    @partial(jax.jit, static_argnames=("self", "terms"))
    def _maps(self, params: Params, image: Image, terms: Terms) -> Features:
        height, layers = image.shape[0], terms.layers
        features = partial(_features, height=height, terms=terms)
        run = jax.shard_map(features, mesh=self.mesh, in_specs=(_WHOLE, _BANDS), out_specs=_BANDS)
        maps = run(params, _filled_up(image, self._rows(params.network, layers, height)))
        shapes = map_shapes(params.network, layers, *image.shape[:2])
        return self._everywhere({n: maps[n][: shapes[n][0]] for n in layers})

    def _sums(
        self,
        params: Params,
        image: Image,
        content: dict[str, ContentTarget],
        guides: tuple[Guide, ...],
        terms: Terms,
    ) -> Sums:
        height = image.shape[0]
        image_rows = self._rows(params.network, terms.layers, height)

        def add_up(params: Params, rows: Image, targets: Any, guides: tuple[Guide, ...]) -> Sums:
            maps = _features(params, rows, height=height, terms=terms)
            sums = sums_of(maps, targets, terms, guides)
            return jax.tree.map(partial(lax.psum, axis_name=_ROWS), sums)

        def filled(values: dict[str, Any]) -> dict[str, Any]:
            rows = {n: image_rows >> halvings(LAYERS[params.network], n) for n in values}
            return {
                n: jax.tree.map(partial(_filled_up, rows=rows[n]), v) for n, v in values.items()
            }

        specs = (_WHOLE, _BANDS, _BANDS, _BANDS)
        run = jax.shard_map(add_up, mesh=self.mesh, in_specs=specs, out_specs=_WHOLE)
        filled_guides = tuple(map(filled, guides))
        return run(params, _filled_up(image, image_rows), filled(content), filled_guides)

    def _rows(self, network: str, layers: Iterable[str], height: int) -> int:
        """Number of image rows on all devices together."""
        unit = smallest_side(network, layers) * len(self.devices)
        return -(-height // unit) * unit


def _features(params: Params, rows: Image, *, height: int, terms: Terms) -> Features:
    """This device's band of the maps; rows beyond the picture's `height` are zero."""
    if not terms.layers:
        return {}
    order = layers_to(params.network, terms.layers)
    x = preprocess(rows * terms.input_gain, params.preprocessing)[None]

    def inside(x: Batch, name: str) -> Batch:
        return _inside(x, height >> halvings(order, name))

    def convolution(x: Batch, name: str, rectify: bool) -> Batch:
        if name == "conv1_1" and terms.padding != "zero":
            y = _convolve_first(x, terms.padding, height, **params.layers[name])
        else:
            y = _convolve(x, **params.layers[name])
        return relu(inside(y, name)) if rectify else inside(y, name)

    def pooling(x: Batch, name: str) -> Batch:
        return inside(pool(x, terms.pooling), name)

    walk = propagate(order, _inside(x, height), convolution, pooling, terms.layers)
    return {name: x[0] for name, x in walk if name in terms.layers}


def _convolve(x: Batch, kernel: Array, bias: Array) -> Batch:
    """A band of the picture's 3x3 convolution: its own part plus that of the neighbours' rows."""
    kernel, bias = lax.pcast((kernel, bias), _ROWS, to="varying")
    above, below = _neighbours(x)
    columns = ((0, 0), (1, 1))
    y = conv2d(x, kernel, bias, precision="highest")
    y = y.at[:, :1].add(conv2d(above, kernel[:1], padding=columns, precision="highest"))
    return y.at[:, -1:].add(conv2d(below, kernel[2:], padding=columns, precision="highest"))


def _convolve_first(x: Batch, padding: str, height: int, kernel: Array, bias: Array) -> Batch:
    """`_convolve` for a picture of that height, padded by repeating or mirroring its border."""
    kernel, bias = lax.pcast((kernel, bias), _ROWS, to="varying")
    above, below = _neighbours(x)
    rows = jnp.concatenate([above, x, below], axis=1)
    row = x.shape[1] * lax.axis_index(_ROWS) - 1 + jnp.arange(rows.shape[1])
    row = row[None, :, None, None]
    # The padding row copies the border row (distance 1) or the one behind it (distance 2). The row
    # below the picture may lie in any band; the rows that it copies lie above it in that band.
    distance = 1 if padding == "replicate" else 2
    rows = jnp.where(row == -1, jnp.roll(rows, -distance, axis=1), rows)
    rows = jnp.where(row == height, jnp.roll(rows, distance, axis=1), rows)
    wide = pad(rows, ((0, 0), (1, 1)), cast(Any, padding))
    return conv2d(wide, kernel, bias, padding="VALID", precision="highest")


def _neighbours(x: Batch) -> tuple[Batch, Batch]:
    """The last row of the band above and the first of the one below; zeros without a neighbour."""
    count = lax.axis_size(_ROWS)
    above = lax.ppermute(x[:, -1:], _ROWS, [(i, i + 1) for i in range(count - 1)])
    return above, lax.ppermute(x[:, :1], _ROWS, [(i + 1, i) for i in range(count - 1)])


def _inside(x: Batch, height: int) -> Batch:
    """The band with its rows beyond the picture's height set to zero."""
    rows = x.shape[1]
    if rows * lax.axis_size(_ROWS) == height:
        return x
    row = rows * lax.axis_index(_ROWS) + jnp.arange(rows)
    return jnp.where((row < height)[None, :, None, None], x, jnp.zeros((), x.dtype))


def _filled_up(values: Array, rows: int) -> Array:
    return jnp.pad(values, ((0, rows - values.shape[0]), *[(0, 0)] * (values.ndim - 1)))
