"""No option crashes with any other: random valid configurations, two steps of each.

JNST_CONFIGURATIONS=100 draws that many, always the same ones.
"""

import dataclasses
import os

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st

import jnst
from jnst.config import PRESETS, Config

EXAMPLES = int(os.environ.get("JNST_CONFIGURATIONS", "3"))
RNG = np.random.default_rng(0)
CONTENT = RNG.random((40, 48, 3), np.float32)
STYLES = [RNG.random((44, 50, 3), np.float32) ** 2, RNG.random((30, 36, 3), np.float32)]


def weights(*shares):
    return st.sampled_from([(1.0,), shares])


# Fields that have no choices to draw from; a new one without a line here keeps its default.
NUMBERS = {
    "size": st.just(48),
    "style_scale": weights(0.8, 1.25),
    "style_size": st.sampled_from([(), (), (40,), (40, 56)]),
    "noise": st.sampled_from([0.0, 0.1]),
    "init_blend": st.sampled_from([0.0, 0.5, 1.0]),
    "seed": st.integers(0, 9),
    "content_weight": st.sampled_from([0.0, 1.0, 5.0]),
    "style_weight": st.sampled_from([0.0, 3.0]),
    "tv_weight": st.sampled_from([0.0, 1e-4]),
    # Shallow ones: what is tested here is what the options do to each other.
    "content_layers": st.sampled_from([(), ("relu1_2",), ("conv2_1", "relu1_1")]),
    "style_layers": st.sampled_from([(), ("relu1_1",), ("relu2_1", "conv1_2")]),
    "style_layer_weights": weights(0.5, 2.0),
    "style_weights": weights(3.0, 1.0),
    "pixel_range": st.sampled_from([1.0, 255.0]),
    "input_gain": st.sampled_from([1.0, 256 / 255]),
    "steps": st.sampled_from([(1,), (2,), (1, 1)]),
    "scales": st.sampled_from([(), (1.0,), (0.5, 1.0)]),
    "preserve": st.sampled_from([0.0, 0.7]),
    "taper": st.sampled_from([0.0, 1.0]),
    "coarsest": st.sampled_from([24, 256]),
    "sketch": st.sampled_from([0, 32]),
    "learning_rate": st.sampled_from([0.02, 1.0]),
    "history": st.sampled_from([1, 20]),
    "precondition": st.sampled_from([0.0, 0.25]),
    "beta1": st.sampled_from([0.0, 0.9]),
    "beta2": st.sampled_from([0.9, 0.999]),
    "rate_decay": st.sampled_from([0.0, 1.0]),
    "average": st.sampled_from([0.0, 0.9]),
}


@st.composite
def configurations(draw):
    """A preset, with each field drawn anew or left as it is; those that Config refuses are not."""
    changes = {}
    for spec in dataclasses.fields(Config):
        if spec.name in NUMBERS:
            strategy = NUMBERS[spec.name]
        elif spec.metadata["choices"]:
            strategy = st.sampled_from(spec.metadata["choices"])
        elif isinstance(spec.default, bool):
            strategy = st.booleans()
        else:
            strategy = st.just(spec.default)
        changes[spec.name] = draw(strategy)
    if changes["optimizer"] == "lbfgs":
        changes |= {"clamp": False, "average": 0.0, "rate_decay": 1.0}
    if changes["style_size"]:
        changes["style_scale"] = (1.0,)
    start = draw(st.sampled_from(sorted(PRESETS)))
    try:
        return dataclasses.replace(PRESETS[start], **changes)
    except ValueError:
        reject()


def differences(config):
    """What a person would type."""
    return {
        spec.name: getattr(config, spec.name)
        for spec in dataclasses.fields(Config)
        if getattr(config, spec.name) != spec.default
    }


def masks_of(kind, count):
    """Soft masks: a region for each style, the left of each style, or the left of the content."""
    left, there = (np.linspace(1, 0, w, dtype=np.float32) for w in (48, 50))
    regions = [left, 1 - left][:count]
    return {
        "none": {},
        "content": {"content_masks": [np.tile(mask, (40, 1)) for mask in regions]},
        "style": {"style_masks": [np.tile(there, (44, 1)), None][:count]},
        "keep": {"keep_mask": np.tile(left, (40, 1))},
    }[kind]


@pytest.mark.slow
@given(
    config=configurations(),
    count=st.sampled_from([1, 2]),
    masks=st.sampled_from(["none", "none", "content", "style", "keep"]),
)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_option_crashes_with_any_other(config, count, masks):
    try:
        config.weights_per_style(count)
        config.scales_per_style(count)
        config.sizes_per_style(count)
    except ValueError:
        count = 2
    start = CONTENT[::-1] if config.init == "file" else None
    params = jnst.load_weights("vgg16")
    try:
        found = jnst.stylize(
            params, CONTENT, STYLES[:count], config, init_image=start, **masks_of(masks, count)
        )
        assert np.isfinite(found.image).all()
        assert found.image.shape in [(40, 48, 3), (48, 57, 3), (48, 58, 3)]
        assert found.history.total.shape == (sum(config.steps_per_scale),)
        assert np.isfinite(found.losses).all()
    except Exception as error:
        error.add_note(f"{count} styles, masks: {masks}, {differences(config)}")
        raise
    finally:
        jax.clear_caches()
