"""Recipes: what the page may send, the command's words for it, and its errors at their controls."""

import json
import random
from dataclasses import fields

import pytest
from studio_server import TINY, picture_bytes

from jnst.config import PRESETS, Config
from jnst.config.effects import idle_fields
from jnst.studio.command_words import plain
from jnst.studio.recipes import Recipe

A, B = "a" * 32, "b" * 32


@pytest.fixture(scope="module")
def pictures(studio):
    return [studio.put_picture(picture_bytes(seed))["id"] for seed in (1, 2, 3)]


def check(studio, **recipe):
    answer = studio.post("/api/check", json=recipe)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_controls_are_the_fields_of_the_config(studio):
    page = studio.get("/api/controls").json()
    controls = {control["name"]: control for control in page["controls"]}
    assert list(controls) == [spec.name for spec in fields(Config)]
    assert page["presets"] == list(PRESETS)
    assert set(page["main"]) - {"preset"} <= controls.keys()
    for spec in fields(Config):
        control = controls[spec.name]
        assert control["help"] == spec.metadata["help"]
        assert control["choices"] == (spec.metadata["choices"] and list(spec.metadata["choices"]))
        for name, config in PRESETS.items():
            value = getattr(config, spec.name)
            assert control["defaults"][name] == (list(value) if control["list"] else value)
    kinds = {name: control["kind"] for name, control in controls.items()}
    assert kinds["clamp"] == "flag"
    assert kinds["color"] == "choice"
    assert kinds["steps"] == "integer"
    assert kinds["style_scale"] == "number"
    assert kinds["style_layers"] == "name"


def test_what_has_no_effect_is_told_with_its_reason(studio):
    told = check(studio, settings={"optimizer": "lbfgs"}, styles=[A])["idle"]
    reasons = idle_fields(Config(optimizer="lbfgs"), 1)
    assert told.keys() == reasons.keys()
    assert told["beta1"] == "no effect with --optimizer lbfgs: add --optimizer adam"


def test_a_painting_is_estimated(studio, pictures):
    content, style, _ = pictures
    told = check(studio, content=content, styles=[style], settings=TINY)
    assert (told["error"], told["field"]) == (None, None)
    plan = told["estimate"]
    assert (plan["steps"], plan["scales"], plan["width"], plan["height"]) == (4, 1, 32, 21)
    assert 0 < plan["seconds"] < 600
    assert 1e8 < plan["bytes"] < 5e9
    assert plan["words"].startswith("about ")
    sweep = [{"name": "strength", "values": ["1", "2"]}, {"name": "seed", "values": ["1"]}]
    twice = check(
        studio, content=content, styles=[style], settings=TINY | {"init": "noise"}, sweep=sweep
    )
    assert twice["estimate"]["paintings"] == 2
    assert twice["estimate"]["seconds"] > plan["seconds"]
    assert check(studio, settings={"size": 99})["estimate"] is None


@pytest.mark.parametrize(
    ("settings", "field", "line"),
    [
        ({"strength": -1}, "strength", "--strength is -1.0: it must be a finite number above 0"),
        ({"size": 0}, "size", "--size is 0"),
        ({"size": 1.5}, "size", "size is '1.5': give a whole number"),
        ({"size": True}, "size", "size is 'True': give a whole number"),
        ({"clamp": 1}, "clamp", "clamp is '1': give true or false"),
        ({"steps": 5}, "steps", "steps is no list"),
        ({"color": "sepia"}, "color", "unknown --color 'sepia'"),
        ({"style_layers": ["relu9_9"]}, "style_layers", "no layer 'relu9_9'"),
        ({"style_layers": ["--help"]}, "style_layers", "style_layers is '--help': give a name"),
        ({"style_scale": [1, 2, 3]}, "style_scale", "--style-scale has 3"),
        ({"normalize_gradients": True, "optimizer": "lbfgs"}, "normalize_gradients", "zoom"),
        ({"init": "file"}, "init", "--init file starts from a picture"),
        ({"seed": 1e308 * 10}, None, "Infinity is no number"),
    ],
)
def test_an_error_is_at_its_control(studio, pictures, settings, field, line):
    recipe = {"content": pictures[0], "styles": [pictures[1]], "settings": settings}
    body = json.dumps(recipe)
    headers = {"Content-Type": "application/json"}
    added = studio.post("/api/jobs", content=body, headers=headers)
    assert added.status_code == 400
    assert added.json()["field"] == field
    assert line in added.json()["error"]
    assert "\n" not in added.json()["error"]
    if field:
        told = studio.post("/api/check", content=body, headers=headers).json()
        assert (told["error"], told["field"]) == (added.json()["error"], field)


@pytest.mark.parametrize(
    ("recipe", "status", "field"),
    [
        ({}, 400, "content"),
        ({"content": A}, 400, "styles"),
        ({"content": A, "styles": [B]}, 404, None),
        ({"content": "../x", "styles": [B]}, 400, "content"),
        ({"content": A.upper(), "styles": [B]}, 400, "content"),
        ({"content": A, "styles": [B] * 9}, 400, "styles"),
        ({"content": A, "styles": [B], "preset": "rembrandt"}, 400, "preset"),
        ({"content": A, "styles": [B], "output": "/etc/passwd"}, 400, None),
        ({"content": A, "styles": [B], "settings": {"output": "x"}}, 400, None),
        ({"content": A, "styles": [B], "keep_mask": ["x"]}, 400, "keep_mask"),
        ({"content": A, "styles": [B], "sweep": [{"name": "size"}]}, 400, "sweep"),
        (
            {"content": A, "styles": [B], "sweep": [{"name": "steps", "values": ["--help"]}]},
            400,
            "sweep",
        ),
        (
            {"content": A, "styles": [B], "sweep": [{"name": "seed", "values": ["1"] * 37}]},
            400,
            "sweep",
        ),
    ],
)
def test_an_incomplete_or_strange_recipe_is_refused(studio, recipe, status, field):
    answer = studio.post("/api/jobs", json=recipe)
    assert (answer.status_code, answer.json()["field"]) == (status, field)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"settings": {"noise": NaN}}', "application/json", 400),
        (b"[" * 30_000, "application/json", 400),
        (b'{"a":' * 10_000, "application/json", 400),
        (b'{"size": ' + b"9" * 5000 + b"}", "application/json", 400),
        (b" " * 64_001, "application/json", 413),
        (b'{"\\ud800": 1}', "application/json", 400),
    ],
)
def test_a_body_that_is_no_small_json_object(studio, body, kind, status):
    for path in ("/api/jobs", "/api/check"):
        answer = studio.post(path, content=body, headers={"Content-Type": kind})
        assert answer.status_code == status
        assert answer.json()["error"]


def test_500_strange_recipes_break_nothing(studio, pictures):
    """Mutations of a sound recipe: each is taken or refused in one line, never a failure."""
    rng = random.Random(26)
    names = [spec.name for spec in fields(Config)]
    values = [None, True, -1, 0, 1, 3.7, 10**400, 1e-320, -1e308, "", "x", "relu1_1", "--size"]
    values += ["\ud800", "\0", "../..", A, pictures[0], [], [[]], {}, {"a": 1}, [1, 2], ["relu2_1"]]
    keys = [*Recipe.__dataclass_fields__, "output", ""]
    seen = set()
    for _ in range(500):
        recipe = {"content": pictures[0], "styles": [pictures[1]], "settings": dict(TINY)}
        for _ in range(rng.randint(1, 3)):
            if rng.random() < 0.5:
                recipe[rng.choice(keys)] = rng.choice(values)
            elif isinstance(recipe.get("settings"), dict):
                value = rng.choice(values)
                recipe["settings"][rng.choice(names)] = [value] if rng.random() < 0.3 else value
        body = json.dumps(recipe)
        answer = studio.post(
            rng.choice(["/api/check", "/api/jobs"]),
            content=body,
            headers={"Content-Type": "application/json"},
        )
        seen.add(answer.status_code)
        assert answer.status_code in (200, 201, 400, 404, 429), (body, answer.text)
        if answer.status_code == 201:
            studio.post(f"/api/jobs/{answer.json()['id']}/cancel")
        if answer.status_code >= 400:
            assert answer.json()["error"].isprintable()
    assert {200, 201, 400, 404} <= seen
    assert studio.get("/api/space").status_code == 200


@pytest.mark.parametrize(
    ("changes", "field", "line"),
    [
        ({"sweep": [["strength", "1", "-1"]]}, "sweep", "--strength is -1.0"),
        ({"sweep": [["strength", "1", "x"]]}, "sweep", "--sweep strength: 'x' is not a number"),
        ({"sweep": [["noise", "0.1", "0.2"]]}, "sweep", "--noise has no effect with --init"),
        ({"sweep": [["size", "32", "48"]]}, "sweep", "give that option once, swept or fixed"),
        ({"settings": {"size": 10**6}}, "size", "--size is 1000000: the painting of 1000000x"),
        ({"settings": {"style_scale": [1e4]}}, "style_scale", "--style-scale is 10000.0: a style"),
        ({"content_masks": 2}, "content_masks", "--content-mask names 2 files for 1 styles"),
        ({"style_masks": 2}, "style_masks", "--style-mask names 2 files for 1 styles"),
    ],
)
def test_an_error_of_other_parts(studio, pictures, changes, field, line):
    recipe = {"content": pictures[0], "styles": [pictures[1]], "settings": TINY}
    for key, value in changes.items():
        if key == "sweep":
            value = [{"name": name, "values": values} for name, *values in value]
        recipe[key] = pictures[:value] if key.endswith("masks") else value
    told = check(studio, **recipe)
    assert told["field"] == field
    assert line in told["error"]


def test_what_has_no_effect_in_any_cell_of_a_sweep(studio, pictures):
    recipe = {"content": pictures[0], "styles": [pictures[1]], "settings": TINY | {"noise": 0.5}}
    kinds = {"name": "init", "values": ["gray", "content"]}
    told = check(studio, **recipe, sweep=[kinds])
    assert "noise" in told["idle"]
    assert told["error"] is None
    kinds["values"].append("noise")
    assert "noise" not in check(studio, **recipe, sweep=[kinds])["idle"]


def test_an_error_has_no_folders():
    line = f"'/home/ann/studio/pictures/{B}/night.png' is damaged"
    assert plain(line) == "'night.png' is damaged"
