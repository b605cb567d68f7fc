"""The presets' numbers as published, and what a Config refuses."""

import dataclasses
import json

import numpy as np
import pytest

from jnst import PRESETS, Config, preset
from jnst.transfer.sizes import target_sizes

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")

PUBLISHED = {
    # CVPR 2016: α/β of 1e-3, five equal layers, average pooling, L-BFGS, no total variation.
    "gatys2016": {
        "content_weight": 1e-3,
        "style_weight": 1.0,
        "weights_per_style_layer": (0.2,) * 5,
        "content_loss": "half-sum",
        "style_loss": "gram-gatys2016",
        "tv_weight": 0.0,
        "pooling": "average",
        "init": "noise",
    },
    # The authors' notebook.
    "gatys-pytorch": {
        "content_weight": 1.0,
        "weights_per_style_layer": tuple(1 / c**2 for c in (64, 128, 256, 512, 512)),
        "style_weight": 1e3,
        "content_loss": "mean",
        "style_loss": "gram-positions",
        "tv_weight": 0.0,
        "pooling": "max",
        "init": "content",
        "learning_rate": 1.0,
        "line_search": "none",
        "size_side": "shorter",
        "size": 800,
        "scales": (0.64, 1.0),
        "steps_per_scale": (500, 200),
        "pixel_range": 255.0,
        "clamp": False,
    },
    # Johnson's Torch program.
    "neural-style": {
        "content_weight": 5.0,
        "style_weight": 100.0,
        "weights_per_style_layer": (1.0,) * 5,
        "tv_weight": 1e-3,
        "content_loss": "mean",
        "style_loss": "gram",
        "tv_loss": "l2",
        "pooling": "max",
        "size": 512,
        "size_side": "longer",
        "steps_per_scale": (1000,),
        "init": "noise",
        "history": 100,
        "learning_rate": 1.0,
        "line_search": "none",
        "pixel_range": 256.0,
        "input_gain": 256 / 255,
        "style_scale": (1.0,),
    },
}
PUBLISHED["neural-style-pt"] = PUBLISHED["neural-style"] | {
    "tv_loss": "l1",
    "pixel_range": 255.0,
    "input_gain": 1.0,
}


# Its program's arguments and losses.
PUBLISHED["crowsonkb"] = {
    "content_weight": 0.015,
    "weights_per_style_layer": (256 / 341, 64 / 341, 16 / 341, 4 / 341, 1 / 341),
    "style_weight": 1.0,
    "content_loss": "mean",
    "style_loss": "wasserstein",
    # The loss itself has another factor of 2.
    "tv_weight": 2.0,
    "tv_loss": "nine-point",
    "padding": "replicate",
    "pixel_range": 1.0,
    "input_gain": 1.0,
    "pooling": "max",
    "init": "content",
    "learning_rate": 0.02,
    "beta1": 0.9,
    "beta2": 0.99,
    "average": 0.99,
    "clamp": True,
    "size": 512,
    "steps_per_scale": (1000, 500, 500, 500, 500),
    "resample": "lanczos",
    "enlarge_styles": False,
    "carry": True,
}


def published_scales(start, end):
    """gen_scales of style-transfer-pytorch."""
    scale, i, scales = end, 0, set()
    while scale >= start:
        scales.add(scale)
        i += 1
        scale = round(end / pow(2, i / 2))
    return sorted(scales)


def test_crowsonkb_halves_the_area_from_scale_to_scale():
    for size in (*range(128, 1100, 7), 181, 256, 362, 512, 724, 1024):
        config = preset("crowsonkb", size=size)
        scales = published_scales(128, size)
        assert [side for side, _ in target_sizes(512, 512, config)] == scales
        assert config.steps_per_scale == (1000, *[500] * (len(scales) - 1))
    assert len(PRESETS["crowsonkb"].steps_per_scale) == 5


def test_coarse_scales_get_more_steps():
    scales = {"scales": (0.25, 0.5, 1.0), "steps": (80,)}
    assert Config(**scales, taper=0.0).steps_per_scale == (80, 80, 80)
    assert Config(**scales, taper=1.0).steps_per_scale == (320, 160, 80)
    # Of equal cost, as a step costs what its pixels do.
    assert Config(**scales, taper=2.0).steps_per_scale == (1280, 320, 80)
    assert Config(coarsest=256, steps=(100,), taper=1.0).steps_per_scale == (200, 141, 100)
    assert Config(**scales | {"steps": (1, 2, 3)}, taper=2.0).steps_per_scale == (1, 2, 3)


def test_scales_and_the_coarsest_of_them():
    assert preset("crowsonkb", scales=(0.5, 1.0)).all_scales == (0.5, 1.0)
    assert preset("default", coarsest=300).all_scales == (2**-0.5, 1.0)
    assert preset("default", coarsest=300, sketch=64).all_scales == (0.125, 2**-0.5, 1.0)
    assert preset("gatys2016", coarsest=300).all_scales == (2**-0.5, 1.0)
    assert preset("default", coarsest=300, scales=(0.5, 1.0)).all_scales == (0.5, 1.0)
    assert preset("default").all_scales == (0.25, 2**-1.5, 0.5, 2**-0.5, 1.0)
    assert preset("gatys2016", coarsest=200).all_scales == (0.5, 2**-0.5, 1.0)
    assert preset("gatys2016", coarsest=200, sketch=128).all_scales == (0.25, 0.5, 2**-0.5, 1.0)
    assert preset("default", size=64).all_scales == (1.0,)
    # A picture that is smaller has the one scale.
    assert Config(size=100).all_scales == (1.0,)
    assert Config(size=100, sketch=64).all_scales == (0.64, 1.0)
    assert Config(size=100, steps=(7, 3)).steps_per_scale == (7,)
    assert Config(coarsest=200, steps=(7, 3)).steps_per_scale == (7, 3, 3)
    assert Config(coarsest=200, steps=(7, 5, 3)).steps_per_scale == (7, 5, 3)


def test_quality_sets_sizes_and_steps():
    draft, normal, fine = (Config(quality=name) for name in ("draft", "normal", "fine"))
    assert Config() == normal
    # Each of four times the area of the one before.
    assert draft.all_scales == (0.25, 0.5, 1.0)
    assert normal.all_scales == fine.all_scales == (0.25, 2**-1.5, 0.5, 2**-0.5, 1.0)
    for config in (draft, normal, fine):
        steps = config.steps_per_scale
        assert len(steps) == len(config.all_scales)
        assert list(steps) == sorted(steps, reverse=True)
    # Beside each other, those at the sizes of a draft.
    rows = zip(draft.steps_per_scale, normal.steps_per_scale[::2], strict=True)
    assert all(few < more for few, more in rows)
    rows = zip(normal.steps_per_scale, fine.steps_per_scale, strict=True)
    assert all(few < more for few, more in rows)
    assert Config(size=64, quality="draft").all_scales == (1.0,)


def test_typed_steps_and_scales_win_over_the_quality():
    draft = Config(quality="draft", steps=(9,))
    assert (draft.all_scales, draft.steps_per_scale) == ((0.25, 0.5, 1.0), (9, 9, 9))
    scales = (0.1, 0.3, 1.0)
    fine, normal = (Config(quality=name, scales=scales) for name in ("fine", "normal"))
    assert fine.all_scales == scales
    assert fine.steps_per_scale[0] == Config(quality="fine").steps_per_scale[0]
    assert fine.steps_per_scale > normal.steps_per_scale
    both = Config(quality="fine", scales=scales, steps=(5, 4, 3))
    assert (both.all_scales, both.steps_per_scale) == (scales, (5, 4, 3))
    # The published programs name theirs.
    for name in PUBLISHED:
        config = PRESETS[name]
        assert preset(name, quality="fine").steps_per_scale == config.steps_per_scale


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_presets_have_the_published_numbers(name):
    config = PRESETS[name]
    assert {field: getattr(config, field) for field in PUBLISHED[name]} == PUBLISHED[name]
    assert config.optimizer == ("adam" if name == "crowsonkb" else "lbfgs")
    assert config.style_layers == STYLE_LAYERS
    assert config.content_layers == ("relu4_2",)


def test_noise_of_a_thousandth_of_a_pixel_value():
    for name in ("neural-style", "neural-style-pt"):
        config = PRESETS[name]
        assert config.noise * config.pixel_range == pytest.approx(0.001)


def test_preset_changes_some_fields():
    config = preset("gatys2016", size=64, content_weight=2.0)
    assert (config.size, config.content_weight, config.pooling) == (64, 2.0, "average")
    assert PRESETS["gatys2016"].size == 512
    assert preset("default") == Config()
    with pytest.raises(ValueError, match="unknown preset 'neural-stile'; did you mean 'neural-st"):
        preset("neural-stile")
    with pytest.raises(ValueError, match="unknown preset 'x'; choose one of default, neural-style"):
        preset("x")
    with pytest.raises(TypeError, match="colour"):
        preset("default", colour=1)


def test_a_config_survives_json():
    for config in PRESETS.values():
        again = Config(**json.loads(json.dumps(config.to_dict())))
        assert again == config
        assert hash(again) == hash(config)


def test_every_field_tells_its_help_and_group():
    for field in dataclasses.fields(Config):
        assert field.metadata["help"], field.name
        assert field.metadata["group"] in ("picture", "objective", "optimisation"), field.name
        choices = field.metadata["choices"]
        assert choices is None or field.default in choices, field.name


def test_weights_are_spread_and_normalised():
    assert Config(style_weights=(1.0, 3.0)).weights_per_style(2) == (0.25, 0.75)
    assert Config().weights_per_style(4) == (0.25,) * 4
    assert Config(style_scale=0.5).scales_per_style(2) == (0.5, 0.5)
    assert Config(style_size=(64, 96)).sizes_per_style(2) == (64, 96)
    assert Config().sizes_per_style(2) == ()
    assert Config(style_layer_weights=(2.0,)).weights_per_style_layer == (2.0,) * 4
    assert preset("gatys-pytorch", style_layers=()).weights_per_style_layer == ()
    assert Config(scales=(0.5, 1.0), steps=(7,)).steps_per_scale == (7, 7)
    assert np.sum(Config(style_weights=(0.1, 0.2, 0.4)).weights_per_style(3)) == pytest.approx(1)


REFUSED = [
    ({"content_weight": -1.0}, "content_weight is -1.0: it must be a finite number of at least 0"),
    ({"style_weight": float("nan")}, "style_weight is nan: it must be a finite number of at least"),
    ({"tv_weight": float("inf")}, "tv_weight is inf: it must be a finite number of at least 0"),
    ({"noise": -0.5}, "noise is -0.5"),
    ({"learning_rate": 0.0}, "learning_rate is 0.0: it must be a finite number above 0"),
    ({"style_scale": 0.0}, r"style_scale is \(0.0,\): each must be a finite number above 0"),
    ({"style_scale": (1.0, -2.0)}, r"style_scale is \(1.0, -2.0\): each must be a finite"),
    ({"style_scale": ()}, "style_scale is empty: give at least one number"),
    ({"style_size": 12.5}, r"style_size is \(12.5,\): each must be a whole number of at least 1"),
    (
        {"style_size": (64, 96), "style_scale": 0.5},
        r"style_scale has no effect with style_size \(64, 96\): give one of the two",
    ),
    ({"init_blend": 1.5}, "init_blend is 1.5: it must be at least 0 and at most 1"),
    ({"pixel_range": -255.0}, "pixel_range is -255.0"),
    ({"input_gain": 0.0}, "input_gain is 0.0"),
    ({"size": 0}, "size is 0: it must be a whole number of at least 1"),
    ({"size": 12.5}, "size is 12.5: it must be a whole number"),
    ({"history": 0}, "history is 0: it must be a whole number of at least 1"),
    ({"seed": -1}, "seed is -1: it must be a whole number of at least 0"),
    ({"beta1": 1.0}, "beta1 is 1.0: it must be at least 0 and below 1"),
    ({"beta2": -0.1}, "beta2 is -0.1"),
    ({"average": 1.5, "optimizer": "adam"}, "average is 1.5: it must be at least 0 and below 1"),
    ({"steps": (0,)}, r"steps is \(0,\): each must be a whole number above 0"),
    (
        {"steps": (5, 5, 5, 5), "scales": (0.25, 0.5, 1.0)},
        "steps has 4 numbers for 3 scales: give 3, two for the first and each other, or one",
    ),
    (
        {"steps": (5, 5, 5), "coarsest": 128},
        "steps has 3 numbers for 5 scales: give 5, two for the first and each other, or one",
    ),
    ({"preserve": 1.5}, "preserve is 1.5: it must be at least 0 and at most 1"),
    ({"taper": 5.0}, "taper is 5.0: it must be at least 0 and at most 4"),
    ({"pixel_range": 1e300}, "pixel_range is .*: it must be a finite number .* at most 1000000"),
    ({"input_gain": 1e9}, "input_gain is 1000000000.0: it must be"),
    ({"precondition": 1e9}, "precondition is 1000000000.0: it must be .* at most 10"),
    ({"style_scale": (1e9,)}, r"style_scale is \(1000000000.0,\): each must be at most 10000"),
    ({"style_size": (2**31,)}, "style_size is 2147483648: it must be at most 2147483647"),
    ({"scales": (1e-300, 1.0)}, "scales is .* each must be between 1e-06 and 10000"),
    ({"steps": (2**31,)}, "steps is 2147483648: it must be at most 2147483647"),
    ({"size": 10 * 10**39}, "size is 1000.*: it must be at most 2147483647"),
    ({"history": 2**31}, "history is 2147483648: it must be at most 2147483647"),
    ({"coarsest": 0}, "coarsest is 0: it must be a whole number of at least 1"),
    ({"scales": (1.0, 0.5)}, r"scales is \(1.0, 0.5\): positive numbers, the last of them 1"),
    ({"scales": (-0.5, 1.0)}, "scales is .* positive numbers"),
    ({"style_weights": (0.0, 0.0)}, "style_weights is .*at least one must be above 0"),
    ({"style_weights": (-1.0,)}, "must be finite and at least 0"),
    ({"style_layer_weights": (1.0, 2.0)}, "style_layer_weights has 2 numbers for 4 layers: give 4"),
    ({"pooling": "avg"}, "unknown pooling 'avg'; did you mean 'average'"),
    ({"optimizer": "sgd"}, "unknown optimizer 'sgd'; choose one of adam, lbfgs"),
    ({"init": "contents"}, "unknown init 'contents'; did you mean 'content'"),
    ({"style_loss": "gramm"}, "unknown style_loss 'gramm'; did you mean 'gram'"),
    ({"strength": 0.0}, "strength is 0.0: it must be a finite number above 0"),
    ({"average_share": 1.5}, "average_share is 1.5: it must be at least 0 and at most 1"),
    ({"quality": "drafts"}, "unknown quality 'drafts'; did you mean 'draft'"),
    (
        {"optimizer": "lbfgs", "normalize_gradients": True},
        "the zoom search needs: use line_search='none' or optimizer='adam'",
    ),
    ({"rate_decay": 1.5}, "rate_decay is 1.5: it must be at least 0 and at most 1"),
]


@pytest.mark.parametrize(("fields", "text"), REFUSED, ids=[str(fields) for fields, _ in REFUSED])
def test_refused_values_are_named_with_the_remedy(fields, text):
    with pytest.raises(ValueError, match=text):
        Config(**fields)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"steps": 500}, r"steps is 500: give a tuple, such as \(500,\)"),
        ({"style_layers": "relu1_1"}, "style_layers is 'relu1_1': give a tuple, such as"),
        ({"size": "large"}, "size is 'large': it must be a whole number of at least 1"),
        ({"size": True}, "size is True: it must be a whole number of at least 1"),
        ({"clamp": 1}, "clamp is 1: give True or False"),
        ({"steps": ("9",)}, r"steps is \('9',\): each must be a number"),
        ({"steps": (True,)}, r"steps is \(True,\): each must be a number"),
        ({"style_layers": (1,)}, r"style_layers is \(1,\): each must be a name"),
    ],
)
def test_wrong_types_are_named_with_the_remedy(fields, text):
    with pytest.raises(TypeError, match=text):
        Config(**fields)


def test_numbers_beyond_all_floats_are_refused():
    for name in ("size", "history", "sketch", "seed", "pixel_range", "learning_rate"):
        with pytest.raises(ValueError, match=f"{name} is 10000.*: it must be"):
            Config(**{name: 10**400})
