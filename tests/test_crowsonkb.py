"""The objective of the preset crowsonkb, transcribed to PyTorch in float64: value and gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jnst
from jnst.vgg import CAFFE

torch = pytest.importorskip("torch")
SIZE, STYLES = (20, 24), [(18, 22), (26, 16)]
LAYERS, CONTENT = ("relu1_1", "relu2_1"), "relu2_2"


def maps_of(layers, image):
    """Activations by name, of an image [H, W, 3] in float64: the first padding replicates."""
    x = (255 * image.flip(-1) - torch.tensor(CAFFE.mean)).permute(2, 0, 1)[None]
    found = {}
    for name in ("conv1_1", "conv1_2", "pool1", "conv2_1", "conv2_2"):
        if name == "pool1":
            x = torch.nn.functional.max_pool2d(x, 2)
            continue
        mode = "replicate" if name == "conv1_1" else "constant"
        kernel, bias = (torch.tensor(np.float64(layers[name][n])) for n in ("kernel", "bias"))
        x = torch.nn.functional.pad(x, (1, 1, 1, 1), mode=mode)
        x = torch.relu(torch.nn.functional.conv2d(x, kernel.permute(3, 2, 0, 1), bias))
        found[name.replace("conv", "relu")] = x[0]
    return found


def moments(values):
    mean = values.mean((1, 2))
    return mean, torch.einsum("chw,dhw->cd", values, values) / values[0].numel()


def covariance(mean, second):
    return second - torch.outer(mean, mean) + 1e-4 * torch.eye(len(mean), dtype=torch.float64)


class Root(torch.autograd.Function):
    """The matrix root by 12 Newton-Schulz steps, its derivative by 12 Lyapunov steps."""

    @staticmethod
    def forward(ctx, a):
        three, norm = 3 * torch.eye(len(a), dtype=a.dtype), a.square().sum().sqrt()
        y, z = a / norm, three / 3
        for _ in range(12):
            t = (three - z @ y) / 2
            y, z = y @ t, t @ z
        root = y * norm.sqrt()
        ctx.save_for_backward(root)
        return root

    @staticmethod
    def backward(ctx, gradient):
        (root,) = ctx.saved_tensors
        norm = root.square().sum().sqrt()
        a, q, three = root / norm, gradient / norm, 3 * torch.eye(len(root), dtype=root.dtype)
        for _ in range(12):
            rest = three - a @ a
            q = (q @ rest - a.T @ (a.T @ q - q @ a)) / 2
            a = a @ rest / 2
        return q / 2


def variation(image):
    x = torch.nn.functional.pad(image.permute(2, 0, 1)[None], (1, 1, 1, 1), mode="replicate")[0]
    along = x.diff(dim=2).square().mean() / 3 + x.diff(dim=1).square().mean() / 3
    falling = (x[:, 1:, 1:] - x[:, :-1, :-1]).square().mean() / 12
    rising = (x[:, 1:, :-1] - x[:, :-1, 1:]).square().mean() / 12
    return 2 * (along + falling + rising)


def by_torch(layers, image, content, styles):
    image = torch.tensor(np.float64(image), requires_grad=True)
    found = maps_of(layers, image)
    kept = maps_of(layers, torch.tensor(np.float64(content)))[CONTENT]
    total = 0.015 * (found[CONTENT] - kept).square().mean() + 2.0 * variation(image)
    matched = [maps_of(layers, torch.tensor(np.float64(style))) for style in styles]
    for weight, layer in zip((256 / 341, 64 / 341), LAYERS, strict=True):
        targets = [moments(each[layer]) for each in matched]
        target_mean, second = (sum(parts) / len(parts) for parts in zip(*targets, strict=True))
        target, (mean, raw) = covariance(target_mean, second), moments(found[layer])
        spread, half = covariance(mean, raw), Root.apply(target)
        between = Root.apply(half @ spread @ half)
        trace = (target + spread - 2 * between).trace()
        total = total + weight * ((mean - target_mean).square().mean() + trace / len(mean))
    total.backward()
    return total.item(), image.grad.numpy()


def test_value_and_gradient_of_two_styles():
    params = jnst.load_weights("vgg16")
    rng = np.random.default_rng(0)
    image, content = rng.random((2, *SIZE, 3), np.float32)
    styles = [rng.random((*size, 3), np.float32) ** 2 for size in STYLES]
    config = jnst.preset(
        "crowsonkb",
        style_layers=LAYERS,
        content_layers=(CONTENT,),
        style_layer_weights=(256 / 341, 64 / 341),
    )
    targets = jnst.make_targets(params, jnp.asarray(content), styles, config)
    derive = jax.jit(jax.value_and_grad(jnst.objective, has_aux=True))
    (total, _), gradient = derive(image, params, targets, jnst.loss_weights(config))
    value, expected = by_torch(params.layers, image, content, styles)
    assert float(total) == pytest.approx(value, rel=1e-4)
    assert np.abs(gradient - expected).max() < 1e-4 * np.abs(expected).max()
