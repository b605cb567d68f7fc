"""A whole method for the tests of what happens around it, so that they outlive a new default."""

from jnst import Config

# L-BFGS on Gram matrices, its pixels from 0 to 255; with optimizer "adam", Adam without an average,
# a falling rate or a clamp.
GRAM = {
    "content_weight": 1.0,
    "style_weight": 3.0,
    "tv_weight": 1.5e-4,
    "style_layer_weights": (1.0,),
    "style_loss": "gram-relative",
    "padding": "zero",
    "pixel_range": 255.0,
    "optimizer": "lbfgs",
    "upscale": "detail",
    "learning_rate": 1.0,
    "beta2": 0.999,
    "rate_decay": 1.0,
    "average_share": 0.0,
    "clamp": False,
}
# The same fields as they are by default.
DEFAULT = {name: getattr(Config(), name) for name in GRAM}
