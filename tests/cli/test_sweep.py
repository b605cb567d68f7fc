"""Sweeps: what is painted, from how many compilations, and the sheet; mistakes before the first."""

from pathlib import Path

import jax
import numpy as np
import pytest
from command import PICTURES, TINY, Command

from jnst.cli.batch.plan import plan
from jnst.cli.options.parsing import parse
from jnst.cli.options.request import Batch, Request
from jnst.cli.options.words import UsageError
from jnst.figures import grid_sheet
from jnst.images import read_image, read_parameters
from jnst.optimize import steps

NAMES = ["--content", "cat.jpg", "--style", "night.png"]


def planned(*words: str) -> list[Request]:
    found = parse([*NAMES, *words])
    assert isinstance(found, Batch)
    return plan(found)


def test_each_value_with_each() -> None:
    found = planned("--sweep", "content_weight=1,5", "--sweep", "style-scale=0.5,1", "--size", "64")
    cells = [(r.config.content_weight, r.config.style_scale, r.config.size) for r in found]
    assert cells == [(1, (0.5,), 64), (1, (1.0,), 64), (5, (0.5,), 64), (5, (1.0,), 64)]
    assert found[0].output == "cat_night_content_weight-1_style_scale-0.5.png"
    assert {r.bucket for r in found} == {1}
    assert {r.bucket for r in planned("--sweep", "seed=1,2", "--init", "gray", "--pairs")} == {16}


def test_lists_switches_presets_and_names() -> None:
    found = planned(
        *("--sweep", "style_layers=relu1_1 relu2_1,relu1_1", "--sweep", "preset=default,gatys2016"),
        *("--output", "out/{preset}-{style_layers}.png"),
    )
    assert found[1].config.style_layers == ("relu1_1", "relu2_1")
    assert found[3].config.pooling == "average"
    assert found[1].output == "out/gatys2016-relu1_1-relu2_1.png"
    found = planned("--optimizer", "adam", "--sweep", "clamp=false,true")
    assert [r.config.clamp for r in found] == [False, True]
    blend = planned("--style", "dawn.png", "--sweep", "style_weights=1 0,0 1")
    assert [r.config.style_weights for r in blend] == [(1, 0), (0, 1)]
    assert {r.styles for r in blend} == {("night.png", "dawn.png")}


def test_what_only_the_cells_allow() -> None:
    found = planned("--steps", "3,4,5", "--sweep", "size=256,257")
    assert [r.config.steps_per_scale for r in found] == [(3, 4, 5)] * 2
    kept = ["--checkpoint", "{size}", "--checkpoint-every", "5"]
    found = planned("--sweep", "size=64,32", *kept)
    assert [(r.checkpoint, r.checkpoint_every) for r in found] == [("64", (0, 5)), ("32", (0, 5))]


def test_an_option_may_be_idle_in_some_places_but_not_in_all() -> None:
    found = planned("--sweep", "init=gray,content", "--seed", "3")
    assert [(r.config.init, r.config.seed) for r in found] == [("gray", 3), ("content", 0)]
    with pytest.raises(UsageError, match="--seed has no effect with --init matched"):
        planned("--sweep", "size=32,48", "--seed", "3")
    with pytest.raises(UsageError, match="--beta1 has no effect"):
        planned("--sweep", "beta1=0.5,0.9", "--optimizer", "lbfgs")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--sweep", "content_weight=1,-5"], "--content-weight is -5.0: it must be a finite"),
        (["--sweep", "size=32,big"], "--sweep size: 'big' is not a whole number"),
        (["--sweep", "contnt_weight=1"], "no such option; did you mean content_weight"),
        (["--sweep", "size"], "--sweep size: give a name and values, such as content_weight=1,5"),
        (["--sweep", "size=1,,2"], "--sweep size=1,,2: give a name and values"),
        (["--sweep", "style_weight=1,1.0"], "--sweep style_weight=1,1.0: a value comes twice"),
        (["--sweep", "scales=0.5 1,.5 1.0"], "a value comes twice"),
        (["--sweep", "clamp=true,yes"], "a value comes twice"),
        (["--sweep", "size=9,9"], "--sweep size=9,9: a value comes twice"),
        (["--sweep", "size=8", "--sweep", "size=9"], "--sweep size: give that option once, swept"),
        (["--sweep", "size=8,9", "--size", "9"], "--sweep size: give that option once, swept or"),
        (["--sweep", "clamp=maybe", "--optimizer", "adam"], "'maybe' is neither true nor false"),
        (["--sweep", "pooling=avg"], "unknown --pooling 'avg'; did you mean 'average'"),
        (["--sweep", "size=8,9", "--output", "a.png"], "would both be a.png: give them different"),
        (["--sweep", "size=8,9", "--output", "{seze}.png"], "no field {seze}; did you mean size"),
    ],
)
def test_mistakes_are_named_before_anything_is_painted(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        planned(*words)


def test_a_sweep_of_weights_is_one_compilation_and_a_sheet(run: Command) -> None:
    jax.clear_caches()
    sweep = ["--sweep", "content_weight=1,5", "--sweep", "style_weight=0.5,3"]
    words = [*PICTURES, *TINY, *sweep, "--output", "out"]
    code, out, err = run(*words)
    assert code == 0, err
    assert steps._single._cache_size() == 1
    sheet = str(Path("out", "cat_night_sweep.png"))
    assert len(out) == 4
    assert err[-2] == f"jnst: all on one sheet: {sheet}"
    assert len(run.files()) == 6
    height, width, _ = read_image(sheet).pixels.shape
    assert width > 900
    assert height > 600
    # Each is what its own options make, and says so.
    alone = "out/cat_night_content_weight-5_style_weight-0.5.png"
    command = read_parameters(alone)["command"].split()
    assert command[-6:] == ["--content-weight", "5", "--style-weight", "0.5", "--output", alone]
    weights = ["--content-weight", "5", "--style-weight", "0.5"]
    assert run(*PICTURES, *TINY, *weights, "--output", "alone.png")[0] == 0
    np.testing.assert_array_equal(read_image(alone).pixels, read_image("alone.png").pixels)
    # Given again, nothing is painted, and the sheet is there again.
    Path(sheet).unlink()
    code, out, err = run(*words)
    assert (code, len(out)) == (0, 4)
    assert err[-1] == "jnst: 4 paintings: 0 painted, 4 finished before"
    assert Path(sheet).exists()


def test_a_sheet_replaces_no_painting(run: Command) -> None:
    words = [*PICTURES, *TINY, "--sweep", "seed=1,2", "--init", "gray"]
    code, _, err = run(*words, "--output", "{content}_{style}_sweep.png")
    assert (code, len(err)) == (2, 1)
    code, _, err = run(*words, "--style", "cat.png", "--output", "x_{seed}.png")
    assert code == 0, err
    assert Path("cat_night_cat_sweep.png").exists()


def test_a_grid_of_pictures() -> None:
    picture = np.zeros((4, 6, 3))
    figure = grid_sheet([picture, None, picture, picture], ["a", "b"], ["1", "2"], title="t")
    panels = figure.axes
    assert [panel.get_title() for panel in panels] == ["1", "2", "", ""]
    assert [panel.get_ylabel() for panel in panels] == ["a", "", "b", ""]
    assert [len(panel.images) for panel in panels] == [1, 0, 1, 1]
    with pytest.raises(ValueError, match="3 pictures do not fill 2 rows and 2 columns"):
        grid_sheet([picture] * 3, ["a", "b"], ["1", "2"])
