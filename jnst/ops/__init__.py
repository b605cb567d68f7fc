"""The layers of a convolutional network from scratch, each with its derivative by hand.

Pure functions on batches in the layout NHWC (`pad` and the pools too) with kernels in HWIO. Each
takes float32, bfloat16 or float64 and gives back the same dtype, as do its derivatives; each works
under `jax.jit`, `jax.vmap` and `jax.grad`, any number of times.
"""

from .apart import conv3x3_apart as conv3x3_apart
from .conv import conv2d as conv2d
from .dense import dense as dense
from .dense import flatten as flatten
from .dense import relu as relu
from .dense import softmax_cross_entropy as softmax_cross_entropy
from .gradcheck import check_gradients as check_gradients
from .gradcheck import numerical_gradients as numerical_gradients
from .padding import pad as pad
from .pooling import avg_pool as avg_pool
from .pooling import l2_pool as l2_pool
from .pooling import max_pool as max_pool
from .winograd import conv3x3 as conv3x3
from .winograd import transform_kernel as transform_kernel
