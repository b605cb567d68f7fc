"""style-transfer-pytorch in plain PyTorch: its losses, and its way from scale to scale.

VGG with conv1_1 padded by replication; Wasserstein losses with the matrix root by 12 Newton-Schulz
steps and its derivative by 12 Lyapunov steps; PyTorch's Adam, whose moments are enlarged from scale
to scale; the running average of the image. Nothing of jnst runs here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate, pad

from baselines import vgg
from baselines.vgg import Layers

STYLE_LAYERS = {
    "relu1_1": 256 / 341,
    "relu2_1": 64 / 341,
    "relu3_1": 16 / 341,
    "relu4_1": 4 / 341,
    "relu5_1": 1 / 341,
}
CONTENT_LAYER = "relu4_2"
CONTENT_WEIGHT, TV_WEIGHT = 0.015, 2.0
RATE, BETAS, DECAY = 0.02, (0.9, 0.99), 0.99


def maps(layers: Layers, image: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Name and values [C, h, w] of each map after its ReLU, of an RGB image [1, 3, H, W]."""
    for name, values in vgg.maps(layers, vgg.caffe_input(image), replicate=True):
        yield name.replace("conv", "relu"), values[0]


class Root(torch.autograd.Function):
    """The root of a symmetric matrix."""

    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        three, norm = 3 * torch.eye(len(a), dtype=a.dtype), a.square().sum().sqrt()
        y, z = a / norm, three / 3
        for _ in range(12):
            t = (three - z @ y) / 2
            y, z = y @ t, t @ z
        root = y * norm.sqrt()
        ctx.save_for_backward(root)
        return root

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (root,) = ctx.saved_tensors
        norm = root.square().sum().sqrt()
        a, q, three = root / norm, gradient / norm, 3 * torch.eye(len(root), dtype=root.dtype)
        for _ in range(12):
            rest = three - a @ a
            q = (q @ rest - a.T @ (a.T @ q - q @ a)) / 2
            a = a @ rest / 2
        return q / 2


def moments(values: Tensor) -> tuple[Tensor, Tensor]:
    flat = values.flatten(1)
    return flat.mean(1), flat @ flat.T / flat.shape[1]


def covariance(mean: Tensor, second: Tensor) -> Tensor:
    return second - torch.outer(mean, mean) + 1e-4 * torch.eye(len(mean), dtype=mean.dtype)


class Objective:
    """The objective of a content and styles; called with an image [1, 3, H, W] it gives the value.

    Args:
        layers: from `vgg.layers_of`.
        content, styles: [1, 3, h, w] in [0, 1].
        content_layer, style_layers: which are read, and the weights of the style's.
    """

    def __init__(
        self,
        layers: Layers,
        content: Tensor,
        styles: Sequence[Tensor],
        content_layer: str = CONTENT_LAYER,
        style_layers: Mapping[str, float] = STYLE_LAYERS,
    ) -> None:
        self._layers, self._weights = layers, style_layers
        self._content_layer = content_layer
        with torch.no_grad():
            self._content = dict(maps(layers, content))[content_layer]
            found = [dict(maps(layers, style)) for style in styles]
            self._targets = {}
            for name in style_layers:
                pairs = [moments(each[name]) for each in found]
                mean, second = (sum(parts) / len(parts) for parts in zip(*pairs, strict=True))
                target = covariance(mean, second)
                self._targets[name] = (mean, target, Root.apply(target))

    def __call__(self, image: Tensor) -> Tensor:
        total = TV_WEIGHT * variation(image)
        for name, values in maps(self._layers, image):
            if name == self._content_layer:
                total = total + CONTENT_WEIGHT * (values - self._content).square().mean()
            if name in self._targets:
                target_mean, target, root = self._targets[name]
                mean, second = moments(values)
                spread = covariance(mean, second)
                trace = (target + spread - 2 * Root.apply(root @ spread @ root)).diagonal().mean()
                far = (mean - target_mean).square().mean() + trace
                total = total + self._weights[name] * far
        return total


def variation(image: Tensor) -> Tensor:
    x = pad(image, (1, 1, 1, 1), mode="replicate")
    along = x.diff(dim=3).square().mean() / 3 + x.diff(dim=2).square().mean() / 3
    falling = (x[..., 1:, 1:] - x[..., :-1, :-1]).square().mean() / 12
    rising = (x[..., 1:, :-1] - x[..., :-1, 1:]).square().mean() / 12
    return 2 * (along + falling + rising)


def scales(start: int, end: int) -> list[int]:
    """Sides of the scales, each of twice the area of the one before."""
    found, side, i = {end}, end, 0
    while side >= start:
        found.add(side)
        i += 1
        side = round(end / 2 ** (i / 2))
    return sorted(found)


def size_to_fit(width: int, height: int, side: int, *, enlarge: bool = False) -> tuple[int, int]:
    if not enlarge and max(width, height) <= side:
        return width, height
    if height > width:
        return round(side * width / height), side
    return side, round(side * height / width)


def picture(pixels: Any) -> Image.Image:
    """An [H, W, 3] array in [0, 1] in 8 bits."""
    return Image.fromarray(np.uint8(np.round(255 * np.asarray(pixels))))


def tensor(image: Image.Image, size: tuple[int, int]) -> Tensor:
    resized = np.array(image.resize(size, Image.Resampling.LANCZOS))
    return torch.tensor(resized).permute(2, 0, 1)[None] / 255


def at_scale(
    layers: Layers,
    base: Image.Image,
    sources: Sequence[Image.Image],
    side: int,
    content_layer: str = CONTENT_LAYER,
    style_layers: Mapping[str, float] = STYLE_LAYERS,
) -> tuple[Objective, Tensor]:
    """The objective of a scale whose longer side is `side`, and the content there."""
    resized = tensor(base, size_to_fit(*base.size, side, enlarge=True))
    targets = [tensor(style, size_to_fit(*style.size, side)) for style in sources]
    return Objective(layers, resized, targets, content_layer, style_layers), resized


def stylize(
    layers: Layers,
    content: Any,
    styles: Sequence[Any],
    *,
    size: int,
    steps: tuple[int, int],
    coarsest: int = 128,
    content_layer: str = CONTENT_LAYER,
    style_layers: Mapping[str, float] = STYLE_LAYERS,
    watch: Callable[[int, float], None] = lambda side, value: None,
) -> tuple[Tensor, float]:
    """The painting [1, 3, H, W] and its objective.

    Args:
        layers: from `vgg.layers_of`.
        content, styles: [H, W, 3] in [0, 1].
        size: longer side at the last scale.
        steps: at the first scale, and at each other.
        coarsest: longer side at the first scale.
        content_layer, style_layers: as for `Objective`.
        watch: called at each step with the side and the value.
    """
    base, sources = picture(content), [picture(style) for style in styles]
    image: Tensor | None = None
    optimizer: torch.optim.Adam | None = None
    for number, side in enumerate(scales(min(coarsest, size), size)):
        objective, resized = at_scale(layers, base, sources, side, content_layer, style_layers)
        height, width = resized.shape[2:]
        begun = resized if image is None else image
        begun = interpolate(begun, (height, width), mode="bicubic").clamp(0, 1)
        x = begun.clone().requires_grad_()
        average, weight = (1 - DECAY) * begun, DECAY
        finer = torch.optim.Adam([x], lr=RATE, betas=BETAS)
        if optimizer is not None:
            finer.load_state_dict(_enlarged(optimizer.state_dict(), (height, width)))
        optimizer = finer
        for _ in range(steps[number > 0]):
            optimizer.zero_grad()
            value = objective(x)
            value.backward()
            watch(side, value.item())
            optimizer.step()
            with torch.no_grad():
                x.clamp_(0, 1)
                average = DECAY * average + (1 - DECAY) * x
                weight *= DECAY
        image = average / (1 - weight)
    assert image is not None
    with torch.no_grad():
        return image, objective(image).item()


def _enlarged(state: dict[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    (known,) = state["state"].values()
    known["exp_avg"] = interpolate(known["exp_avg"], size, mode="bicubic")
    known["exp_avg_sq"] = interpolate(known["exp_avg_sq"], size, mode="bilinear").relu()
    return state
