"""Options that would change nothing are refused; every field of Config is classified."""

from dataclasses import fields

import pytest

from jnst.cli.options.parsing import parse
from jnst.cli.options.request import Request
from jnst.cli.options.words import UsageError
from jnst.config import PRESETS, Config
from jnst.config.effects import EFFECTS, idle_fields

PICTURES = ["--content", "cat.jpg", "--style", "night.png"]
TWO = ["dawn.png"]

# Field: words beside it that leave it idle, its own words, words that give it its effect.
IDLE = {
    "noise": ("", "0.2", "--init noise"),
    "init_blend": ("", "0.2", "--init blend"),
    "seed": ("", "3", "--init style-colors"),
    "strength": ("--content-layers= --style-layers=", "2", "--content-layers relu4_2"),
    "content_weight": ("--content-layers=", "3", "--content-layers relu4_2"),
    "style_weight": ("--style-layers=", "3", "--style-layers relu1_1"),
    "content_layers": ("--content-weight 0", "relu3_1", "--content-weight 2"),
    "style_layers": ("--style-weight 0", "relu3_1", "--style-weight 2"),
    "style_layer_weights": ("--style-weight 0", "0.5", "--style-weight 2"),
    "content_loss": ("--content-weight 0", "mean", "--content-weight 2"),
    "preserve": ("--content-layers=", "0.5", "--content-layers relu4_2"),
    "style_loss": ("--style-weight 0", "gram", "--style-weight 2"),
    "tv_loss": ("--tv-weight 0", "l1", "--tv-weight 1"),
    "pooling": ("--content-layers relu1_2 --style-layers relu1_1", "l2", "--style-layers relu2_1"),
    "normalize_gradients": (
        "--content-weight 0 --style-weight 0 --optimizer adam",
        "",
        "--optimizer adam",
    ),
    "steps": ("--scales 1", "3 4", "--scales 0.5 1"),
    "taper": ("--steps 3 4", "1", "--steps 3"),
    "coarsest": ("--scales 0.5 1", "64", ""),
    "sketch": ("--scales 0.5 1", "32", ""),
    "upscale": ("--scales 1", "detail", "--scales 0.5 1"),
    "carry": ("--optimizer lbfgs", "", "--optimizer adam"),
    "quality": ("--steps 3 --scales 0.5 1", "draft", "--steps 3"),
    "learning_rate": ("--optimizer lbfgs", "0.1", "--optimizer adam"),
    "line_search": ("--optimizer adam", "none", "--optimizer lbfgs"),
    "history": ("--optimizer adam", "5", "--optimizer lbfgs"),
    "beta1": ("--optimizer lbfgs", "0.8", "--optimizer adam"),
    "beta2": ("--optimizer lbfgs", "0.8", "--optimizer adam"),
    "rate_decay": ("--optimizer lbfgs", "0.5", "--optimizer adam"),
    "average": ("--optimizer lbfgs", "0.9", "--optimizer adam"),
    "average_share": ("--average 0.9", "0.5", "--average 0"),
    "clamp": ("--optimizer lbfgs", "", "--optimizer adam"),
    "style_weights": ("", "2", ""),
}


def test_every_field_is_classified_and_every_condition_tested() -> None:
    assert set(EFFECTS) == {spec.name for spec in fields(Config)}
    assert {field for field, idle in EFFECTS.items() if idle} == set(IDLE)


@pytest.mark.parametrize("field", IDLE)
def test_a_typed_option_without_effect_is_refused(field: str) -> None:
    beside, value, remedy = IDLE[field]
    option = "--" + field.replace("_", "-")
    with pytest.raises(UsageError, match=rf"^{option} has no effect .*: leave it out, or ") as told:
        parse([*PICTURES, *beside.split(), option, *value.split()])
    assert "\n" not in str(told.value)
    pictures = [*PICTURES, *TWO] if field == "style_weights" else PICTURES
    found = parse([*pictures, option, *value.split(), *remedy.split()])
    assert isinstance(found, Request)
    assert field not in idle_fields(found.config, len(found.styles))


def test_quality_sets_the_sizes_or_the_steps_that_are_not_typed() -> None:
    few = ("--steps", "3", "--coarsest", "512")
    with pytest.raises(UsageError, match=r"^--quality has no effect with --steps 3 at so few "):
        parse([*PICTURES, "--quality", "draft", *few])
    for words in (("--steps", "3"), ("--scales", "0.5", "1"), few[2:]):
        assert isinstance(parse([*PICTURES, "--quality", "draft", *words]), Request)


def test_an_average_over_a_share_takes_adam() -> None:
    with pytest.raises(UsageError, match=r"^--average-share has no effect with --opt"):
        parse([*PICTURES, "--optimizer", "lbfgs", "--average-share", "0.5"])


def test_as_many_steps_as_sizes_go_with_a_sketch() -> None:
    words = ["--coarsest", "256", "--sketch", "64", "--steps", "1", "2", "3", "4"]
    assert isinstance(parse([*PICTURES, *words]), Request)


def test_normalized_gradients_are_refused_beside_a_line_search() -> None:
    told = (
        "^--normalize-gradients leaves no gradient of the loss, which the zoom search needs: use "
        "--line-search none or --optimizer adam$"
    )
    with pytest.raises(UsageError, match=told):
        parse([*PICTURES, "--optimizer", "lbfgs", "--normalize-gradients"])


@pytest.mark.parametrize("name", PRESETS)
def test_a_presets_own_values_may_be_idle(name: str) -> None:
    found = parse([*PICTURES, "--preset", name])
    assert isinstance(found, Request)
    assert found.config == PRESETS[name]
    assert idle_fields(found.config, 1)


def test_nothing_is_carried_from_a_single_scale() -> None:
    config = Config(optimizer="adam", scales=(1.0,))
    assert idle_fields(config, 1)["carry"].startswith("--carry has no effect with a single one of")
    assert "carry" not in idle_fields(Config(optimizer="adam", coarsest=128), 1)
    assert "carry" in idle_fields(Config(optimizer="adam", coarsest=512, sketch=0), 1)


def test_a_sketch_is_smaller_than_what_follows() -> None:
    for sketch in ("362", "400"):
        with pytest.raises(
            UsageError, match=r"^--sketch has no effect where the next scale is of 362 pixels"
        ):
            parse([*PICTURES, "--coarsest", "300", "--sketch", sketch])
    assert isinstance(parse([*PICTURES, "--coarsest", "300", "--sketch", "361"]), Request)


def test_the_reason_names_the_other_option() -> None:
    assert idle_fields(Config(), 1)["seed"] == (
        "--seed has no effect with --init matched: leave it out, or add --init gray or noise or "
        "style-colors or blend"
    )
    told = idle_fields(Config(tv_weight=0.0), 1)["tv_loss"]
    assert told == (
        "--tv-loss has no effect where --tv-weight is 0: leave it out, or give --tv-weight"
    )
