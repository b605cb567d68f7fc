"""The objectives of four published programs and their gradients, in float64 NumPy.

Each works in its program's own units: pixels from 0 to 255 (256 in Torch), blue first, mean
subtracted, C x M feature matrices. Images come in, and gradients go out, as [H, W, 3] RGB from 0 to
1; `_Program` holds that chain rule. VGG-16 of the Caffe family.
"""

import numpy as np
import oracle_vgg

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
MEAN = np.array([103.939, 116.779, 123.68])


class _Program:
    """Units, pooling and the way through the network that a program uses."""

    def __init__(self, layers, white, pooling):
        self.layers, self.white, self.pooling = layers, white, pooling

    def maps(self, image):
        self.tape = oracle_vgg.forward(
            "vgg16", self.layers, self.pixels(image) - MEAN, "relu5_1", self.pooling
        )
        return {
            name: self.tape[name].reshape(-1, self.tape[name].shape[2]).T
            for name in (*STYLE_LAYERS, "relu4_2")
        }

    def pixels(self, image):
        return self.white * np.asarray(image, np.float64)[..., ::-1]

    def image_gradient(self, feature_gradients, pixel_gradient=0.0):
        """From gradients by the C x M maps of the last `maps` and by the pixels."""
        cotangents = {
            name: gradient.T.reshape(self.tape[name].shape)
            for name, gradient in feature_gradients.items()
        }
        flow = oracle_vgg.backward("vgg16", self.layers, self.tape, cotangents, self.pooling)
        return self.white * (flow + pixel_gradient)[..., ::-1]


def gatys2016(layers, image, content, styles, alpha, beta):
    """CVPR 2016, equations 1 to 7, average pooling; the style has the image's number of pixels."""
    program = _Program(layers, 255.0, "average")
    p = program.maps(content)["relu4_2"]
    (style,) = styles
    targets = {name: s @ s.T for name, s in program.maps(style).items()}
    maps = program.maps(image)
    f = maps["relu4_2"]
    content_loss = 0.5 * ((f - p) ** 2).sum()
    gradients = {"relu4_2": alpha * (f - p)}
    style_loss = 0.0
    for name in STYLE_LAYERS:
        f = maps[name]
        n, m = f.shape
        difference = f @ f.T - targets[name]
        style_loss += 0.2 * (difference**2).sum() / (4 * n**2 * m**2)
        gradients[name] = beta * 0.2 * difference @ f / (n**2 * m**2)
    parts = (alpha * content_loss, beta * style_loss, 0.0)
    return parts, program.image_gradient(gradients)


def gatys_pytorch(layers, image, content, styles):
    """The authors' notebook: mean squares of Gram/(HW), 1000/C² each; content weight 1."""
    program = _Program(layers, 255.0, "max")
    p = program.maps(content)["relu4_2"]
    (style,) = styles
    targets = {name: s @ s.T / s.shape[1] for name, s in program.maps(style).items()}
    maps = program.maps(image)
    f = maps["relu4_2"]
    content_loss = ((f - p) ** 2).mean()
    gradients = {"relu4_2": 2 * (f - p) / f.size}
    style_loss = 0.0
    for name in STYLE_LAYERS:
        f = maps[name]
        channels, positions = f.shape
        weight = 1000 / channels**2
        difference = f @ f.T / positions - targets[name]
        style_loss += weight * (difference**2).mean()
        gradients[name] = weight * 4 * difference @ f / (positions * channels**2)
    return (content_loss, style_loss, 0.0), program.image_gradient(gradients)


def neural_style(layers, image, content, styles, cw, sw, tv, blend=(1.0,)):
    """Johnson's Torch program, with the total variation that its gradient belongs to."""
    program = _Program(layers, 256.0, "max")
    x = program.pixels(image)
    right = x[:-1, 1:] - x[:-1, :-1]
    down = x[1:, :-1] - x[:-1, :-1]
    variation = tv / 2 * ((right**2).sum() + (down**2).sum())
    slope = np.zeros_like(x)
    slope[:-1, 1:] += tv * right
    slope[:-1, :-1] -= tv * (right + down)
    slope[1:, :-1] += tv * down
    parts, gradients = _mean_square_style(program, image, content, styles, cw, sw, blend)
    return (*parts, variation), program.image_gradient(gradients, slope)


def neural_style_pt(layers, image, content, styles, cw, sw, tv, blend=(1.0,)):
    """The PyTorch program after it: white is 255, absolute differences."""
    program = _Program(layers, 255.0, "max")
    x = program.pixels(image)
    right, down = x[:, 1:] - x[:, :-1], x[1:] - x[:-1]
    variation = tv * (np.abs(right).sum() + np.abs(down).sum())
    slope = np.zeros_like(x)
    slope[:, 1:] += tv * np.sign(right)
    slope[:, :-1] -= tv * np.sign(right)
    slope[1:] += tv * np.sign(down)
    slope[:-1] -= tv * np.sign(down)
    parts, gradients = _mean_square_style(program, image, content, styles, cw, sw, blend)
    return (*parts, variation), program.image_gradient(gradients, slope)


def _mean_square_style(program, image, content, styles, cw, sw, blend):
    p = program.maps(content)["relu4_2"]
    targets = dict.fromkeys(STYLE_LAYERS, 0.0)
    for share, style in zip(np.array(blend) / np.sum(blend), styles, strict=True):
        for name, s in program.maps(style).items():
            if name in targets:
                targets[name] = targets[name] + share * s @ s.T / s.size
    maps = program.maps(image)
    f = maps["relu4_2"]
    content_loss = cw * ((f - p) ** 2).mean()
    gradients = {"relu4_2": 2 * cw * (f - p) / f.size}
    style_loss = 0.0
    for name in STYLE_LAYERS:
        f = maps[name]
        difference = f @ f.T / f.size - targets[name]
        style_loss += sw * (difference**2).mean()
        gradients[name] = sw * 4 * difference @ f / (f.size * difference.size)
    return (content_loss, style_loss), gradients
