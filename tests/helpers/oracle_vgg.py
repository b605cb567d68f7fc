"""VGG in float64 NumPy, forward and backward, from table 1 of Simonyan and Zisserman (2015).

Works on what the network is fed (preprocessed, [H, W, 3]); knows nothing of colours.
"""

from itertools import pairwise

import numpy as np

# The paper's columns D and E: widths of the 3x3 convolutions, M for the pooling between blocks.
COLUMNS = {
    "vgg16": "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    "vgg19": "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


def names(network):
    """conv1_1, relu1_1, … pool5, in order."""
    block, index = 1, 1
    for entry in COLUMNS[network].split():
        if entry == "M":
            yield f"pool{block}"
            block, index = block + 1, 1
        else:
            yield f"conv{block}_{index}"
            yield f"relu{block}_{index}"
            index += 1


def random_layers(network, seed):
    """He-scaled kernels and small biases, float32, in the layout HWIO."""
    rng, channels, layers = np.random.default_rng(seed), 3, {}
    convolutions = (n for n in names(network) if n.startswith("conv"))
    for entry in COLUMNS[network].split():
        if entry != "M":
            shape = (3, 3, channels, int(entry))
            kernel = rng.standard_normal(shape, np.float32) * np.float32((2 / 9 / channels) ** 0.5)
            bias = 0.1 * rng.standard_normal(int(entry), np.float32)
            layers[next(convolutions)] = {"kernel": kernel, "bias": bias}
            channels = int(entry)
    return layers


def forward(network, layers, x, last, pooling="max"):
    """Every activation from the input, under "input", to `last`."""
    x = np.asarray(x, np.float64)
    tape = {"input": x}
    for name in names(network):
        if name.startswith("conv"):
            kernel = np.asarray(layers[name]["kernel"], np.float64)
            x = _convolve(x, kernel) + np.asarray(layers[name]["bias"], np.float64)
        elif name.startswith("relu"):
            x = np.maximum(x, 0)
        else:
            x = _factor(pooling) * _POOL[pooling.partition("-")[0]](_windows(x))
        tape[name] = x
        if name == last:
            return tape
    raise KeyError(last)


def backward(network, layers, tape, cotangents, pooling="max"):
    """The gradient by the input of a function whose gradients by activations are `cotangents`."""
    order = list(tape)
    flow = 0.0
    for below, name in reversed(list(pairwise(order))):
        flow = flow + cotangents.get(name, 0.0)
        if np.ndim(flow) == 0:
            continue
        if name.startswith("conv"):
            flow = _convolve_back(flow, np.asarray(layers[name]["kernel"], np.float64))
        elif name.startswith("relu"):
            flow = flow * (tape[below] > 0)
        else:
            factor = _factor(pooling)
            flow = factor * _pool_back(
                tape[below], tape[name] / factor, flow, pooling.partition("-")[0]
            )
    return flow


def _convolve(x, kernel):
    height, width, _ = x.shape
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    return sum(
        padded[i : i + height, j : j + width] @ kernel[i, j] for i in range(3) for j in range(3)
    )


def _convolve_back(flow, kernel):
    """The transpose of `_convolve`: each read becomes a write."""
    height, width, _ = flow.shape
    padded = np.zeros((height + 2, width + 2, kernel.shape[2]))
    for i in range(3):
        for j in range(3):
            padded[i : i + height, j : j + width] += flow @ kernel[i, j].T
    return padded[1:-1, 1:-1]


def _windows(x):
    """[h, w, 4, C]: the four pixels of each 2x2 window in reading order."""
    height, width, channels = x.shape[0] // 2, x.shape[1] // 2, x.shape[2]
    x = x[: 2 * height, : 2 * width].reshape(height, 2, width, 2, channels)
    return x.transpose(0, 2, 1, 3, 4).reshape(height, width, 4, channels)


_POOL = {
    "max": lambda w: w.max(2),
    "average": lambda w: w.mean(2),
    "l2": lambda w: np.sqrt((w**2).sum(2)),
}


def _factor(pooling):
    """style-transfer-pytorch's pooling_scales."""
    return {"average-rescaled": 2.0, "l2-rescaled": 0.78}.get(pooling, 1.0)


def _pool_back(below, above, flow, pooling):
    windows = _windows(below)
    if pooling == "max":
        winner = windows.argmax(2)
        spread = (np.arange(4)[None, None, :, None] == winner[:, :, None]) * flow[:, :, None]
    elif pooling == "average":
        spread = np.repeat(flow[:, :, None] / 4, 4, axis=2)
    else:
        with np.errstate(invalid="ignore"):
            unit = np.where(above[:, :, None] > 0, windows / above[:, :, None], 0.0)
        spread = unit * flow[:, :, None]
    height, width, _, channels = windows.shape
    spread = spread.reshape(height, width, 2, 2, channels).transpose(0, 2, 1, 3, 4)
    result = np.zeros_like(below)
    result[: 2 * height, : 2 * width] = spread.reshape(2 * height, 2 * width, channels)
    return result
