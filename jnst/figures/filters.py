"""Figures of filters: classic kernels, a network's first filters, and its feature maps."""

import math

import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from numpy.typing import ArrayLike, NDArray

from ..arrays import check_image
from ..network import Params, features
from ..ops.window import Padding
from .kernels import CLASSIC, Kernels, apply_filter, gabor_bank, luma
from .panels import (
    columns_for,
    heading,
    row_height,
    show_kernel,
    show_picture,
    show_values,
    size_words,
)

_TITLES = {
    "blur": "Blur (Gaussian, σ = 2 px)",
    "sharpen": "Sharpen",
    "emboss": "Emboss",
    "sobel_x": "Sobel x",
    "sobel_y": "Sobel y",
    "laplacian": "Laplacian",
}
_OF_COLORS = ("blur", "sharpen", "emboss")
_STRIDES = (1, 2, 4, 8)
_AREA = "#e6e6e6"


def filter_sheet(
    image: ArrayLike, *, stride: int | tuple[int, int] = 1, padding: Padding = "SAME"
) -> Figure:
    """The responses of classic filters to a photograph, and the effect of stride and padding.

    Blur, sharpen and emboss filter the colours; derivatives and Gabor waves the luma. Signed
    responses are shown from blue through white (0) to red, each on its own scale. Every kernel is
    drawn in the corner of its panel.

    Args:
        image: [height, width, 3], sRGB in [0, 1].
        stride, padding: of the filters in the upper two parts; the lowest part shows several.

    Raises:
        TypeError: for integers.
        ValueError: for an image of another shape, smaller than a kernel or far from [0, 1], or an
            unknown padding.
    """
    check_image("image", image)
    pixels = np.asarray(image, np.float32)
    gray = luma(pixels)
    choices = (stride, padding)
    steps = f"{stride[1]} × {stride[0]}" if isinstance(stride, tuple) else stride
    words = f"stride {steps}, padding {padding}" + " px" * isinstance(padding, int)
    figure = Figure(figsize=(13, 6 * (row_height(pixels, 3.1) + 0.55) + 1.5), layout="constrained")
    classic, gabor, sizes = figure.subfigures(3, 1, squeeze=False)[:, 0]
    heading(classic, f"Classic filters: {words}")
    photograph, *panels, last = classic.subplots(2, 4).flat
    show_picture(photograph, pixels, "Photograph", size_words(pixels))
    responses = {}
    for axes, (name, title) in zip(panels, _TITLES.items(), strict=True):
        source = pixels if name in _OF_COLORS else gray
        responses[name] = _filter_panel(axes, source, title, CLASSIC[name], *choices)
    slope = np.hypot(responses["sobel_x"], responses["sobel_y"])[..., 0]
    show_values(last, slope, "Slope, √(Sobel x² + Sobel y²)", size_words(slope), signed=False)
    heading(gabor, f"Gabor filters, waves of 6 px: {words}")
    bank = gabor_bank(8)
    for i, axes in enumerate(gabor.subplots(2, 4).flat):
        _filter_panel(axes, gray, f"Gabor {22.5 * i:g}°", bank[..., i : i + 1], *choices)
    heading(sizes, "Stride and padding: the blur, drawn over the photograph's area (gray)")
    _size_part(sizes, pixels)
    return figure


def _filter_panel(
    axes: Axes,
    image: NDArray[np.float32],
    title: str,
    kernel: Kernels,
    stride: int | tuple[int, int],
    padding: Padding,
) -> NDArray[np.float32]:
    """Draws what a filter makes of an image, in colours or gray, and the kernel; returns it."""
    result = np.asarray(apply_filter(image, kernel, stride, padding))
    note = f"kernel {size_words(kernel)}, result {size_words(result)}"
    if result.shape[2] == 3:
        show_picture(axes, result, title, note)
    else:
        show_values(axes, result[..., 0], title, note, signed=True)
    show_kernel(axes, kernel)
    return result


def _size_part(part: SubFigure, pixels: NDArray[np.float32]) -> None:
    height, width = pixels.shape[:2]
    for grid_row, padding in zip(part.subplots(2, 4), ("SAME", "VALID"), strict=True):
        for axes, stride in zip(grid_row, _STRIDES, strict=True):
            blurred = np.asarray(apply_filter(pixels, CLASSIC["blur"], stride, padding))
            note = f"{size_words(pixels)} → {size_words(blurred)}"
            show_picture(axes, blurred, f"stride {stride}, {padding}", note)
            rows, columns = blurred.shape[:2]
            left, top = (width - columns) / 2, (height - rows) / 2
            axes.images[0].set_extent((left, left + columns, top + rows, top))
            axes.set(xlim=(0, width), ylim=(height, 0), facecolor=_AREA)


def first_filters(params: Params, image: ArrayLike | None = None) -> Figure:
    """A network's first 64 filters as RGB tiles, and optionally their responses to an image.

    The kernels are shown as they act on sRGB: channels in the order red, green, blue for any
    weights, divided by the preprocessing's standard deviations. Gray is 0, and each filter is
    scaled to its own largest weight.

    For an image [height, width, 3], sRGB in [0, 1], relu1_1's map of each filter is drawn beside
    the filters, each on its own scale.
    """
    kernels = np.asarray(params.layers["conv1_1"]["kernel"], np.float32)
    kernels = kernels / np.asarray(params.preprocessing.std, np.float32)[:, None]
    if params.preprocessing.channel_order == "BGR":
        kernels = kernels[:, :, ::-1]
    tiles = 0.5 + 0.5 * kernels / np.abs(kernels).max(axis=(0, 1, 2))
    figure = Figure(figsize=(7 if image is None else 15, 8), layout="constrained")
    parts = figure.subfigures(1, 1 if image is None else 2, squeeze=False)[0]
    heading(parts[0], f"conv1_1 of {params.network}: 64 filters of 3 × 3 px, gray is 0")
    for i, axes in enumerate(parts[0].subplots(8, 8).flat):
        show_picture(axes, tiles[..., i], str(i), "", size=8)
    if image is not None:
        maps = np.asarray(features(params, jnp.asarray(image, jnp.float32), ["relu1_1"])["relu1_1"])
        heading(parts[1], f"relu1_1: their responses, {size_words(maps)}, each on its own scale")
        for i, axes in enumerate(parts[1].subplots(8, 8).flat):
            show_values(axes, maps[..., i], str(i), "", signed=False, size=8)
    return figure


def feature_maps(params: Params, image: ArrayLike, layer: str, count: int = 12) -> Figure:
    """The strongest feature maps of a layer for an image, beside the image.

    The strength of a map is the mean of its absolute values; the panels are in descending order,
    each on its own colour scale.

    Args:
        params, image: the network, and [height, width, 3], sRGB in [0, 1].
        layer: any name in `jnst.LAYERS[params.network]`; "conv…" maps are signed.
        count: number of maps, at least 1; all of them if the layer has fewer.

    Raises:
        ValueError: for an unknown layer, an image too small for it, or a count below 1.
    """
    if count < 1:
        raise ValueError(f"count is {count}: show at least 1 map")
    pixels = np.asarray(image, np.float32)
    maps = np.asarray(features(params, jnp.asarray(pixels), [layer])[layer])
    order, strengths = strongest(maps, count)
    columns = columns_for(len(order), math.ceil(math.sqrt(len(order))))
    rows = math.ceil(len(order) / columns)
    row = row_height(pixels, 2.4)
    figure = Figure(
        figsize=(4.6 + 2.4 * columns, max(3.4, rows * (row + 0.35) + 0.9)), layout="constrained"
    )
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(4.6, 2.4 * columns))[0]
    heading(left, "Input")
    photograph = left.subplots()
    show_picture(photograph, pixels, "", size_words(pixels))
    photograph.set_anchor("N")
    heading(
        right,
        f"{layer} of {params.network}: the {len(order)} strongest of {maps.shape[-1]} maps, "
        f"{size_words(maps)}",
    )
    right.supxlabel("mean of the absolute activations; each map on a scale of its own", fontsize=9)
    panels = list(right.subplots(rows, columns, squeeze=False).flat)
    for axes, channel, strength in zip(panels, order, strengths, strict=False):
        title = f"channel {channel}, mean {strength:.3g}"
        show_values(axes, maps[..., channel], title, "", signed=layer.startswith("conv"))
    for axes in panels[len(order) :]:
        axes.remove()
    return figure


def strongest(maps: ArrayLike, count: int) -> tuple[list[int], list[float]]:
    """The channels of [height, width, channels] with the largest mean magnitudes, and these."""
    strengths = np.abs(np.asarray(maps)).mean(axis=(0, 1))
    order = np.argsort(-strengths, kind="stable")[:count]
    return order.tolist(), strengths[order].tolist()
