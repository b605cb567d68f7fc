"""The layers of VGG-16 and VGG-19: names, widths, map shapes and the smallest input.

Tables only: code that plans sizes, regions or windows reads them without the network.
"""

from collections.abc import Iterable, Mapping

from ..wording import nearest

_WIDTHS = (64, 128, 256, 512, 512)
_BLOCK_DEPTHS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}


def _layer_names(depths: Iterable[int]) -> tuple[str, ...]:
    names: list[str] = []
    for block, depth in enumerate(depths, start=1):
        for index in range(1, depth + 1):
            names += [f"conv{block}_{index}", f"relu{block}_{index}"]
        names.append(f"pool{block}")
    return tuple(names)


def _convolutions(order: Iterable[str]) -> tuple[tuple[str, int, int], ...]:
    names = [name for name in order if name.startswith("conv")]
    widths = [_WIDTHS[int(name[4]) - 1] for name in names]
    return tuple(zip(names, (3, *widths[:-1]), widths, strict=True))


LAYERS: Mapping[str, tuple[str, ...]] = {n: _layer_names(d) for n, d in _BLOCK_DEPTHS.items()}
"""Every activation that can be requested, in order: conv1_1, relu1_1, conv1_2, …, pool5."""

CONVOLUTIONS: Mapping[str, tuple[tuple[str, int, int], ...]] = {
    network: _convolutions(order) for network, order in LAYERS.items()
}
"""Name, input channels and output channels of each 3x3 convolution, by network."""


def check_layers(network: str, layers: Iterable[str]) -> None:
    """Raises ValueError for an unknown network or layer; suggests the nearest layer."""
    if network not in LAYERS:
        raise ValueError(f"unknown network {network!r}: choose one of {', '.join(LAYERS)}")
    for layer in layers:
        if layer not in LAYERS[network]:
            names = ", ".join(LAYERS[network])
            hint = nearest(layer, LAYERS[network], f"it has {names}", quoted=True)
            raise ValueError(f"{network} has no layer {layer!r}; {hint}")


def smallest_side(network: str, layers: Iterable[str]) -> int:
    """The smallest height or width, in pixels, that still leaves a pixel at the deepest layer."""
    return 2 ** sum(name.startswith("pool") for name in layers_to(network, layers))


def layers_to(network: str, layers: Iterable[str]) -> tuple[str, ...]:
    """All layers up to the deepest of some layers, in order; none without any."""
    order = LAYERS[network]
    return order[: max(map(order.index, layers), default=-1) + 1]


def halvings(layers: tuple[str, ...], layer: str) -> int:
    """The number of poolings in `layers` up to and including `layer`."""
    return sum(name.startswith("pool") for name in layers[: layers.index(layer) + 1])


def reach(layers: Iterable[str]) -> int:
    """How many positions around its core a stage of these layers reads in its input map."""
    distance = 0
    for name in reversed(tuple(layers)):
        if name.startswith("conv"):
            distance += 1
        elif name.startswith("pool"):
            distance *= 2
    return distance


def map_shapes(
    network: str, layers: Iterable[str], height: int, width: int
) -> dict[str, tuple[int, int, int]]:
    """The shape [h, w, C] of the map at every layer up to the deepest of those named.

    >>> list(map_shapes("vgg19", ["relu2_1", "relu1_1"], 45, 64).items())[-2:]
    [('conv2_1', (22, 32, 128)), ('relu2_1', (22, 32, 128))]
    """
    channels = 3
    widths = {name: width for name, _, width in CONVOLUTIONS[network]}
    shapes = {}
    for name in layers_to(network, layers):
        if name.startswith("pool"):
            height, width = height // 2, width // 2
        channels = widths.get(name, channels)
        shapes[name] = (height, width, channels)
    return shapes
