"""What transparency hides decides nothing of a painting, and weighs nothing."""

from pathlib import Path

import numpy as np
import pytest
from image_files import save

import jnst
from jnst.images import Picture, read_image
from jnst.losses.guidance import EVERYWHERE, guide_of

RNG = np.random.default_rng(0)
CONTENT = RNG.random((32, 40, 3), np.float32)
STYLE = RNG.random((30, 36, 3), np.float32) ** 2
SMALL = {
    "size": 40,
    "scales": (1.0,),
    "bleed": 4,
    "steps": (3,),
    "style_layers": ("relu1_1", "relu2_1"),
    "content_layers": ("relu2_2",),
}


def hole(image):
    alpha = np.ones(image.shape[:2], np.float32)
    alpha[:, :16] = 0
    return alpha


def copies(folder, image):
    """The picture with its left half hidden, over black and over white."""
    alpha = hole(image)[..., None]
    for hidden in (0, 1):
        pixels = np.concatenate([np.where(alpha > 0, image, hidden), alpha], -1)
        yield read_image(save(folder / f"{hidden}.png", np.rint(255 * pixels).astype(np.uint8)))


@pytest.mark.parametrize("config", [{}, {"init": "noise", "preserve": 0.5}], ids=str)
@pytest.mark.parametrize("role", ["content", "style", "init"])
def test_the_hidden_colours_decide_nothing(params, tmp_path, role, config):
    if role == "init":
        config = {"init": "file"}
    settings = jnst.Config(**SMALL | config)
    paintings = []
    for picture in copies(tmp_path, STYLE if role == "style" else CONTENT):
        content, style = (
            picture if role == r else a for r, a in (("content", CONTENT), ("style", STYLE))
        )
        init = {"init_image": picture} if role == "init" else {}
        paintings.append(jnst.stylize(params, content, style, settings, **init).image)
    np.testing.assert_array_equal(*paintings)


def test_the_alpha_of_a_style_is_a_mask_of_it(params):
    alpha = hole(STYLE)
    config = jnst.Config(**SMALL)
    found = jnst.stylize(params, CONTENT, Picture(STYLE, alpha, Path("a.png")), config)
    masked = jnst.stylize(params, CONTENT, STYLE, config, style_masks=[alpha])
    np.testing.assert_array_equal(found.image, masked.image)
    top = np.zeros_like(alpha)
    top[:20] = 1
    picture = Picture(STYLE, alpha, Path("a.png"))
    both = jnst.stylize(params, CONTENT, picture, config, style_masks=[top])
    product = jnst.stylize(params, CONTENT, STYLE, config, style_masks=[alpha * top])
    np.testing.assert_array_equal(both.image, product.image)


@pytest.mark.parametrize("preserve", [0.0, 0.5])
def test_hidden_pixels_weigh_nothing_in_the_content_loss(params, preserve):
    config = jnst.Config(**SMALL | {"preserve": preserve, "content_layers": ("relu1_1",)})
    guidance = EVERYWHERE._replace(visible=guide_of("alpha", hole(CONTENT), "vgg16", ["relu1_1"]))
    targets = jnst.make_targets(params, CONTENT, [STYLE], config, guidance=guidance)
    weights = targets.content["relu1_1"].weights
    assert weights.shape == (32, 40, 1)
    assert float(weights.mean()) == pytest.approx(1, rel=1e-5)
    assert not np.asarray(weights)[:, :16].any()
    other = np.where(hole(CONTENT)[..., None] > 0, CONTENT, 1 - CONTENT)
    _, losses = jnst.objective(other, params, targets, jnst.loss_weights(config))
    # The one column of positions that reads over the edge is all that differs.
    plain = jnst.make_targets(params, CONTENT, [STYLE], config)
    _, everywhere = jnst.objective(other, params, plain, jnst.loss_weights(config))
    assert float(losses.content) < 0.1 * float(everywhere.content)


def test_an_opaque_picture_is_painted_as_an_array(params):
    opaque = np.ones(CONTENT.shape[:2], np.float32)
    config = jnst.Config(**SMALL)
    found = jnst.stylize(params, Picture(CONTENT, opaque, Path("a.png")), STYLE, config)
    np.testing.assert_array_equal(found.image, jnst.stylize(params, CONTENT, STYLE, config).image)


def test_windows_weigh_the_content_alike(params):
    picture = Picture(np.tile(CONTENT, (5, 4, 1)), hole(np.tile(CONTENT, (5, 4, 1))), Path("a.png"))
    config = jnst.Config(**SMALL | {"size": 160, "preserve": 0.5})
    whole = jnst.stylize(params, picture, STYLE, config)
    tiled = jnst.stylize(params, picture, STYLE, config, tile=128)
    np.testing.assert_allclose(tiled.losses, whole.losses, rtol=1e-3)


@pytest.mark.parametrize("role", ["content", "style 1", "init_image"])
def test_a_picture_without_a_visible_pixel_is_refused(params, role):
    nothing = Picture(CONTENT, np.zeros((32, 40), np.float32), Path("a.png"))
    content, style = (
        nothing if role == "content" else CONTENT,
        nothing if role == "style 1" else STYLE,
    )
    init = {"init_image": nothing} if role == "init_image" else {}
    config = jnst.Config(**SMALL | ({"init": "file"} if init else {}))
    with pytest.raises(ValueError, match=f"{role} is transparent everywhere: give a picture with"):
        jnst.stylize(params, content, style, config, **init)


def test_a_mask_that_misses_all_that_is_visible_is_refused(params):
    picture = Picture(STYLE, hole(STYLE), Path("a.png"))
    with pytest.raises(ValueError, match="style 1 is transparent everywhere inside its mask"):
        jnst.stylize(params, CONTENT, picture, jnst.Config(**SMALL), style_masks=[1 - hole(STYLE)])


def test_a_keep_mask_may_be_a_picture_in_alpha(params):
    white = Picture(np.ones_like(CONTENT), hole(CONTENT), Path("a.png"))
    config = jnst.Config(**SMALL)
    found = jnst.stylize(params, CONTENT, STYLE, config, keep_mask=white).image
    np.testing.assert_array_equal(found[:, 16:], CONTENT[:, 16:])
    assert (found[:, :15] != CONTENT[:, :15]).any()
