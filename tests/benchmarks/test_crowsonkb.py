"""The preset crowsonkb beside the transcription of its program to PyTorch in benchmarks/."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scripts import load

import jnst
from jnst.images import resize_picture

torch = pytest.importorskip("torch")
LAYERS = {"relu1_1": 256 / 341, "relu2_1": 64 / 341}
SHALLOW = {
    "style_layers": tuple(LAYERS),
    "style_layer_weights": tuple(LAYERS.values()),
    "content_layers": ("relu2_2",),
}


@pytest.fixture(scope="module")
def program():
    return load("baselines.crowsonkb")


def test_value_and_gradient_of_two_styles(program):
    params = jnst.load_weights("vgg16")
    rng = np.random.default_rng(0)
    image, content = rng.random((2, 20, 24, 3), np.float32)
    styles = [rng.random((*size, 3), np.float32) ** 2 for size in ((18, 22), (26, 16))]
    config = jnst.preset("crowsonkb", **SHALLOW)
    targets = jnst.make_targets(params, jnp.asarray(content), styles, config)
    derive = jax.jit(jax.value_and_grad(jnst.objective, has_aux=True))
    (total, _), gradient = derive(image, params, targets, jnst.loss_weights(config))

    def there(pixels):
        return torch.tensor(pixels, dtype=torch.float64).permute(2, 0, 1)[None]

    layers = load("baselines.vgg").layers_of(params.layers, "conv2_2", torch.float64)
    x = there(image).requires_grad_()
    sources = [there(style) for style in styles]
    value = program.Objective(layers, there(content), sources, "relu2_2", LAYERS)(x)
    value.backward()
    expected = x.grad[0].permute(1, 2, 0).numpy()
    # The program's roots have not converged after 12 steps: its value is above the distance, nearly
    # everywhere by as much, and the gradient has the same direction. See `jnst.losses.moments`.
    assert float(total) == pytest.approx(value.item(), rel=0.1)
    cosine = (gradient * expected).sum() / np.linalg.norm(gradient) / np.linalg.norm(expected)
    assert cosine > 0.999


def test_the_scales_and_sizes_of_the_program(program):
    assert program.scales(128, 512) == [128, 181, 256, 362, 512]
    assert program.scales(64, 64) == [64]
    assert program.size_to_fit(451, 300, 128, enlarge=True) == (128, 85)
    assert program.size_to_fit(90, 100, 128) == (90, 100)


def by_keys(values, size, mode):
    """PyTorch's cubic filter has a = -3/4, but where it is antialiased -1/2, as Pillow's."""
    cubic = mode == "bicubic"
    return torch.nn.functional.interpolate(values, size, mode=mode, antialias=cubic)


def unrounded(image, size):
    pixels = resize_picture(np.float32(image) / 255, *size[::-1], resample="lanczos")
    return torch.tensor(pixels).permute(2, 0, 1)[None]


@pytest.mark.slow
def test_the_program_step_by_step(program, monkeypatch):
    """The painting of a run over two scales, by the program's objective; with the library's
    filters."""
    monkeypatch.setattr(program, "interpolate", by_keys)
    monkeypatch.setattr(program, "tensor", unrounded)
    params = jnst.load_weights("vgg16")
    rng = np.random.default_rng(1)
    waves = np.sin(np.linspace(0, 9, 96))[:, None, None] * np.cos(np.linspace(0, 7, 96))[:, None]
    content, noise = 0.5 + 0.4 * waves * rng.random(3), rng.random((48, 48, 3))
    content, style = (np.round(255 * p) / 255 for p in (content, noise))
    config = jnst.preset("crowsonkb", size=64, coarsest=45, steps=(5, 4), **SHALLOW)
    ours = jnst.stylize(params, content, style, config)
    values = []
    layers = load("baselines.vgg").layers_of(params.layers, "conv2_2")
    image, value = program.stylize(
        layers,
        content,
        [style],
        size=64,
        coarsest=45,
        steps=(5, 4),
        content_layer="relu2_2",
        style_layers=LAYERS,
        watch=lambda side, value: values.append((side, value)),
    )
    assert [side for side, _ in values] == [45] * 5 + [64] * 4
    pictures = [program.picture(pixels) for pixels in (content, style)]
    objective, _ = program.at_scale(layers, pictures[0], pictures[1:], 64, "relu2_2", LAYERS)
    with torch.no_grad():
        found = objective(torch.tensor(ours.image).permute(2, 0, 1)[None]).item()
    assert found == pytest.approx(value, rel=0.02)
    assert found < 0.7 * values[0][1]
    painting = image[0].permute(1, 2, 0).numpy()
    assert np.mean(np.abs(ours.image - painting)) < 0.01


def test_the_benchmark_goes_on_with_the_half_that_has_run(tmp_path):
    benchmark = load("against_torch")
    run = {"content": "cat", "style": "night", "size": 40, "steps": [9, 5], "coarsest": 28}
    assert benchmark.known(tmp_path, run) == run
    payload = {"environment": {}, "row": run | {"jnst": 1.5}}
    (tmp_path / "against_torch.json").write_text(json.dumps(payload))
    assert benchmark.known(tmp_path, run) == run | {"jnst": 1.5}
    assert benchmark.known(tmp_path, run | {"size": 41}) == run | {"size": 41}


def test_the_benchmark_tells_both_ends():
    row = {"content": "cat", "style": "night", "pixels": [40, 26], "scales": [28, 40]}
    row |= {"steps": [9, 5], "jnst": 1.5, "jnst_begins": 3.0, "jnst_seconds": 7.0}
    row |= {"torch": 1.25, "torch_begins": 3.1, "torch_seconds": 9.0, "ratio": 1.2}
    text = load("against_torch").table(row)
    assert text.startswith(
        "cat by night, 40x26, scales 28, 40; steps at the first and at each othe"
    )
    assert "| jnst, preset crowsonkb | 3 | 1.5 | 7 |" in text
    assert "| PyTorch, transcribed | 3.1 | 1.25 | 9 |\n\njnst over PyTorch: 1.2000\n" in text
