"""From one style to another, and folders as one style of a blend."""

import jax
import numpy as np
import pytest
from command import PICTURES, TINY, Command
from PIL import Image

from jnst.cli.batch.plan import plan
from jnst.cli.options.parsing import parse
from jnst.cli.options.request import Batch, Request
from jnst.cli.options.words import UsageError
from jnst.images import read_image
from jnst.optimize import steps

STYLES = ["--content", "cat.png", "--style", "night.png", "dawn.png"]


@pytest.fixture
def pictures(run: Command) -> Command:
    """The command, with another style, dawn.png, and a folder of three."""
    rng = np.random.default_rng(5)
    (run.folder / "three").mkdir()
    for name in ("dawn.png", "three/a.png", "three/b.png", "three/c.png"):
        Image.fromarray(rng.integers(0, 256, (36, 44, 3), np.uint8)).save(run.folder / name)
    return run


def planned(*words: str) -> list[Request]:
    batch = parse(words)
    assert isinstance(batch, Batch)
    return plan(batch)


def test_the_ends_are_the_styles_alone_and_all_share_a_compilation(pictures: Command) -> None:
    jax.clear_caches()
    code, out, err = pictures(*STYLES, *TINY, "--style-blend", "3", "--output", "out")
    assert code == 0, err
    assert steps._single._cache_size() == 1
    assert len(out) == 3
    strip = read_image("out/cat_night_dawn_sweep.png").pixels
    assert strip.shape[1] > 3 * strip.shape[0]
    for style, weights in (("night", "1-0"), ("dawn", "0-1")):
        words = ["--content", "cat.png", "--style", f"{style}.png", *TINY, "--output", "alone.png"]
        assert pictures(*words)[0] == 0
        end = read_image(f"out/cat_night_dawn_style_weights-{weights}.png").pixels
        np.testing.assert_array_equal(end, read_image("alone.png").pixels)


@pytest.mark.usefixtures("pictures")
def test_a_folder_is_one_style_of_a_blend() -> None:
    words = ["--content", "cat.png", "--style", "three", "night.png", "--blend", "--output", "out"]
    (one,) = planned(*words)
    assert one.styles == ("three/a.png", "three/b.png", "three/c.png", "night.png")
    weights = one.config.weights_per_style(4)
    np.testing.assert_allclose(weights, (1 / 6, 1 / 6, 1 / 6, 1 / 2), rtol=1e-5)
    options = ["--style-weights", "3", "1", "--style-scale", "2", "0.5"]
    (one,) = planned(*words, *options)
    np.testing.assert_allclose(one.config.weights_per_style(4), [0.25] * 4, rtol=1e-5)
    assert one.config.style_scale == (2, 2, 2, 0.5)
    (one,) = planned(*words, "--style-size", "40")
    assert one.config.style_size == (40,)
    (one,) = planned(*words, "--style-weights", "1", "2", "3", "4")
    assert one.config.style_weights == (1, 2, 3, 4)
    found = planned(*words, "--style-blend", "3")
    assert [r.config.style_weights[-1] for r in found] == [0, 0.5, 1]
    (one,) = planned("--content", "cat.png", "--style", "three", "--blend", "--output", "out")
    assert one.config.weights_per_style(3) == (1 / 3,) * 3


REFUSED = [
    (
        [*PICTURES, "--style-blend", "3"],
        "--style-blend goes from one style to another: give two, n",
    ),
    ([*STYLES, "--style-blend", "3", "--pairs"], "and neither --pairs nor --every-pair"),
    ([*STYLES, "--style-blend", "1"], "--style-blend is 1: give a number of paintings of at lea"),
    ([*STYLES, "--style-blend", "3", "--style-weights", "1"], "sets --style-weights itself: give"),
    (
        [*STYLES, "--style-blend", "3", "--sweep", "style-weights=1 2,2 1"],
        "sets --style-weights itself: give one of the two",
    ),
]


@pytest.mark.parametrize(("words", "text"), REFUSED, ids=[text for _, text in REFUSED])
def test_mistakes(words: list[str], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        parse(words)
