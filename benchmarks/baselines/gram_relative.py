"""The default's former objective in PyTorch: relative Gram and content losses, total variation."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from baselines.vgg import gram, layers_of, maps

CONTENT = "conv4_2"


def adam_step(layers: Mapping[str, Any], content: Any, style: Any) -> Callable[[], None]:
    """A function that makes a step of Adam from the content.

    Args:
        layers: the network as for `layers_of`.
        content, style: [H, W, 3] as the network reads them.
    """
    network = layers_of(layers)
    first, painting = (torch.tensor(p.transpose(2, 0, 1)[None]) for p in (content, style))
    with torch.no_grad():
        kept = dict(maps(network, first))[CONTENT]
        grams = {n: gram(x) for n, x in maps(network, painting) if n.endswith("_1")}
    image = first.clone().requires_grad_()
    optimizer = torch.optim.Adam([image], lr=1 / 255)

    def step() -> None:
        optimizer.zero_grad()
        across, down = image.diff(dim=2), image.diff(dim=3)
        loss = 1e-4 * (across.square().mean() + down.square().mean())
        for name, x in maps(network, image):
            if name == CONTENT:
                loss = loss + ((x - kept) ** 2).sum() / (kept**2).sum()
            if name in grams:
                loss = loss + ((gram(x) - grams[name]) ** 2).sum() / (grams[name] ** 2).sum()
        loss.backward()
        optimizer.step()

    return step
