"""How large the pictures are at each scale of a run."""

import math
from collections.abc import Sequence
from dataclasses import replace

from .config import Config
from .images import fit_size
from .network.architecture import smallest_side


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
        >>> config = Config(size=64, scales=(0.25, 0.5, 1.0))
        >>> drop_small_scales(config, (300, 400, 3), [(200, 200, 3)]).scales
        (0.5, 1.0)
    """
    layers = (*config.content_layers, *config.style_layers)
    need = smallest_side("vgg19", layers) if layers else 1
    scales, steps = [], []
    sizes = target_sizes(content[0], content[1], config)
    rows = zip(sizes, config.all_scales, config.steps_per_scale, strict=True)
    for size, scale, count in rows:
        smallest = min(*size, *map(min, style_sizes(styles, *size, config)))
        if smallest >= need or size is sizes[-1]:
            scales.append(scale)
            steps.append(count)
    # What the taper and the quality stand for is said by these.
    return replace(
        config, scales=tuple(scales), steps=tuple(steps), taper=0.0, quality=Config.quality
    )


def target_sizes(height: int, width: int, config: Config) -> list[tuple[int, int]]:
    """(height, width) of each scale of a run, coarse to fine.

    Example:
        >>> target_sizes(768, 1024, Config(size=256, scales=(0.5, 1.0)))
        [(96, 128), (192, 256)]
    """
    sides = [max(1, round(config.size * scale)) for scale in config.all_scales]
    return [_fit(height, width, side, config) for side in sides]


def painted_sizes(height: int, width: int, config: Config) -> list[tuple[int, int]]:
    """(height, width) of what is painted at each scale, before the bleed is cut off.

    Example:
        >>> painted_sizes(768, 1024, Config(size=256, scales=(0.25, 1.0)))
        [(56, 72), (208, 272)]
    """
    return [painted_size(*size, config) for size in target_sizes(height, width, config)]


def painted_size(height: int, width: int, config: Config) -> tuple[int, int]:
    """(height, width) of what is painted for a picture of that size, its bleed included.

    Example:
        >>> painted_size(192, 256, Config())
        (208, 272)
    """
    both = 2 * bleed_at(height, width, config)
    return height + both, width + both


def bleed_at(height: int, width: int, config: Config) -> int:
    """The pixels of bleed at each border of a picture of that size.

    Example:
        >>> bleed_at(192, 256, Config()), bleed_at(48, 64, Config())
        (8, 4)
    """
    return min(config.bleed, min(height, width) // 12)


def _fit(
    height: int, width: int, side: int, config: Config, *, enlarge: bool = True
) -> tuple[int, int]:
    if config.size_side == "shorter":
        # fit_size measures the longer side and truncates: round up, not to lose a pixel.
        side = math.ceil(side * max(height, width) / min(height, width))
    return fit_size(height, width, side, enlarge=enlarge)


def style_sizes(
    shapes: Sequence[tuple[int, ...]], height: int, width: int, config: Config
) -> list[tuple[int, int]]:
    """The sizes of styles of those shapes beside an image of that height and width.

    The longer (or shorter, as `config.size_side` says) side of each is that of the image times its
    `config.style_scale`, or its `config.style_size`; unless `config.enlarge_styles`, a style keeps
    the size that it has where that is smaller.

    Raises:
        ValueError: for a number of scales or sizes that is neither one nor that of the styles.

    Example:
        >>> style_sizes([(768, 960, 3)] * 2, 100, 200, Config(style_scale=(0.5, 1.0)))
        [(80, 100), (160, 200)]
        >>> style_sizes([(768, 960, 3)], 100, 200, Config(style_size=480))
        [(384, 480)]
        >>> style_sizes([(60, 80, 3)], 100, 200, Config(enlarge_styles=False))
        [(60, 80)]
    """
    measured = max(height, width) if config.size_side == "longer" else min(height, width)
    scales = config.scales_per_style(len(shapes))
    sides = [max(1, int(measured * scale)) for scale in scales]
    sides = list(config.sizes_per_style(len(shapes))) or sides
    return [
        _fit(shape[0], shape[1], side, config, enlarge=config.enlarge_styles)
        for shape, side in zip(shapes, sides, strict=True)
    ]
