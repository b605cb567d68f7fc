"""The named presets: the choices of published programs, as values."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..wording import unknown_name
from .config import Config

_PUBLISHED = Config(
    sketch=0,
    upscale="plain",
    resample="bicubic",
    style_rim=0.0,
    bleed=0,
    style_weight=1.0,
    tv_weight=0.0,
    style_layers=("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
    style_layer_weights=(1.0,),
    padding="zero",
    pixel_range=255.0,
    optimizer="lbfgs",
    line_search="none",
    history=100,
    taper=0.0,
    learning_rate=1.0,
    beta2=0.999,
    rate_decay=1.0,
    average_share=0.0,
    clamp=False,
)
"""Settings that the published programs share and that may differ from the default."""

NEURAL_STYLE = replace(
    _PUBLISHED,
    scales=(1.0,),
    steps=(1000,),
    resample="bilinear",
    content_weight=5.0,
    style_weight=100.0,
    tv_weight=1e-3,
    content_loss="mean",
    style_loss="gram",
    init="noise",
    noise=0.001 / 256,
    tv_loss="l2",
    pixel_range=256.0,
    input_gain=256 / 255,
)
"""Johnson's Torch program. Its pixels run to 256; its printed loss leaves out total variation."""

NEURAL_STYLE_PT = replace(
    NEURAL_STYLE, noise=0.001 / 255, tv_loss="l1", pixel_range=255.0, input_gain=1.0
)
"""neural-style-pt, the PyTorch program after Johnson's."""

GATYS2016 = replace(
    _PUBLISHED,
    size=512,
    scales=(1.0,),
    steps=(1000,),
    init="noise",
    noise=0.1,
    content_weight=1e-3,
    style_layer_weights=(0.2,),
    content_loss="half-sum",
    style_loss="gram-gatys2016",
    pooling="average",
    line_search="zoom",
)
"""Gatys, Ecker and Bethge, CVPR 2016, with α/β = 1e-3. The paper states no size and no steps."""

GATYS_PYTORCH = replace(
    _PUBLISHED,
    size=800,
    resample="bilinear",
    size_side="shorter",
    init="content",
    scales=(512 / 800, 1.0),
    steps=(500, 200),
    content_weight=1.0,
    style_weight=1000.0,
    style_layer_weights=tuple(1.0 / c**2 for c in (64, 128, 256, 512, 512)),
    content_loss="mean",
    style_loss="gram-positions",
)
"""The authors' later PyTorch notebook: 512 pixels on the shorter side, then 800."""

CROWSONKB = replace(
    _PUBLISHED,
    size=512,
    coarsest=128,
    steps=(1000, 500),
    resample="lanczos",
    enlarge_styles=False,
    init="content",
    content_weight=0.015,
    style_layer_weights=tuple(w / 341 for w in (256, 64, 16, 4, 1)),
    tv_weight=2.0,
    content_loss="mean",
    style_loss="wasserstein",
    tv_loss="nine-point",
    padding="replicate",
    pixel_range=1.0,
    optimizer="adam",
    learning_rate=0.02,
    beta1=0.9,
    beta2=0.99,
    average=0.99,
    clamp=True,
)
"""style-transfer-pytorch: Wasserstein losses, Adam, and the running average of the image.

Its weights are meant for PyTorch's VGG-19, which reads pixels in units of their deviation. The maps
of networks that read 0 to 255 are far larger, as is every loss on them: beside those, as with the
embedded VGG-16, its total variation has next to no weight. Departures: where it enlarges with
PyTorch's bicubic filter (a = -3/4), here it is Keys's (a = -1/2); resized pictures are not
rounded to 8 bits; and the shorter side is cut to whole pixels where the program rounds.
"""

DEFAULT = Config()
"""What a run uses when no preset is named: coarse to fine, and losses without units.

Chosen by looking, on photographs and paintings of several kinds. The style loss is the Wasserstein
distance, as in style-transfer-pytorch, but relative to the energy of the style's features: one set
of weights serves every picture and network. The weights fall with depth: larger ones of the deepest
layers paint eyes and figures into skies, with smaller ones broad strokes are lost. The start is the
content in the style's colours: from its own, a sky stayed gray that is red in the painting. Scales
begin at 128 pixels, where strokes are long, and each finer one begins with the content's detail put
back, which keeps windows and faces. Adam's rate falls to a tenth at each scale, and the result is
the average of the last tenth of its steps: crisper than a constant rate, at the same cost. A margin
of mirrored pixels is cut off, and with it the border artefacts of the network's zero padding.
"""

PRESETS: Mapping[str, Config] = {
    "default": DEFAULT,
    "neural-style": NEURAL_STYLE,
    "neural-style-pt": NEURAL_STYLE_PT,
    "gatys2016": GATYS2016,
    "gatys-pytorch": GATYS_PYTORCH,
    "crowsonkb": CROWSONKB,
}


def preset(name: str, **changes: Any) -> Config:
    """The preset of that name, with some fields changed; `coarsest` or `sketch` without `scales`
    replace the preset's `scales`.

    Raises:
        ValueError: for an unknown preset, with the nearest name.
        TypeError: for a field that Config does not have.

    Example:
        >>> preset("gatys2016", size=256).pooling
        'average'
    """
    if name not in PRESETS:
        raise ValueError(unknown_name("preset", name, tuple(PRESETS)))
    if changes.keys() & {"coarsest", "sketch"}:
        changes.setdefault("scales", ())
    return replace(PRESETS[name], **changes)
