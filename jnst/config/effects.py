"""The effects of options: for each field of `Config`, what it needs of the others.

A preset is a whole method, and may carry values that another choice makes idle. A typed option that
would change nothing is a mistake, and is refused.
"""

from collections.abc import Callable, Mapping

from .config import Config
from .schedule import QUALITIES, down_to

Idle = Callable[[Config, int], str]
"""(config, number of styles) -> why a field has no effect, and what to do; "" if it has one."""


def _option(field: str) -> str:
    return "--" + field.replace("_", "-")


def _needs(other: str, *values: str) -> Idle:
    def idle(config: Config, styles: int) -> str:
        value = getattr(config, other)
        fix = f"add {_option(other)} {' or '.join(values)}"
        return "" if value in values else f"with {_option(other)} {value}: leave it out, or {fix}"

    return idle


def _needs_weight(*fields: str) -> Idle:
    def idle(config: Config, styles: int) -> str:
        for field in fields:
            if not getattr(config, field):
                what = "0" if field.endswith("weight") else "empty"
                return f"where {_option(field)} is {what}: leave it out, or give {_option(field)}"
        return ""

    return idle


def _idle_if(condition: Callable[[Config], object], reason: str) -> Idle:
    return lambda config, styles: reason if condition(config) else ""


def _first(*needs: Idle) -> Idle:
    """The first reason among several."""
    return lambda config, styles: next(filter(None, (n(config, styles) for n in needs)), "")


def _small_enough(config: Config, styles: int) -> str:
    ratio = QUALITIES[config.quality].ratio
    coarsest = round(config.size * down_to(config.coarsest, config.size, ratio=ratio)[0])
    reason = f"where the next scale is of {coarsest} pixels: leave it out, or give fewer"
    return _by_hand(config, styles) or (reason if config.sketch >= coarsest else "")


def _by_quality(config: Config, styles: int) -> str:
    if not config.steps:
        return ""
    ratios = {quality.ratio for quality in QUALITIES.values()}
    sizes = {down_to(config.coarsest, config.size, config.sketch, ratio) for ratio in ratios}
    steps = f"with --steps {' '.join(map(str, config.steps))}"
    if config.scales:
        return f"{steps} and --scales: leave it out, or leave out one of those"
    return "" if len(sizes) > 1 else f"{steps} at so few sizes: leave it out, or leave those out"


def _shared(config: Config, styles: int) -> str:
    reason = f"with --average {config.average:g}: leave it out, or leave that out"
    return _ADAM(config, styles) or (reason if config.average else "")


def _any_layer(config: Config, styles: int) -> str:
    content, style = (idle(config, styles) for idle in (_CONTENT, _STYLE))
    reason = "where neither --content-weight nor --style-weight has a layer: leave it out, or "
    return reason + "give one" if content and style else ""


_several_scales = _idle_if(
    lambda config: len(config.all_scales) == 1,
    "with a single one of --scales: leave it out, or add --scales 0.5 1",
)
_by_hand = _idle_if(lambda config: config.scales, "with --scales: leave it out, or leave those out")
_ADAM, _LBFGS = _needs("optimizer", "adam"), _needs("optimizer", "lbfgs")
_CONTENT = _needs_weight("content_weight", "content_layers")
_STYLE = _needs_weight("style_weight", "style_layers")

_SIZES = ("size", "size_side", "style_scale", "style_size", "enlarge_styles", "style_rim")
_PIXELS = ("resample", "color", "init", "bleed", "padding", "pixel_range", "input_gain")
_ALWAYS = (*_SIZES, *_PIXELS, "tv_weight", "optimizer", "scales", "precondition", "precision")
EFFECTS: Mapping[str, Idle | None] = {
    **dict.fromkeys(_ALWAYS),
    "noise": _needs("init", "noise"),
    "init_blend": _needs("init", "blend"),
    "seed": _needs("init", "gray", "noise", "style-colors", "blend"),
    "strength": _any_layer,
    "content_weight": _needs_weight("content_layers"),
    "style_weight": _needs_weight("style_layers"),
    "content_layers": _needs_weight("content_weight"),
    "style_layers": _needs_weight("style_weight"),
    "style_layer_weights": _STYLE,
    "style_weights": lambda config, styles: (
        "on a single style: leave it out, or add another --style" if styles == 1 else ""
    ),
    "content_loss": _CONTENT,
    "style_loss": _STYLE,
    "tv_loss": _needs_weight("tv_weight"),
    "preserve": _CONTENT,
    "pooling": _idle_if(
        lambda config: all(layer.startswith(("conv1", "relu1")) for layer in config.layers),
        "on layers before the first pooling: leave it out, or add deeper ones",
    ),
    "normalize_gradients": _any_layer,
    "quality": _by_quality,
    "steps": _idle_if(
        lambda config: len(config.steps) == 2 and len(config.all_scales) == 1,
        "by its second number at a single scale: leave it out, or add --scales 0.5 1",
    ),
    "taper": _first(
        _several_scales,
        _idle_if(
            lambda config: len(config.steps) != 1,
            "without one number of --steps: leave it out, or give one",
        ),
    ),
    "coarsest": _by_hand,
    "sketch": _small_enough,
    "upscale": _several_scales,
    "learning_rate": _ADAM,
    "line_search": _LBFGS,
    "history": _LBFGS,
    "beta1": _ADAM,
    "beta2": _ADAM,
    "rate_decay": _ADAM,
    "average": _ADAM,
    "average_share": _shared,
    "carry": _first(_ADAM, _several_scales),
    "clamp": _ADAM,
}
"""The needs of every field; None: it always has an effect."""


def idle_fields(config: Config, styles: int) -> dict[str, str]:
    """The fields without effect in a run with so many styles; why, and what to do."""
    reasons = {field: idle(config, styles) for field, idle in EFFECTS.items() if idle}
    return {f: f"{_option(f)} has no effect {reason}" for f, reason in reasons.items() if reason}
