"""Classic filters of image processing, as kernels for `jnst.ops.conv2d`.

Each kernel has the layout HWIO with one input channel, [height, width, 1, filters], float32, and is
applied as a correlation, like a network's own: it is not flipped. A derivative is therefore
positive where the picture gets brighter to the right (x) or downwards (y).
"""

from collections.abc import Mapping
from types import MappingProxyType

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike, NDArray

from ..arrays import check_image
from ..ops import conv2d
from ..ops.window import Padding

Kernels = NDArray[np.float32]

_REC709 = (0.2126, 0.7152, 0.0722)


def _kernel(rows: ArrayLike) -> Kernels:
    kernel = np.asarray(rows, np.float32)[:, :, None, None]
    kernel.flags.writeable = False
    return kernel


def gaussian(sigma: float = 2.0) -> Kernels:
    """A Gaussian blur of standard deviation sigma in pixels, cut at 3 sigma, with the sum 1."""
    reach = int(np.ceil(3 * sigma))
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return _kernel(np.outer(bell, bell) / bell.sum() ** 2)


CLASSIC: Mapping[str, Kernels] = MappingProxyType(
    {
        "blur": gaussian(2.0),
        "sharpen": _kernel([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
        "emboss": _kernel([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]),
        "sobel_x": _kernel(np.outer([1, 2, 1], [-1, 0, 1]) / 8),
        "sobel_y": _kernel(np.outer([-1, 0, 1], [1, 2, 1]) / 8),
        "laplacian": _kernel([[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
    }
)
"""Blur, sharpen and emboss sum to 1 and keep the brightness; the others sum to 0, as derivatives.

The Sobel kernels are the textbook's divided by 8, so that they measure the slope in brightness per
pixel.
"""


def gabor_bank(orientations: int) -> Kernels:
    """Gabor filters, oriented waves under a Gaussian, one for each orientation.

        g(x, y) = exp(−(u² + aspect² v²) / 2 sigma²) (cos(2π u / wavelength) − c)
        u = x cos θ + y sin θ,   v = −x sin θ + y cos θ,   θ = π i / orientations

    with x to the right and y upwards, lengths in pixels: filter 0 responds to vertical stripes, and
    the angle turns counter-clockwise. c makes each sum 0, so a uniform area gives no response, and
    each filter is scaled to respond with 1 to its own wave of amplitude 1. The result is
    [size, size, 1, orientations], truncated at 2.5 standard deviations. After Daugman, J. Opt. Soc.
    Am. A 2 (1985); the subtraction of c and the scale are departures.
    """
    wavelength, sigma, aspect = 6.0, 3.0, 0.5
    reach = int(np.ceil(2.5 * sigma / aspect - 0.5))
    axis = np.arange(-reach, reach + 1)
    x, y = axis[None, :], -axis[:, None]
    bank = []
    for angle in np.pi * np.arange(orientations) / orientations:
        u, v = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
        bell = np.exp(-(u**2 + aspect**2 * v**2) / (2 * sigma**2))
        wave = np.cos(2 * np.pi * u / wavelength)
        filter_ = bell * (wave - (bell * wave).sum() / bell.sum())
        bank.append(filter_ / (filter_ * wave).sum())
    return np.stack(bank, axis=-1).astype(np.float32)[:, :, None, :]


def luma(image: ArrayLike) -> NDArray[np.float32]:
    """The brightness of each pixel, [height, width, 1]: Rec. 709 weights on the sRGB values."""
    pixels = np.asarray(image, np.float32)
    check_image("image", pixels, bounded=False)
    return pixels @ np.asarray(_REC709, np.float32)[:, None]


def apply_filter(
    image: ArrayLike,
    kernel: ArrayLike,
    stride: int | tuple[int, int] = 1,
    padding: Padding = "SAME",
) -> Float[Array, "out_height out_width maps"]:
    """Applies every filter of a kernel to every channel of an image separately.

    For a response to brightness only, filter `luma(image)`.

    Args:
        image: [height, width, channels], floating or convertible to float32.
        kernel: [kernel_height, kernel_width, 1, filters].
        stride: pixels that the kernel moves by, rows and columns.
        padding: zeros around the image, as for `jnst.ops.conv2d`: "SAME", "VALID", an integer, or
            ((top, bottom), (left, right)).

    Returns:
        [out_height, out_width, channels · filters], float32; filter f of channel c is map
        c · filters + f.

    Raises:
        ValueError: for an image or kernel of another shape, a kernel larger than the padded image,
            or an unknown stride or padding.

    >>> ramp = np.tile(np.arange(5.0), (4, 1))[..., None]
    >>> apply_filter(ramp, CLASSIC["sobel_x"], padding="VALID")[..., 0].tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    pixels, weights = np.asarray(image, np.float32), np.asarray(kernel, np.float32)
    if pixels.ndim != 3:
        raise ValueError(
            f"image has shape {pixels.shape}: it must be [height, width, channels]; "
            "add a last axis of 1 to a gray one"
        )
    if weights.ndim != 4 or weights.shape[2] != 1:
        raise ValueError(
            f"kernel has shape {weights.shape}: it must be [height, width, 1, filters], "
            "since each channel is filtered by itself"
        )
    channels_as_batch = jnp.asarray(np.moveaxis(pixels, -1, 0)[..., None])
    maps = conv2d(channels_as_batch, jnp.asarray(weights), stride=stride, padding=padding)
    return jnp.moveaxis(maps, 0, 2).reshape(*maps.shape[1:3], -1)
