"""Only ratios of weights matter; and a run in which nothing moves says so."""

from dataclasses import replace

import numpy as np
import pytest

import jnst

SMALL = {"size": 48, "scales": (1.0,), "steps": (8,)}
BASES = {
    "adam": jnst.Config(**SMALL, bleed=0, tv_weight=0.0, content_weight=1.0, style_weight=3.0),
    "zoom": jnst.Config(
        **SMALL,
        bleed=0,
        tv_weight=0.0,
        content_weight=1.0,
        style_weight=3.0,
        optimizer="lbfgs",
        line_search="zoom",
        clamp=False,
    ),
    "gatys2016": replace(jnst.PRESETS["gatys2016"], **SMALL),
}
BASES["none"] = replace(BASES["zoom"], line_search="none")


def scaled(config: jnst.Config, factor: float) -> jnst.Config:
    return replace(
        config,
        content_weight=config.content_weight * factor,
        style_weight=config.style_weight * factor,
        tv_weight=config.tv_weight * factor,
    )


@pytest.mark.parametrize("name", BASES)
@pytest.mark.parametrize("exponent", [-27, 83])
def test_a_factor_on_all_weights_changes_nothing(name, exponent, params):
    content, style = np.random.default_rng(0).random((2, 36, 48, 3), np.float32)
    expected = jnst.stylize(params, content, style, BASES[name]).image
    painted = jnst.stylize(params, content, style, scaled(BASES[name], 2.0**exponent)).image
    np.testing.assert_allclose(painted, expected, atol=2e-3)
    assert np.abs(painted - content).max() > 0.02


def test_the_weights_of_layers_count_as_well(params):
    content, style = np.random.default_rng(0).random((2, 36, 48, 3), np.float32)
    layers = {"style_layers": ("relu1_1", "relu2_1"), "style_layer_weights": (3.0, 1.0)}
    only_style = replace(BASES["zoom"], content_weight=0.0, style_weight=1.0, **layers)
    huge = replace(only_style, style_layer_weights=(3 * 2.0**90, 2.0**90))
    expected, painted = (jnst.stylize(params, content, style, c).image for c in (only_style, huge))
    np.testing.assert_allclose(painted, expected, atol=2e-3)


def test_small_weights_move_what_has_no_line_search(params):
    """The preset's own weights, times 1e-7, once ended where they began."""
    content, style = np.random.default_rng(0).random((2, 36, 48, 3), np.float32)
    config = replace(jnst.PRESETS["neural-style-pt"], **SMALL, init="content")
    painted = jnst.stylize(params, content, style, scaled(config, 1e-7)).image
    assert np.abs(painted - content).max() > 0.02


def test_the_terms_are_those_of_the_weights_as_given(params):
    content, style = np.random.default_rng(0).random((2, 36, 48, 3), np.float32)
    expected, painted = (
        jnst.stylize(params, content, style, scaled(BASES["adam"], factor))
        for factor in (1.0, 2.0**-40)
    )
    for term, expected_term in zip(painted.losses, expected.losses, strict=True):
        np.testing.assert_allclose(term, expected_term * 2.0**-40, rtol=1e-3)
    for term, expected_term in zip(painted.history, expected.history, strict=True):
        np.testing.assert_allclose(term, expected_term * 2.0**-40, rtol=1e-3)


def test_a_run_in_which_nothing_moves_says_so(params):
    content, style = np.random.default_rng(0).random((2, 36, 48, 3), np.float32)
    config = replace(BASES["adam"], init="content", style_weight=0.0, steps=(3,))
    with pytest.warns(UserWarning, match="nothing moved: the loss was 0 at every step; check"):
        painted = jnst.stylize(params, content, style, config).image
    np.testing.assert_allclose(painted, content, atol=1e-6)
