"""Layers of a convolutional network from scratch, with derivatives by hand.

Pure functions on batches in the layout NHWC (`pad` and the pools too) with kernels in HWIO. Each
layer takes float32, bfloat16 or float64; results and derivatives have the same dtype. Each works
under `jax.jit`, `jax.vmap` and `jax.grad`, nested to any depth.

`jax.jvp` of a layer raises TypeError: JAX takes a derivative by hand in one direction, here the
reverse one, which a loss needs. Forward over reverse works, since both passes are plain JAX:
`jax.jvp(jax.grad(loss), (x,), (v,))` is the product of the Hessian with v, through every layer and
every loss.
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
from .warp import warp as warp
from .winograd import conv3x3 as conv3x3
from .winograd import transform_kernel as transform_kernel
