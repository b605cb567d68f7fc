"""Reference implementations of the main layers of `jnst.ops`, in plain NumPy.

Every layer is an object: `forward` computes the output and stores what its derivative needs,
`backward` takes the derivative of the loss by the output and returns that by the input. Layers with
parameters store their derivatives in `kernel_gradient` and `bias_gradient`.

>>> import numpy as np
>>> layer = Dense(np.array([[1.0], [2.0]]), np.array([0.5]))
>>> layer.forward(np.array([[3.0, 4.0]]))
array([[11.5]])
>>> layer.backward(np.array([[1.0]])), layer.kernel_gradient.ravel()
(array([[1., 2.]]), array([3., 4.]))
"""

from .conv import Conv2D as Conv2D
from .conv import Conv2DLoops as Conv2DLoops
from .dense import Dense as Dense
from .dense import ReLU as ReLU
from .dense import SoftmaxCrossEntropy as SoftmaxCrossEntropy
from .pooling import AvgPool2D as AvgPool2D
from .pooling import MaxPool2D as MaxPool2D
from .warp import Warp as Warp
