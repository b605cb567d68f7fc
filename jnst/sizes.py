"""How large the pictures are at each scale of a run."""

import math
from collections.abc import Sequence
from dataclasses import replace

from .config import Config
from .images import fit_size
from .vgg import smallest_side


def drop_small_scales(
    config: Config, content: tuple[int, ...], styles: Sequence[tuple[int, ...]]
) -> Config:
    """The config without the coarse scales at which a picture is too small for its layers.

    The last scale always stays.

    Args:
        config: of the run.
        content: shape of the content, (height, width, …).
        styles: shapes of the styles.

    Example:
        >>> drop_small_scales(Config(size=64), (300, 400, 3), [(200, 200, 3)]).scales
        (0.5, 1.0)
    """
    layers = (*config.content_layers, *config.style_layers)
    need = smallest_side("vgg19", layers) if layers else 1
    scales, steps = [], []
    sizes = target_sizes(content[0], content[1], config)
    rows = zip(sizes, config.scales, config.steps_per_scale, strict=True)
    for size, scale, count in rows:
        smallest = min(*size, *(min(style_size(shape, *size, config)) for shape in styles))
        if smallest >= need or size is sizes[-1]:
            scales.append(scale)
            steps.append(count)
    return replace(config, scales=tuple(scales), steps=tuple(steps))


def target_sizes(height: int, width: int, config: Config) -> list[tuple[int, int]]:
    """(height, width) of each scale of a run, coarse to fine.

    Example:
        >>> target_sizes(768, 1024, Config(size=256, scales=(0.5, 1.0)))
        [(96, 128), (192, 256)]
    """
    sides = [max(1, round(config.size * scale)) for scale in config.scales]
    return [_fit(height, width, side, config) for side in sides]


def _fit(height: int, width: int, side: int, config: Config) -> tuple[int, int]:
    if config.size_side == "shorter":
        # fit_size measures the longer side and truncates: round up, not to lose a pixel.
        side = math.ceil(side * max(height, width) / min(height, width))
    return fit_size(height, width, side)


def style_size(shape: tuple[int, ...], height: int, width: int, config: Config) -> tuple[int, int]:
    """The size of a style of that shape beside an image of that height and width.

    Its longer (or shorter, as `config.size_side` says) side is that of the image times
    `config.style_scale`.

    Example:
        >>> style_size((768, 960, 3), 100, 200, Config(style_scale=0.5))
        (80, 100)
    """
    measured = max(height, width) if config.size_side == "longer" else min(height, width)
    side = max(1, int(measured * config.style_scale))
    return _fit(shape[0], shape[1], side, config)
