"""Only ratios of weights matter: a factor on all of them leaves the painting as it is."""

from dataclasses import replace

import numpy as np
import pytest

import jnst

SMALL = {"size": 48, "scales": (1.0,), "steps": (12,)}
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
    # From noise its first pair is rounding, and the next point of any size.
    "neural-style-pt": replace(jnst.PRESETS["neural-style-pt"], **SMALL, init="content"),
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
@pytest.mark.parametrize("exponent", [-27, 46, 83])
def test_a_factor_on_all_weights_changes_nothing(name, exponent, params):
    content, style = np.random.default_rng(0).random((2, 36, 48, 3), np.float32)
    expected = jnst.stylize(params, content, style, BASES[name]).image
    painted = jnst.stylize(params, content, style, scaled(BASES[name], 2.0**exponent)).image
    np.testing.assert_allclose(painted, expected, atol=2e-3)
    assert np.abs(painted - content).max() > 0.02
