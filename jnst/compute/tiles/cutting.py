"""Stages and windows: a cut of network and picture for exact computation piece by piece.

The network is cut at pooling layers into *stages*, and the map that enters each stage into
*windows*. A window is computed like a map of its own, with zeros around it. The positions where
this is exact are its *core*; the cores of all windows cover the map once.

Along one axis, with n positions entering the stage:

- Each convolution adds one position to the distance that it reads, each pooling layer doubles it.
  Going back through the layers of the stage gives its *reach* r: the core [a, b) needs the
  positions from a − r to b + r.
- Windows and cores begin at multiples of 2^p, where p is the number of pooling layers in the stage:
  both have the same pooling grid.
- A window at the map's end has the same zero padding as the map, so its core reaches that end. It
  must end exactly at n and begin on the grid: all windows have one size, congruent to n modulo 2^p.
  A pooling layer drops the same positions at the end of an odd map and of its last window; inside
  the map, dropped positions lie beyond the core's reach.

The cuts keep the reach short, at the price of storing maps: VGG-19 up to relu5_1 reaches 70 pixels,
its four stages 6, 4, 4 and 1 positions of the maps that enter them.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from ...network.architecture import check_layers, halvings, map_shapes, reach

CUTS = ("pool2", "pool3", "pool4")
"""The layers that end a stage. The map after pool1 would be as large as those three together."""

SMALLEST_TILE = 128
TILES = (768, 512, 384, 256, 192, SMALLEST_TILE)
"""Sizes of windows to choose from. Larger ones would save hardly any overlap."""
_NARROW = 64  # channels of the first block


class Window(NamedTuple):
    """A piece of the map that enters a stage."""

    start: tuple[int, int]  # (top, left) in that map
    core: tuple[int, int, int, int]  # top, bottom, left, right in the window, ends excluded


class Stage(NamedTuple):
    """Consecutive layers that are computed window by window."""

    layers: tuple[str, ...]
    shape: tuple[int, int]  # (height, width) of the map that enters
    size: tuple[int, int]  # (height, width) of every window
    windows: tuple[Window, ...]  # in row-major order
    widths: tuple[int, ...]  # channels at each of the layers

    @property
    def depth(self) -> int:
        """How often the stage halves its map."""
        return halvings(self.layers, self.layers[-1])

    @property
    def output(self) -> tuple[int, int, int]:
        """The shape of the map that leaves."""
        return self.shape_at(self.layers[-1])

    def shape_at(self, layer: str) -> tuple[int, int, int]:
        """The shape of the map at one of the layers."""
        depth = halvings(self.layers, layer)
        height, width = self.shape
        return height >> depth, width >> depth, self.widths[self.layers.index(layer)]


def stored_layers(layers: tuple[str, ...], read: Iterable[str], pooling: str) -> tuple[str, ...]:
    """The layers of a stage whose residuals the forward pass stores for the backward pass.

    They follow the last layer that a loss reads; earlier layers are recomputed anyway. With "l2"
    pooling, whose derivative needs the activations, all layers are recomputed.
    """
    if pooling.startswith("l2"):
        return ()
    return layers[max((i for i, name in enumerate(layers, start=1) if name in read), default=0) :]


def cut_axis(
    length: int, limit: int, reach: int, grid: int
) -> tuple[int, list[tuple[int, int, int]]]:
    """Cuts an axis of some positions into the fewest windows of one size, as small as possible.

    `limit` is the longest window, raised to the shortest with a core; cores and windows begin at
    multiples of `grid`. Returns the size, and for each window its start and the first and last + 1
    position of its core, relative to the start.

    >>> cut_axis(30, 18, reach=3, grid=4)
    (18, [(0, 0, 12), (8, 4, 12), (12, 8, 18)])
    """
    shortest = -(-reach // grid) * grid + grid + reach
    shortest += (length - shortest) % grid
    size = max(shortest, limit - (limit - length) % grid)
    if length <= max(limit, size):
        return length, [(0, 0, length)]
    windows = _windows(length, size, reach, grid)
    while size - grid >= shortest:
        smaller = _windows(length, size - grid, reach, grid)
        if len(smaller) > len(windows):
            break
        size, windows = size - grid, smaller
    return size, windows


def _windows(length: int, size: int, reach: int, grid: int) -> list[tuple[int, int, int]]:
    lead = -(-reach // grid) * grid
    windows: list[tuple[int, int, int]] = []
    core = 0
    while True:
        start = max(0, core - lead)
        if start + size >= length:
            start = length - size
            return [*windows, (start, core - start, size)]
        end = (start + size - reach) // grid * grid
        windows.append((start, core - start, end - start))
        core = end


def check_tile(tile: int) -> None:
    """Raises ValueError for a tile that is too small."""
    if tile < SMALLEST_TILE:
        raise ValueError(f"tile is {tile}: it must be at least {SMALLEST_TILE} pixels")


def plan_stages(
    network: str, layers: Iterable[str], height: int, width: int, tile: int
) -> tuple[Stage, ...]:
    """Cuts the computation of the named layers (there may be none) into stages and windows.

    `tile` is the longest side of a window of the image, in pixels; windows of deeper stages are
    shorter, since more channels would otherwise take more memory.
    """
    layers = tuple(layers)
    check_layers(network, layers)
    check_tile(tile)
    shapes = map_shapes(network, layers, height, width)
    order = tuple(shapes)
    ends = [i for i, name in enumerate(order, start=1) if name in CUTS or i == len(order)]
    stages: list[Stage] = []
    shape = (height, width)
    for begin, end in zip([0, *ends], ends, strict=False):
        names = order[begin:end]
        widths = tuple(shapes[name][2] for name in names)
        # The first stage needs the most memory in its first block.
        limit = int(tile * (_NARROW / max(widths)) ** 0.5) if stages else tile
        pools = sum(name.startswith("pool") for name in names)
        rows, columns = (cut_axis(n, limit, reach(names), 2**pools) for n in shape)
        windows = tuple(
            Window((top, left), (core_top, core_bottom, core_left, core_right))
            for top, core_top, core_bottom in rows[1]
            for left, core_left, core_right in columns[1]
        )
        stages.append(Stage(names, shape, (rows[0], columns[0]), windows, widths))
        shape = stages[-1].output[:2]
    return tuple(stages)


def piece(values: Any, stage: Stage, window: Window, layer: str | None = None) -> Any:
    """A window's part of the map at a layer, by default of the map that enters the stage."""
    depth = halvings(stage.layers, layer) if layer else 0
    (top, left), (height, width) = window.start, stage.size
    rows = slice(top >> depth, (top >> depth) + (height >> depth))
    return values[rows, left >> depth : (left >> depth) + (width >> depth)]
