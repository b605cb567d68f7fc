"""`Config`: every choice of a run in one frozen value.

The fields carry their help text, group and choices: the command line is generated from them.
"""

import textwrap
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from numbers import Real
from typing import Any

from . import choices
from .checks import as_tuple, broadcast, check_lists, check_numbers, check_together, check_types
from .schedule import QUALITIES, down_to, steps_by_quality, steps_of


def _option(group: str, default: Any, text: str, choices: tuple[str, ...] | None = None) -> Any:
    return field(default=default, metadata={"group": group, "help": text, "choices": choices})


_picture = partial(_option, "picture")
_objective = partial(_option, "objective")
_optimisation = partial(_option, "optimisation")


@dataclass(frozen=True, repr=False)
class Config:
    """All settings of a run, checked when the config is made.

    Lists become tuples, so `Config(**config.to_dict())` is the same config again.

    Raises:
        TypeError: for a value of the wrong type.
        ValueError: for a value out of range or an unknown name, with the value and the remedy.

    Example:
        >>> Config(size=256, content_weight=10.0).size
        256
    """

    size: int = _picture(
        512, "pixels on the longer side of the painting, or on the shorter one, see --size-side"
    )
    size_side: str = _picture(
        "longer", "side of the content that --size measures", ("longer", "shorter")
    )
    style_scale: tuple[float, ...] = _picture(
        (1.0,),
        "size of the styles relative to the content: larger values give larger strokes; one number "
        "per style, or one for all",
    )
    style_size: tuple[int, ...] = _picture(
        (),
        "fixed size of the styles in pixels, in place of --style-scale, on the side that "
        "--size-side names",
    )
    enlarge_styles: bool = _picture(True, "allow styles to be enlarged beyond their own resolution")
    style_rim: float = _picture(
        0.025,
        "share of a style's shorter side that is ignored along its borders, so that frames and "
        "scanned edges are not painted into the picture",
    )
    resample: str = _picture("bicubic", "filter for resizing, antialiased", choices.RESAMPLING)
    color: str = _picture(
        "style",
        "colours of the painting: the style's; luminance-…: the content's, by painting in gray "
        "and restoring its chrominance; match-…: the style's, after matching them to the content's",
        choices.COLORS,
    )
    init: str = _picture(
        "matched",
        "image to start from; matched: the content in the style's colours",
        choices.INITS,
    )
    noise: float = _picture(0.1, "standard deviation of the noise of --init noise, in [0, 1]")
    init_blend: float = _picture(
        0.5, "share of random style colours that --init blend mixes into the content, in [0, 1]"
    )
    seed: int = _picture(0, "seed of the random start")
    bleed: int = _picture(
        8,
        "margin in pixels, mirrored at the borders, that is painted and then cut off, so that the "
        "borders look like the rest; at most a twelfth of the shorter side",
    )
    strength: float = _objective(
        1.0,
        "strength of the style: 0.25 much photograph, 4 much painting. It divides the content "
        "weight, and shifts style weight to the deeper layers",
    )
    content_weight: float = _objective(0.15, "weight of the content loss")
    style_weight: float = _objective(1.0, "weight of the style loss")
    tv_weight: float = _objective(
        2.0, "weight of the total variation: larger values give smoother pictures"
    )
    content_layers: tuple[str, ...] = _objective(
        ("relu4_2",), "layers whose features are compared with the content's"
    )
    style_layers: tuple[str, ...] = _objective(
        ("relu1_1", "relu2_1", "relu3_1", "relu4_1"),
        "layers whose statistics are compared with the style's",
    )
    style_layer_weights: tuple[float, ...] = _objective(
        (), "one weight per style layer, or one for all; none: weights that fall with depth"
    )
    style_weights: tuple[float, ...] = _objective(
        (1.0,), "weights of several styles in a blend: one per style, or one for all"
    )
    content_loss: str = _objective("relative", "content loss", choices.CONTENT_LOSSES)
    style_loss: choices.StyleLossChoice = _objective(  # noqa: RUF009
        "wasserstein-relative", "style loss", choices.STYLE_LOSSES
    )
    tv_loss: str = _objective("nine-point", "total variation", choices.TV_LOSSES)
    preserve: float = _objective(
        0.0,
        "share of the content loss that is weighted by the photograph's detail: 0 weighs all "
        "positions alike, 1 leaves flat regions to the style",
    )
    pooling: str = _objective(
        "max",
        "pooling of the network; rescaled: average times 2, l2 times 0.78, so that activations are "
        "about as large as with max, which it was trained with",
        choices.POOLINGS,
    )
    padding: str = _objective(
        "replicate",
        "padding of the first convolution: zeros as in training, border pixels repeated, or the "
        "picture mirrored",
        choices.PADDINGS,
    )
    normalize_gradients: bool = _objective(
        False,
        "scale the gradient of each layer's loss to an L1 norm of its weight, as neural-style "
        "can; needs --optimizer adam or --line-search none",
    )
    pixel_range: float = _objective(
        1.0, "value of white in the units of total variation and learning rate"
    )
    input_gain: float = _objective(1.0, "factor on the image before the network's preprocessing")
    optimizer: str = _optimisation("adam", "optimiser of the image", choices.OPTIMIZERS)
    quality: str = _optimisation(
        "normal",
        "amount of work: draft to try things, fine for the wall; sets the scales and the steps at "
        "each, unless --scales and --steps do",
        tuple(QUALITIES),
    )
    steps: tuple[int, ...] = _optimisation(
        (),
        "optimiser steps: one number per scale; two: the first scale, and each other; one: the "
        "last scale (see --taper); none: by --quality",
    )
    taper: float = _optimisation(
        0.0,
        "with one number of --steps: a scale of half the side makes 2 to this power times as many "
        "steps; 0: as many",
    )
    scales: tuple[float, ...] = _optimisation(
        (),
        "scales of the picture, coarse to fine, relative to --size, ending in 1; none: by "
        "--coarsest. Scales too small for the layers are left out",
    )
    coarsest: int = _optimisation(
        128,
        "size of the first scale in pixels, at least; each next has twice the area (four times "
        "with --quality draft). Smaller values give longer strokes",
    )
    sketch: int = _optimisation(
        0, "size in pixels of an extra first scale, which places the colours; 0: none"
    )
    upscale: str = _optimisation(
        "detail",
        "start of a finer scale: the painting enlarged (plain), or that with the content's fine "
        "detail added (detail)",
        choices.UPSCALES,
    )
    learning_rate: float = _optimisation(0.03, "Adam: step size, in units of --pixel-range")
    line_search: str = _optimisation(
        "zoom",
        "L-BFGS: strong Wolfe conditions by zoom, or none, as in PyTorch",
        choices.LINE_SEARCHES,
    )
    history: int = _optimisation(20, "L-BFGS: number of past steps and gradients in use")
    precondition: float = _optimisation(
        0.0,
        "about 0.25: longer steps at low frequencies: the frequency f of the image is optimised as "
        "a variable scaled by f to minus this power; 0: off",
    )
    beta1: float = _optimisation(0.9, "Adam: decay of the mean gradient")
    beta2: float = _optimisation(0.99, "Adam: decay of the mean square")
    rate_decay: float = _optimisation(
        0.1,
        "Adam: share of the learning rate left at the end of a scale, reached along half a cosine; "
        "1: constant",
    )
    average: float = _optimisation(
        0.0,
        "Adam: decay of the running average of the image, which is then the result; 0: by "
        "--average-share",
    )
    average_share: float = _optimisation(
        0.1,
        "Adam: length of that running average as a share of a scale's steps; 0: no average",
    )
    carry: bool = _optimisation(
        True, "Adam: keep the gradient's mean and mean square, enlarged, at the next scale"
    )
    precision: str = _optimisation(
        "float32",
        "type of the convolutions' factors; image, sums and losses are float32. bfloat16 is faster "
        "where the processor has it, tf32 on recent GPUs only",
        choices.PRECISIONS,
    )
    clamp: bool = _optimisation(True, "Adam: keep the image inside [0, 1] at each step")

    def __post_init__(self) -> None:
        for name in ("style_scale", "style_size"):
            if isinstance(getattr(self, name), Real):
                object.__setattr__(self, name, (getattr(self, name),))
        for spec in fields(self):
            if isinstance(spec.default, tuple):
                value = as_tuple(spec.name, getattr(self, spec.name), spec.default)
                object.__setattr__(self, spec.name, value)
        check_types(self)
        check_numbers(self)
        check_lists(self)
        check_together(self)
        _ = self.steps_per_scale, self.weights_per_style_layer

    def __repr__(self) -> str:
        values = [(spec.name, getattr(self, spec.name), spec.default) for spec in fields(self)]
        changed = [f"{name}={value!r}" for name, value, default in values if value != default]
        return f"Config({', '.join(changed)})"

    @property
    def all_scales(self) -> tuple[float, ...]:
        """`scales`, or those given by `coarsest` and `sketch`."""
        return self.scales or down_to(
            self.coarsest, self.size, self.sketch, QUALITIES[self.quality].ratio
        )

    @property
    def steps_per_scale(self) -> tuple[int, ...]:
        """`steps`, or those given by `quality`, one number for each of `all_scales`."""
        if not self.steps:
            return steps_by_quality(self.quality, self.all_scales)
        return steps_of(self.steps, self.all_scales, taper=self.taper)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that the objective reads: `content_layers`, then `style_layers`."""
        return (*self.content_layers, *self.style_layers)

    @property
    def averaging(self) -> bool:
        """Whether Adam keeps a running average of the image."""
        return self.average > 0 or self.average_share > 0

    @property
    def weights_per_style_layer(self) -> tuple[float, ...]:
        """`style_layer_weights`, or those of each layer's block, for each of `style_layers`."""
        if not self.style_layers:
            return ()
        if not self.style_layer_weights:
            return tuple(
                choices.WEIGHT_OF_BLOCK[choices.block_of(layer) - 1] for layer in self.style_layers
            )
        count = len(self.style_layers)
        return broadcast(self.style_layer_weights, count, "style_layer_weights", "layers")

    def weights_per_style(self, count: int) -> tuple[float, ...]:
        """`style_weights` for `count` styles, normalised to a sum of 1."""
        weights = broadcast(self.style_weights, count, "style_weights", "styles")
        return tuple(w / sum(weights) for w in weights)

    def scales_per_style(self, count: int) -> tuple[float, ...]:
        """`style_scale` for `count` styles."""
        return broadcast(self.style_scale, count, "style_scale", "styles")

    def sizes_per_style(self, count: int) -> tuple[int, ...]:
        """`style_size` for `count` styles; empty if their size is relative to the content's."""
        return self.style_size and broadcast(self.style_size, count, "style_size", "styles")

    def to_dict(self) -> dict[str, Any]:
        """All fields as values for JSON; TypeError if `style_loss` is a `StyleLoss`."""
        if not isinstance(self.style_loss, str):
            raise TypeError("style_loss is your own: no file can hold its functions; keep its code")
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


# What `help(Config)` says of the fields: the texts that the command shows as well.
_wrapper = textwrap.TextWrapper(100, " " * 8, " " * 12, break_on_hyphens=False)
_lines = [_wrapper.fill(f"{spec.name}: {spec.metadata['help']}") for spec in fields(Config)]
Config.__doc__ = "\n".join((f"{Config.__doc__}", "    Attributes:", *_lines))
