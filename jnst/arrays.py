"""Array types of jnst, with their shapes and units, and the checks of arrays from callers.

An image is one picture, height x width x 3, sRGB, nominally in [0, 1]; during optimisation it may
leave this range unless the run clamps it. A batch adds a leading axis; the layers in `jnst.ops`
work on batches in the layout NHWC with kernels in the layout HWIO.
"""

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array as Array
from jaxtyping import Float
from numpy.typing import ArrayLike as ArrayLike
from numpy.typing import NDArray

Image = Float[Array, "height width 3"]
FeatureMap = Float[Array, "height width channels"]
Features = dict[str, FeatureMap]
Batch = Float[Array, "batch height width channels"]
Kernel = Float[Array, "kernel_height kernel_width in_channels out_channels"]
Bias = Float[Array, " channels"]
Matrix = Float[Array, "channels channels"]
Scalar = Float[Array, ""]

Pixels = NDArray[np.float32]
"""A picture or a mask in NumPy, [height, width, ...]: sRGB nominally in [0, 1], or weights."""
AnyImage = Image | NDArray[np.floating[Any]]
"""A picture that a caller gives, in JAX or NumPy."""
Values = NDArray[np.float64]
"""Intermediate NumPy values in double precision: colours, matrices."""

_FAR = 16.0  # optimised and recoloured pictures leave [0, 1], those in [0, 255] go further


def check_image(name: str, image: Any, *, bounded: bool = True, clipped: bool = False) -> None:
    """Raises TypeError or ValueError unless an array is [H, W, 3], floating, not far from [0, 1];
    the rest as `check_values`."""
    if hasattr(image, "pixels"):
        raise TypeError(f"{name} is a {type(image).__name__}: give its pixels, {name}.pixels")
    shape = np.shape(image)
    if len(shape) != 3 or shape[-1] != 3 or 0 in shape:
        raise ValueError(f"{name} has shape {shape}: an image is [height, width, 3]")
    check_values(name, image, bounded=bounded, clipped=clipped)


def check_values(name: str, values: Any, *, bounded: bool = True, clipped: bool = False) -> None:
    """Raises TypeError for other numbers than floats, ValueError if they are far from [0, 1].

    Of a painting that will be `clipped`, which may have run away, that is only a warning. Values
    are not looked at if they are traced, or not `bounded`.
    """
    values = values if hasattr(values, "dtype") else np.asarray(values)
    if not jnp.issubdtype(values.dtype, jnp.floating):
        raise TypeError(
            f"{name} has dtype {values.dtype}: give floats in [0, 1], such as pixels / 255"
        )
    here = not isinstance(values, jax.core.Tracer) and getattr(values, "is_fully_addressable", True)
    if not bounded or not here:
        return
    numbers = np.asarray(values, np.float32)
    low, high = (
        float(extreme(numbers, where=np.isfinite(numbers), initial=0))
        for extreme in (np.min, np.max)
    )
    if max(-low, high) > _FAR:
        text = f"{name} has values from {low:.3g} to {high:.3g}"
        text += ", which are clipped" if clipped else ""
        text += ": give sRGB in [0, 1], such as pixels / 255"
        if not clipped:
            raise ValueError(text)
        warnings.warn(text, stacklevel=4)


def as_sums(values: Any, name: str = "features") -> Array:
    """The values in float32 at least, in which sums over a picture fit; TypeError for integers."""
    check_values(name, values, bounded=False)
    array = jnp.asarray(values)
    return array.astype(jnp.promote_types(array.dtype, jnp.float32))
