"""The weighted terms of the objective, and their weights."""

import math
from typing import Any, Generic, NamedTuple, TypeVar

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, Scalar
from ..config import Config
from ..config.choices import block_of

Number = TypeVar("Number")


class LossWeights(NamedTuple):
    """The weights of the terms; arrays, so that changing one never recompiles.

    Attributes:
        content: scalar, on the sum over content layers.
        style: [number of style layers], in the order of the config's layers.
        tv: scalar; total variation counts pixels in units of the config's pixel range.
    """

    content: Scalar
    style: Array
    tv: Scalar


class Losses(NamedTuple, Generic[Number]):
    """The weighted terms of an objective, scalars or with one entry per step.

    Attributes:
        content, style, tv: the terms.
        total: their sum.
    """

    content: Number
    style: Number
    tv: Number
    total: Number


def loss_weights(config: Config, scale: float = 1.0) -> LossWeights:
    """The weights of a config as arrays, times `scale`.

    `config.strength`, s, divides the content weight by s and multiplies the weight of a style layer
    in block b by s^((b − 1) / 4): the structures of deep layers, such as the flow of strokes, are
    what replaces the photograph's shapes. Not from a paper; chosen by eye.

    Example:
        >>> weights = loss_weights(Config(style_layer_weights=(2.0,), strength=16.0))
        >>> weights.style.tolist()
        [2.0, 4.0, 8.0, 16.0]
    """
    content, style, tv = _numbers(config)
    scaled = (content * scale, style * scale, tv * scale)
    return LossWeights(*(jnp.asarray(np.asarray(weight, np.float32)) for weight in scaled))


def _numbers(config: Config) -> tuple[float, NDArray[np.float64], float]:
    """The weights of the content, of each style layer and of the total variation."""
    lifts = [config.strength ** ((block_of(layer) - 1) / 4) for layer in config.style_layers]
    # In NumPy, because JAX would compile a program for each product.
    per_layer = np.asarray(config.weights_per_style_layer) * lifts
    content = config.content_weight / config.strength
    return content, config.style_weight * per_layer, config.tv_weight


def extreme_scale(config: Config) -> float:
    """A power of two that brings weights of extreme size near 1; 1 for ordinary ones.

    The minimum depends on ratios of weights alone, but squares of tiny or huge gradients leave the
    range of float32. So such a run is optimised with scaled weights, and its terms are scaled back.
    """
    content, style, tv = _numbers(config)
    exponent = math.frexp(max(content, *style, tv))[1]
    return 1.0 if -16 <= exponent <= 40 else 2.0**-exponent


def scaled_back(losses: Losses[Any], config: Config) -> Losses[Any]:
    """The terms of an objective under `loss_weights(config)`, from those under scaled weights."""
    scale = extreme_scale(config)
    if scale == 1.0:
        return losses
    # In float64: the terms of such weights may be beyond float32.
    return Losses(*(np.asarray(term, np.float64) / scale for term in losses))
