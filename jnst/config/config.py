"""`Config`: every choice of a run in one frozen value.

The fields carry their help text, group and choices: the command line is generated from them.
"""

from dataclasses import asdict, dataclass, field, fields
from numbers import Real
from typing import Any

from . import choices
from .checks import as_tuple, broadcast, check_lists, check_numbers, check_together, check_types
from .schedule import QUALITIES, down_to, steps_by_quality, steps_of


def _option(default: Any, group: str, text: str, choices: tuple[str, ...] | None = None) -> Any:
    return field(default=default, metadata={"group": group, "help": text, "choices": choices})


@dataclass(frozen=True)
class Config:
    """All settings of a run, checked when the config is made.

    Attributes are described by their own help text (`dataclasses.fields(Config)`).

    Lists become tuples, so `Config(**config.to_dict())` is the same config again.

    Raises:
        TypeError: for a value of the wrong type.
        ValueError: for a value out of range or an unknown name, with the value and the remedy.

    Example:
        >>> Config(size=256, content_weight=10.0).size
        256
        >>> Config(content_weight=-1.0)
        Traceback (most recent call last):
        ...
        ValueError: content_weight is -1.0: it must be a finite number of at least 0
    """

    size: int = _option(
        512, "picture", "pixels on the side named by --size-side, at the last scale"
    )
    size_side: str = _option(
        "longer", "picture", "which side of the content --size measures", ("longer", "shorter")
    )
    style_scale: tuple[float, ...] = _option(
        (1.0,),
        "picture",
        "size of the style pictures relative to the content: larger, larger strokes; one number "
        "for each style, or one for all",
    )
    style_size: tuple[int, ...] = _option(
        (),
        "picture",
        "instead: pixels on the side of each style picture that --size-side names, at every scale",
    )
    enlarge_styles: bool = _option(
        True, "picture", "let styles be enlarged beyond the pixels that they have"
    )
    style_rim: float = _option(
        0.025,
        "picture",
        "share of a style's shorter side that is left out along each of its borders, whose frame "
        "or scanned edge would be asked for inside the picture",
    )
    resample: str = _option(
        "bicubic", "picture", "filter that resizes pictures, antialiased", choices.RESAMPLING
    )
    color: str = _option(
        "style",
        "picture",
        "the style's colours; the content's, by painting in gray and putting its chrominance back "
        "(luminance-…); or the style's after they were brought to the content's (match-…)",
        choices.COLORS,
    )
    init: str = _option(
        "matched",
        "picture",
        "what the optimisation starts from; matched: the content in the style's colours",
        choices.INITS,
    )
    noise: float = _option(
        0.1, "picture", "standard deviation of the noise that --init noise starts from, in [0, 1]"
    )
    init_blend: float = _option(
        0.5,
        "picture",
        "share of random style colours that --init blend mixes into the content, in [0, 1]",
    )
    seed: int = _option(0, "picture", "seed of the random start")
    bleed: int = _option(
        8,
        "picture",
        "pixels painted beyond each border, as in a mirror, and cut off: without, a strip along "
        "the border comes out unlike the rest. At most a twelfth of the shorter side; 0: none",
    )
    strength: float = _option(
        1.0,
        "objective",
        "how much of the painting: 0.25 much photograph, 4 much painting. It divides the content's "
        "weight, and gives deeper style layers more of the say",
    )
    content_weight: float = _option(0.15, "objective", "weight of the content loss")
    style_weight: float = _option(1.0, "objective", "weight of the style loss")
    tv_weight: float = _option(2.0, "objective", "weight of the total variation: larger, smoother")
    content_layers: tuple[str, ...] = _option(
        ("relu4_2",), "objective", "layers whose activations are kept"
    )
    style_layers: tuple[str, ...] = _option(
        ("relu1_1", "relu2_1", "relu3_1", "relu4_1"),
        "objective",
        "layers whose statistics are matched",
    )
    style_layer_weights: tuple[float, ...] = _option(
        (),
        "objective",
        "one weight per style layer, or one for all; none: by the depth of each",
    )
    style_weights: tuple[float, ...] = _option(
        (1.0,), "objective", "blend of several styles: one weight per style, or one for all"
    )
    content_loss: str = _option("relative", "objective", "content loss", choices.CONTENT_LOSSES)
    style_loss: str = _option(
        "wasserstein-relative", "objective", "style loss", choices.STYLE_LOSSES
    )
    tv_loss: str = _option("nine-point", "objective", "total variation", choices.TV_LOSSES)
    preserve: float = _option(
        0.0,
        "objective",
        "share of the content loss that follows the photograph's fine structure: 0 counts all "
        "positions alike, 1 only where there is detail, and leaves flat parts to the style",
    )
    pooling: str = _option(
        "max",
        "objective",
        "pooling of the network; rescaled: average times 2, l2 times 0.78, about as large as the "
        "maxima that it was trained with",
        choices.POOLINGS,
    )
    padding: str = _option(
        "replicate",
        "objective",
        "what the first convolution sees around the picture: zeros as in training, the border's "
        "pixels repeated, or the picture mirrored",
        choices.PADDINGS,
    )
    normalize_gradients: bool = _option(
        False,
        "objective",
        "bring the gradient of each layer's loss to an L1 norm of its weight, as neural-style "
        "can: no layer pulls harder than that. Takes --optimizer adam or --line-search none",
    )
    pixel_range: float = _option(
        1.0,
        "objective",
        "the white of the units in which total variation and learning rate count",
    )
    input_gain: float = _option(
        1.0, "objective", "factor on the image before the network's own preprocessing"
    )
    optimizer: str = _option(
        "adam", "optimisation", "how the image is improved", choices.OPTIMIZERS
    )
    quality: str = _option(
        "normal",
        "optimisation",
        "how much work: draft to try things, fine for the wall; sets the sizes that are worked "
        "through and the steps at each, unless --scales and --steps do",
        tuple(QUALITIES),
    )
    steps: tuple[int, ...] = _option(
        (),
        "optimisation",
        "optimiser steps at each scale; two numbers: at the first and at each other; one: at the "
        "last (see --taper); none: as --quality says",
    )
    taper: float = _option(
        0.0,
        "optimisation",
        "from one number of --steps: a scale of half the side makes 2 to this power as many, so "
        "that the whole picture needs less of the time; 0: as many",
    )
    scales: tuple[float, ...] = _option(
        (),
        "optimisation",
        "sizes to work through, coarse to fine, relative to --size, the last 1; none: those that "
        "--coarsest means. What is too small for the layers is left out, but for the last",
    )
    coarsest: int = _option(
        128,
        "optimisation",
        "work through sizes from coarse to fine, each of twice the area of the one before (four "
        "times with --quality draft), the first of at least so many pixels; the smaller it is, the "
        "longer the strokes",
    )
    sketch: int = _option(
        0,
        "optimisation",
        "before that a sketch of so many pixels, in which colours find their places; 0: none",
    )
    upscale: str = _option(
        "detail",
        "optimisation",
        "what a finer scale starts from: the painting enlarged, or the same with the content's "
        "fine detail put back",
        choices.UPSCALES,
    )
    learning_rate: float = _option(0.03, "optimisation", "Adam: the step in units of --pixel-range")
    line_search: str = _option(
        "zoom", "optimisation", "L-BFGS: strong Wolfe zoom, or none as torch", choices.LINE_SEARCHES
    )
    history: int = _option(20, "optimisation", "L-BFGS: pairs of steps and gradients remembered")
    precondition: float = _option(
        0.0,
        "optimisation",
        "0.25 or so: take longer steps in broad areas, as if the frequencies f of the image were "
        "variables scaled by f to minus this power; 0: pixel by pixel",
    )
    beta1: float = _option(0.9, "optimisation", "Adam: decay of the mean gradient")
    beta2: float = _option(0.99, "optimisation", "Adam: decay of the mean square")
    rate_decay: float = _option(
        0.1,
        "optimisation",
        "Adam: share of the learning rate that is left at the end of a scale, to which it falls "
        "along half a cosine; 1: it stays",
    )
    average: float = _option(
        0.0,
        "optimisation",
        "Adam: decay of the running average of the image, which is then the painting; 0: see "
        "--average-share",
    )
    average_share: float = _option(
        0.1,
        "optimisation",
        "Adam: the same, by the share of a scale's steps that the average reaches back over; "
        "0: none",
    )
    carry: bool = _option(
        True,
        "optimisation",
        "Adam: go on at a finer scale with the gradient's mean and mean square, enlarged",
    )
    precision: str = _option(
        "float32",
        "optimisation",
        "what the convolutions multiply; picture, sums and losses are float32. bfloat16 pays where "
        "the processor has it, tf32 on recent GPUs alone",
        choices.PRECISIONS,
    )
    clamp: bool = _option(True, "optimisation", "Adam: keep the image inside [0, 1] at each step")

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
        """All fields as plain values, tuples as lists, fit for JSON."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
