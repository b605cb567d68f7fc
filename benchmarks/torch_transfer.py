"""The neural-style-pt objective and its optimiser in PyTorch, as that program runs them.

VGG's convolutions, ReLUs and max pooling as `torch.nn.functional`, one mean square of the content,
the Gram matrices divided by C·H·W, total variation as a sum of absolute differences; the image is
BGR from 0 to 255 less the mean, [1, 3, H, W], as the program holds it. Nothing of jnst's runs here
but the loading of the weights.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.nn.functional import conv2d, max_pool2d

MEAN = torch.tensor([103.939, 116.779, 123.68])[:, None, None]
STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
CONTENT_LAYER = "conv4_2"
CONTENT_WEIGHT, STYLE_WEIGHT, TV_WEIGHT = 5.0, 100.0, 1e-3


class Objective:
    """The objective of one content and one style; called with an image it gives the value.

    Args:
        layers: the convolutions in order, {"conv1_1": (OIHW kernel, bias), …}, NumPy.
        content, style: [H, W, 3], sRGB in [0, 1].
        channels_last: the memory format of images and kernels.
    """

    def __init__(
        self, layers: dict[str, Any], content: Any, style: Any, *, channels_last: bool = False
    ) -> None:
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self._layers = {
            name: (torch.tensor(kernel).to(memory_format=self._format), torch.tensor(bias))
            for name, (kernel, bias) in layers.items()
        }
        with torch.no_grad():
            self._content = dict(self._maps(self.image(content)))[CONTENT_LAYER]
            maps = self._maps(self.image(style))
            self._grams = {name: gram(x) for name, x in maps if name in STYLE_LAYERS}

    def image(self, pixels: Any) -> torch.Tensor:
        """[H, W, 3] sRGB in [0, 1] as the program's image."""
        bgr = torch.tensor(np.asarray(pixels)[..., ::-1].copy()).permute(2, 0, 1)
        return (255.0 * bgr - MEAN)[None].contiguous()

    def _maps(self, x: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
        # Here, not in `image`: torch.optim.LBFGS takes no variable that is channels last.
        x, block = x.contiguous(memory_format=self._format), "1"
        for name, (kernel, bias) in self._layers.items():
            if name[4] != block:
                x, block = max_pool2d(x, 2, 2), name[4]
            x = conv2d(x, kernel, bias, padding=1).relu()
            yield name, x

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        total = TV_WEIGHT * (
            (image[..., 1:, :] - image[..., :-1, :]).abs().sum()
            + (image[..., 1:] - image[..., :-1]).abs().sum()
        )
        for name, x in self._maps(image):
            if name in self._grams:
                total = total + STYLE_WEIGHT * (gram(x) - self._grams[name]).square().mean()
            if name == CONTENT_LAYER:
                total = total + CONTENT_WEIGHT * (x - self._content).square().mean()
        return total


def gram(x: torch.Tensor) -> torch.Tensor:
    flat = x.reshape(x.shape[1], -1)
    return flat @ flat.T / x.numel()


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
