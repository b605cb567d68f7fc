"""The network: VGG-16 and VGG-19 in Flax, their weights, and how their convolutions are computed.

`load_weights` returns `Params`; `features` computes the named activations of an image
[height, width, 3], sRGB nominally in [0, 1]; `prepare` adapts the network's kernels to a picture
size. Weight files of many formats are read, downloaded and identified here.
"""

from .architecture import LAYERS as LAYERS
from .preparation import prepare as prepare
from .preprocessing import Preprocessing as Preprocessing
from .vgg import Params as Params
from .vgg import features as features
from .weights import convert_weights as convert_weights
from .weights import fetch_weights as fetch_weights
from .weights import find_weights as find_weights
from .weights import load_weights as load_weights
