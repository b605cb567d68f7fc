"""The neural-style-pt objective and its optimiser in PyTorch, as that program runs them.

One mean square of the content, the Gram matrices divided by C·H·W, total variation as a sum of
absolute differences; the image is BGR from 0 to 255 less the mean, [1, 3, H, W], as the program
holds it. Nothing of jnst runs here.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from baselines.vgg import Layers, caffe_input, gram, layers_of, maps

STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
CONTENT_LAYER = "conv4_2"
CONTENT_WEIGHT, STYLE_WEIGHT, TV_WEIGHT = 5.0, 100.0, 1e-3


def features_loss(
    layers: Layers, x: torch.Tensor, content: torch.Tensor, grams: Mapping[str, torch.Tensor]
) -> torch.Tensor:
    """The content and style terms of a network's input, in float32."""
    total = torch.zeros(())
    for name, values in maps(layers, x):
        if name in grams:
            total = total + STYLE_WEIGHT * (gram(values) - grams[name]).square().mean()
        if name == CONTENT_LAYER:
            total = total + CONTENT_WEIGHT * (values.float() - content).square().mean()
    return total


def variation(image: torch.Tensor) -> torch.Tensor:
    """The sum of absolute differences between neighbours."""
    return image.diff(dim=3).abs().sum() + image.diff(dim=2).abs().sum()


class Objective:
    """The objective of one content and one style; called with an image it gives the value.

    Args:
        layers: the network as for `layers_of`, up to conv5_1.
        content, style: [H, W, 3], sRGB in [0, 1].
        channels_last: the memory format of images and kernels.
    """

    def __init__(
        self,
        layers: Mapping[str, Any],
        content: Any,
        style: Any,
        *,
        channels_last: bool = False,
    ) -> None:
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self._layers = layers_of(layers, memory_format=self._format)
        with torch.no_grad():
            self._content = dict(maps(self._layers, self._placed(content)))[CONTENT_LAYER]
            found = maps(self._layers, self._placed(style))
            self._grams = {name: gram(x) for name, x in found if name in STYLE_LAYERS}

    def image(self, pixels: Any) -> torch.Tensor:
        """[H, W, 3] sRGB in [0, 1] as the program's image."""
        rgb = torch.tensor(np.asarray(pixels)).permute(2, 0, 1)[None]
        return caffe_input(rgb).contiguous()

    def _placed(self, pixels: Any) -> torch.Tensor:
        return self.image(pixels).contiguous(memory_format=self._format)

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        # Here, not in `image`: torch.optim.LBFGS takes no variable that is channels last.
        x = image.contiguous(memory_format=self._format)
        total = features_loss(self._layers, x, self._content, self._grams)
        return TV_WEIGHT * variation(image) + total


def improve(
    objective: Callable[[torch.Tensor], torch.Tensor], image: torch.Tensor, evaluations: int
) -> tuple[list[float], list[float]]:
    """torch.optim.LBFGS as the program calls it: (value, seconds since the start) of each
    evaluation."""
    x = image.detach().clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [x],
        max_iter=evaluations,
        max_eval=evaluations,
        tolerance_change=-1,
        tolerance_grad=-1,
        history_size=100,
    )
    values: list[float] = []
    times: list[float] = []
    start = time.perf_counter()

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = objective(x)
        value.backward()
        values.append(value.item())
        times.append(time.perf_counter() - start)
        return value

    optimizer.step(closure)
    return values, times
