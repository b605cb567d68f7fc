"""Losses: content, style and total variation, the objective that adds them up, and its targets.

`make_targets` computes `Targets` from the photograph and the styles; `jnst.objective` compares an
image [height, width, 3], sRGB nominally in [0, 1], with them and returns the total and the weighted
terms, `Losses`. The weights, `LossWeights`, and the targets are pytrees of arrays. A style loss is
a statistic of a feature map and a distance between two statistics; `STYLE_LOSSES` names them.
"""

from .content import CONTENT_LOSSES as CONTENT_LOSSES
from .content import content_half_sum as content_half_sum
from .content import content_mean as content_mean
from .content import content_relative as content_relative
from .gram_matrix import gatys_distance as gatys_distance
from .gram_matrix import gram as gram
from .gram_matrix import gram_per_element as gram_per_element
from .gram_matrix import gram_per_position as gram_per_position
from .gram_matrix import relative_distance as relative_distance
from .objective import Targets as Targets
from .registry import STYLE_LOSSES as STYLE_LOSSES
from .style import StyleLoss as StyleLoss
from .targets import StyleCache as StyleCache
from .targets import make_targets as make_targets
from .total_variation import TV_LOSSES as TV_LOSSES
from .total_variation import tv_l1 as tv_l1
from .total_variation import tv_l2 as tv_l2
from .total_variation import tv_nine_point as tv_nine_point
from .weights import Losses as Losses
from .weights import LossWeights as LossWeights
from .weights import loss_weights as loss_weights
