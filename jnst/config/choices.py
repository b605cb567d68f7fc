"""The names that fields of a `Config` choose from.

Losses and colours are listed here, not read from the modules that compute them: settings need no
array library. A test checks that both lists are equal.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    # A name, or a `jnst.StyleLoss`, which this room cannot import.
    StyleLossChoice: TypeAlias = Any
else:
    StyleLossChoice = str

CONTENT_LOSSES = ("mean", "half-sum", "relative")
STYLE_LOSSES = (
    "gram",
    "gram-positions",
    "gram-relative",
    "gram-gatys2016",
    "covariance",
    "wasserstein",
    "wasserstein-relative",
    "sliced-wasserstein",
    "histogram",
    "gram+histogram",
)
TV_LOSSES = ("l1", "l2", "nine-point")
COLORS = (
    "style",
    "luminance-yuv",
    "luminance-ycbcr",
    "luminance-lab",
    "match-cholesky",
    "match-pca",
    "match-symmetric",
    "match-histogram",
)
OPTIMIZERS = ("adam", "lbfgs")
LINE_SEARCHES = ("zoom", "none")
INITS = ("matched", "content", "gray", "noise", "style-colors", "blend", "file")
POOLINGS = ("max", "average", "l2", "average-rescaled", "l2-rescaled")
UPSCALES = ("plain", "detail")
RESAMPLING = ("bicubic", "bilinear", "lanczos")
PADDINGS = ("zero", "replicate", "reflect")
PRECISIONS = ("float32", "bfloat16", "tf32")

# See `jnst.losses.moments.wasserstein_relative_aim` for their origin.
WEIGHT_OF_BLOCK = (0.333, 0.745, 0.63, 0.17, 0.01)
"""The weights of the style layers, by the block of each, unless a config says otherwise."""


def block_of(layer: str) -> int:
    """The block of the network that a layer belongs to, from 1 to 5.

    Of a name that no network has it is any of these: the network refuses the name later.
    """
    number = next((int(character) for character in layer if character.isdigit()), 1)
    return min(max(number, 1), len(WEIGHT_OF_BLOCK))
