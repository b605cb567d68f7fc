"""The input that a set of weights expects: channel order, units, mean and deviation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp

from ..arrays import Image

ChannelOrder = Literal["RGB", "BGR"]


@dataclass(frozen=True)
class Preprocessing:
    """The input that a set of weights expects: (scale · image[order] − mean) / std.

    Attributes:
        channel_order: "RGB" or "BGR", the order that the first convolution reads.
        scale: factor on an image in [0, 1] (255 for the Caffe family, 1 for torchvision).
        mean: three numbers in the network's channel order, in scaled units.
        std: three numbers in the network's channel order.
    """

    channel_order: ChannelOrder
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @property
    def mean_color(self) -> tuple[float, float, float]:
        """The colour that the network sees as zero, as RGB in [0, 1]."""
        red, green, blue = self.mean if self.channel_order == "RGB" else self.mean[::-1]
        return (red / self.scale, green / self.scale, blue / self.scale)


CAFFE = Preprocessing("BGR", 255.0, (103.939, 116.779, 123.68), (1.0, 1.0, 1.0))
"""The Oxford weights and everything converted from them."""

TORCHVISION = Preprocessing("RGB", 1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""The weights trained by torchvision."""

INPUTS: Mapping[str, Preprocessing] = {"caffe": CAFFE, "torchvision": TORCHVISION}
"""The choices for weights of unknown origin, by name."""


def preprocess(image: Image, preprocessing: Preprocessing) -> Image:
    """Converts an sRGB image in [0, 1] to the units and channel order that the weights expect."""
    if preprocessing.channel_order == "BGR":
        image = image[..., ::-1]
    mean = jnp.asarray(preprocessing.mean, image.dtype)[None, None]
    std = jnp.asarray(preprocessing.std, image.dtype)[None, None]
    return (preprocessing.scale * image - mean) / std
