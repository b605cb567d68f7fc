"""VGG's convolutions, its input and Gram matrices in PyTorch, for every program of this folder."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d, pad

Layers = Mapping[str, tuple[Tensor, Tensor]]
MEAN = (103.939, 116.779, 123.68)


def layers_of(
    layers: Mapping[str, Mapping[str, Any]],
    last: str = "conv5_1",
    dtype: torch.dtype = torch.float32,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Layers:
    """The convolutions up to `last` as (OIHW kernel, bias).

    Args:
        layers: {"conv1_1": {"kernel": HWIO, "bias": …}, …}, arrays that NumPy can read.
        last: name of the last convolution.
        dtype: of kernels and biases.
        memory_format: of the kernels.
    """
    return {
        name: (
            torch.tensor(np.array(layer["kernel"]))
            .permute(3, 2, 0, 1)
            .to(dtype)
            .contiguous(memory_format=memory_format),
            torch.tensor(np.array(layer["bias"])).to(dtype),
        )
        for name, layer in layers.items()
        if name <= last
    }


def caffe_input(image: Tensor) -> Tensor:
    """An RGB image [1, 3, H, W] in [0, 1] as BGR from 0 to 255 less the mean."""
    mean = torch.tensor(MEAN, dtype=image.dtype)[:, None, None]
    return 255 * image.flip(1) - mean


def maps(layers: Layers, x: Tensor, *, replicate: bool = False) -> Iterator[tuple[str, Tensor]]:
    """Name and values [1, C, h, w] of each convolution after its ReLU.

    Args:
        layers: from `layers_of`.
        x: input of the first, [1, 3, H, W].
        replicate: pad the input of conv1_1 by replication instead of zeros.
    """
    block = "1"
    for name, (kernel, bias) in layers.items():
        if name[4] != block:
            x, block = max_pool2d(x, 2), name[4]
        outside = replicate and name == "conv1_1"
        x = pad(x, (1, 1, 1, 1), mode="replicate") if outside else x
        x = conv2d(x, kernel, bias, padding=0 if outside else 1).relu()
        yield name, x


def gram(x: Tensor) -> Tensor:
    """The Gram matrix [C, C] of a map [1, C, h, w], divided by C·h·w, in float32.

    Neither memory format is copied.
    """
    if x.is_contiguous():
        flat = x.flatten(2)[0]
        product = flat @ flat.T
    else:
        flat = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
        product = flat.T @ flat
    return product.float() / x.numel()
