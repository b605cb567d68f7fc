"""The objective over several virtual CPU devices, each time in a new process, is that of one."""

import subprocess
import sys

import jax
import numpy as np
import pytest

import jnst

PROGRAM = """
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
import jax
count = int(sys.argv[1])
jax.config.update("jax_num_cpu_devices", count)
import jax.numpy as jnp
import numpy as np
import jnst
from jnst.compute import Scene, engine
from jnst.compute.devices import Sharded
from jnst.images import Picture, resize_picture
from jnst.losses import loss_weights
from jnst.losses.guidance import guidance
from jnst.losses.objective import objective
from jnst.losses.targets import make_targets
from jnst.optimize import loop, steps

rng = np.random.default_rng(0)
params = jnst.load_weights("vgg16")
spread = Sharded(tuple(jax.devices()))
assert len(spread.devices) == count
# A height that no band divides, one with a band that stays empty, and one that fits.
gram = partial(jnst.Config, style_loss="gram-relative", style_layer_weights=(1.0,))
cases = [
    ((75, 40), gram(content_layers=("relu2_1",), style_layers=("relu1_1", "conv2_2"))),
    ((33, 47), gram(
        pooling="l2", padding="reflect", content_layers=(), style_layers=("relu1_1", "relu3_1")
    )),
    ((64, 48), jnst.preset(
        "gatys2016", content_layers=("relu2_2",), style_layers=("relu1_1", "relu2_1")
    )),
]
# Four devices have bands of their own kinds; the rest is the same for any number.
for (height, width), config in cases if count == 2 else cases[::2]:
    image, content = (rng.random((height, width, 3), np.float32) for _ in range(2))
    styles = [rng.random((90, 61, 3), np.float32)]
    weights = loss_weights(config)
    whole = make_targets(params, content, styles, config)
    targets = spread.make_targets(params, Scene(content, styles), config)
    for found, expected in zip(jax.tree.leaves(targets), jax.tree.leaves(whole), strict=True):
        found, expected = np.asarray(found), np.asarray(expected)
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    one = jax.jit(jax.value_and_grad(objective, has_aux=True))
    many = jax.jit(jax.value_and_grad(spread, has_aux=True))
    alone = one.lower(image, params, whole, weights).compile()
    (value, terms), gradient = alone(image, params, whole, weights)
    args = spread.place((image, params, whole, weights))
    spread_step = many.lower(*args).compile()
    (other, parts), spread_gradient = spread_step(*args)
    np.testing.assert_allclose(jnp.stack(parts), jnp.stack(terms), rtol=1e-4)
    gradient, spread_gradient = np.asarray(gradient), np.asarray(spread_gradient)
    error = np.abs(gradient - spread_gradient).max() / np.abs(gradient).max()
    assert error < 1e-5, (height, width, error)
# Where the bands are equal, each device has its part of the operations, and halos.
work = spread_step.cost_analysis()["flops"] / alone.cost_analysis()["flops"]
assert 1 / count < work < 1.2 / count, work

# Two regions, and a style of which a part counts; once is enough.
if count == 2:
    config = gram(content_layers=("relu2_1",), style_layers=("relu1_1", "relu2_1"))
    masks = [rng.random((height, width), np.float32) for _ in range(2)]
    guide = guidance("vgg16", config.style_layers, masks, [masks[0], None], (0.5, 0.5))
    two = [image, styles[0]]
    whole = make_targets(params, content, two, config, guidance=guide)
    targets = spread.make_targets(params, Scene(content, two, guide), config)
    for found, expected in zip(jax.tree.leaves(targets), jax.tree.leaves(whole), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5 * float(jnp.abs(expected).max()))
    _, gradient = one(image, params, whole, loss_weights(config))
    _, found = many(*spread.place((image, params, targets, loss_weights(config))))
    gradient, found = np.asarray(gradient), np.asarray(found)
    assert np.abs(gradient - found).max() < 1e-5 * np.abs(gradient).max()

    # The default method.
    config = jnst.Config(
        size=40, scales=(0.5, 1.0), steps=(3,), content_layers=("relu1_1",),
        style_layers=("relu1_1",),
    )
    alone = jnst.stylize(params, content, styles, config)
    together = jnst.stylize(params, content, styles, config, devices=jax.devices())
    # Adam divides by the size of the gradient: where that is small, its rounding shows.
    np.testing.assert_allclose(together.image, alone.image, atol=5e-4)
    np.testing.assert_allclose(together.losses.total, alone.losses.total, rtol=1e-4)
    left = np.zeros(content.shape[:2])
    left[:, : left.shape[1] // 2] = 1
    config = replace(config, scales=(1.0,))
    kept = jnst.stylize(params, content, styles, config, devices=jax.devices(), keep_mask=left)
    same = (kept.image == resize_picture(content, *kept.image.shape[:2])).all(axis=(0, 2))
    half = len(same) // 2
    assert same[: half - 1].all() and not same[half + 1 :].any(), same
    # What is hidden of the content weighs nothing on one device and on several.
    cut = Picture(content, np.float32(left), Path("a.png"))
    alone, together = (
        jnst.stylize(params, cut, styles, config, devices=devices)
        for devices in ((), jax.devices())
    )
    np.testing.assert_allclose(together.losses.total, alone.losses.total, rtol=1e-4)
    # By windows, the state may live on another device than that which computes, as in the host's
    # memory beside a GPU.
    image = rng.random((40, 131, 3), np.float32)
    config = replace(config, size=131)
    usual = jnst.stylize(params, image, styles, config, tile=128)
    engine.home = lambda *_: jax.devices()[1]
    states = []
    loop.run_chunk = lambda *args, **more: (
        states.append(args[2].point.devices()) or steps.run_chunk(*args, **more)
    )
    moved = jnst.stylize(params, image, styles, config, tile=128)
    assert states == [{jax.devices()[1]}] * 3, states
    np.testing.assert_array_equal(moved.image, usual.image)
print("done")
"""


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_several_devices_give_what_one_gives(count: int) -> None:
    """Targets and value; the gradient within 1e-5 of its largest entry; a picture within 1e-4."""
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(count)], capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr[-3000:]
    assert found.stdout.splitlines()[-1] == "done"


PADDED = """
import jax
jax.config.update("jax_num_cpu_devices", 4)
import jax.numpy as jnp
import numpy as np
import jnst
from jnst.compute.devices import Sharded

rng = np.random.default_rng(0)
params, spread = jnst.load_weights("vgg16"), Sharded(tuple(jax.devices()))
# Heights of one row for each device; that fill part of the last band; and three of four bands,
# so that the row below the picture is the first of the last one.
for padding in ("replicate", "reflect"):
    for layer, heights in (("relu1_1", (4,)), ("relu2_1", (11, 12))):
        config = jnst.Config(content_layers=(layer,), style_layers=(), padding=padding)
        for height in heights:
            image = rng.random((height, 8, 3), np.float32)
            terms = jnst.make_targets(params, image, [image], config).terms

            def alone(image):
                found = jnst.features(params, image, (layer,), padding=padding)[layer]
                return jnp.sum(found * weights), found

            def together(image):
                found = spread._maps(params, image, terms)[layer]
                return jnp.sum(found * weights), found

            shape = jnst.features(params, image, (layer,))[layer].shape
            weights = rng.normal(size=shape).astype(np.float32)
            (_, expected), slope = jax.jit(jax.value_and_grad(alone, has_aux=True))(image)
            spread_out = jax.jit(jax.value_and_grad(together, has_aux=True))
            (_, found), gradient = spread_out(spread.place(image))
            for one, other in ((found, expected), (gradient, slope)):
                scale = float(np.abs(other).max())
                np.testing.assert_allclose(one, other, atol=1e-5 * scale, err_msg=str(height))
print("done")
"""


@pytest.mark.slow
def test_the_border_is_repeated_or_mirrored_as_on_one_device() -> None:
    """The first convolution and its gradient, within 1e-5 of the largest entry."""
    found = subprocess.run([sys.executable, "-c", PADDED], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr[-3000:]
    assert found.stdout.splitlines()[-1] == "done"


@pytest.mark.parametrize(
    ("options", "changes", "message"),
    [
        ({"tile": 128}, {}, "tile is 128 for 2 devices: give one of the two"),
        (
            {},
            {"precision": "bfloat16"},
            "precision is 'bfloat16' for 2 devices: they take 'float32'",
        ),
    ],
)
def test_what_several_devices_do_not_do_is_refused(options, changes, message):
    picture = np.zeros((32, 32, 3), np.float32)
    config = jnst.Config(size=32, steps=(1,), **changes)
    with pytest.raises(ValueError, match=message):
        jnst.stylize(
            jnst.load_weights("vgg16"),
            picture,
            picture,
            config,
            devices=jax.devices() * 2,
            **options,
        )
