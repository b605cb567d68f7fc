"""The objective of overhead.py and its convolutions in PyTorch, as step.py times them.

Ways: "nchw" and "nhwc" are eager, contiguous and channels_last; "compile" is `torch.compile`,
channels_last. In bfloat16 the kernels and activations are bfloat16, the image and losses float32.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from baselines.neural_style_pt import TV_WEIGHT, features_loss, variation
from baselines.vgg import caffe_input, layers_of

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
torch.set_num_threads(CORES)


def _layout(way: str) -> torch.memory_format:
    return torch.contiguous_format if way == "nchw" else torch.channels_last


def _placed(array: Any, way: str, dtype: str) -> torch.Tensor:
    """A batch or kernel [a, b, rows, columns], in the memory layout of `way`."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.to(getattr(torch, dtype)).contiguous(memory_format=_layout(way))


def step(problem: Any, way: str, dtype: str) -> Callable[[], Any]:
    """The step of a `Problem`: a function that returns (value, gradient [H, W, 3])."""
    kind = getattr(torch, dtype)
    layout = _layout(way)
    layers = layers_of(problem.layers, dtype=kind, memory_format=layout)
    content = _placed(problem.content_target.transpose(2, 0, 1)[None], way, "float32")
    grams = {name: torch.tensor(gram) for name, gram in problem.grams.items()}

    def objective(image: torch.Tensor) -> torch.Tensor:
        x = caffe_input(image).to(dtype=kind, memory_format=layout)
        total = features_loss(layers, x, content, grams)
        return total + TV_WEIGHT * 255.0 * variation(image)

    picture = _placed(problem.picture.transpose(2, 0, 1)[None], way, "float32")
    picture.requires_grad_()
    work = torch.compile(objective) if way == "compile" else objective

    def run() -> Any:
        value = work(picture)
        (gradient,) = torch.autograd.grad(value, picture)
        return value.item(), gradient[0].permute(1, 2, 0).numpy()

    return run


def layer(
    inputs: list[np.ndarray], cotangent: np.ndarray, way: str, dtype: str
) -> dict[str, Callable[[], Any]]:
    """Forward and derivative by the input of one convolution; arrays NHWC and HWIO."""
    x, kernel, bias = inputs
    x_in = _placed(x.transpose(0, 3, 1, 2), way, dtype)
    w_in = _placed(kernel.transpose(3, 2, 0, 1), way, dtype)
    y_bar = _placed(cotangent.transpose(0, 3, 1, 2), way, dtype)
    b_in = torch.tensor(bias).to(x_in.dtype)
    ones, zeros = [1, 1], [0, 0]

    def forward() -> Any:
        with torch.no_grad():
            return functional.conv2d(x_in, w_in, b_in, padding=1)

    def by_input() -> Any:
        return torch.ops.aten.convolution_backward(
            y_bar, x_in, w_in, None, ones, ones, ones, False, zeros, 1, [True, False, False]
        )

    works = {"forward": forward, "by x": by_input}
    if way == "compile":
        return {name: torch.compile(work) for name, work in works.items()}
    return works
