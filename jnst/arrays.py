"""Array types of jnst, with their shapes and units.

An image is one picture, height x width x 3, sRGB, nominally in [0, 1]; during optimisation it may
leave this range unless the run clamps it. A batch adds a leading axis; the layers in `jnst.ops`
work on batches in the layout NHWC with kernels in the layout HWIO.
"""

from typing import Any

import numpy as np
from jaxtyping import Array, Float
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
