"""A style loss of the user's own in place of a name."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

import jnst

SMALL = jnst.Config(size=48, scales=(1.0,), steps=(3,), bleed=0, style_loss="gram")


def gram_sums(features, weights=None):
    weighted = features if weights is None else features * weights[..., None]
    return jnp.einsum("hwc,hwd->cd", weighted, features, precision="highest")


def per_position(sums, positions):
    return sums / positions


def squared(statistic, target, positions):
    return jnp.sum(jnp.square(statistic - target))


def no_fit(statistic, positions):
    return statistic


OWN = jnst.StyleLoss(gram_sums, per_position, squared)


def pictures():
    return np.random.default_rng(0).random((2, 36, 48, 3), np.float32)


def test_a_gram_loss_written_anew_is_a_multiple_of_the_built_in(params):
    """The built-in one takes the mean of the squares, over [C, C] and twice C entries."""
    content, style = pictures()
    values = []
    for loss in ("gram-positions", OWN):
        config = replace(SMALL, style_loss=loss, style_layers=("relu2_1",))
        targets = jnst.make_targets(params, content, [style], config)
        terms = jnst.objective(content, params, targets, jnst.loss_weights(config))[1]
        values.append(float(terms.style))
    built_in, own = values
    assert own / built_in == pytest.approx(128**2, rel=1e-4)


def test_it_paints_at_once_by_windows_and_within_masks(params):
    content, style = np.random.default_rng(0).random((2, 150, 100, 3), np.float32)
    config = replace(SMALL, style_loss=OWN, size=150)
    whole = jnst.stylize(params, content, style, config)
    assert whole.history.style[-1] < whole.history.style[0]
    tiled = jnst.stylize(params, content, style, config, tile=128)
    np.testing.assert_allclose(tiled.image, whole.image, atol=2e-3)
    left = np.zeros((150, 100), np.float32)
    left[:, :50] = 1
    jnst.stylize(params, content, [style, style[::-1]], config, content_masks=[left, 1 - left])


def test_what_cannot_hold_it_says_so(params, tmp_path):
    content, style = pictures()
    config = replace(SMALL, style_loss=OWN)
    states = []
    jnst.stylize(
        params, content, style, config, callback=lambda p: states.append(p.checkpoint()), chunk=3
    )
    for write in (
        lambda: jnst.save_checkpoint(tmp_path / "c", states[-1]),
        lambda: jnst.save_config(tmp_path / "c.toml", config),
        config.to_dict,
    ):
        with pytest.raises(TypeError, match="style_loss is your own: no file can hold"):
            write()
    assert not list(tmp_path.iterdir())
    again = jnst.stylize(params, content, style, config, resume=states[0])
    assert np.isfinite(again.image).all()
    whole = replace(config, style_loss=OWN._replace(fit=no_fit), size=150)
    with pytest.raises(ValueError, match="style_loss is your own, which compares all positions"):
        jnst.stylize(params, np.repeat(content, 4, axis=0), style, whole, tile=128)


@pytest.mark.parametrize("wrong", [3, None, "mine"])
def test_what_is_no_loss_is_refused(wrong):
    with pytest.raises(ValueError, match="unknown style_loss"):
        jnst.Config(style_loss=wrong)
