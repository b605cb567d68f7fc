"""The command within a budget of memory: what is told, chosen, refused, and kept for resuming."""

from dataclasses import replace

import numpy as np
import pytest
from command import PICTURES, TINY, Command

from jnst.cli.options.parsing import parse
from jnst.cli.options.request import Request
from jnst.images import read_image, read_parameters
from jnst.transfer import estimate_memory
from jnst.wording import size_words

LARGER = ["--size", "150", "--scales", "1", "--steps", "2"]


def test_by_windows_the_painting_is_the_same(run: Command) -> None:
    words = [*PICTURES, *TINY, *LARGER]
    code, _, err = run(*words, "--tile", "0", "--output", "whole.png")
    assert code == 0
    assert "MB of memory" in err[0]
    assert "windows" not in err[0]
    code, _, err = run(*words, "--tile", "128", "--output", "cut.png")
    assert code == 0
    assert err[0].endswith("MB of memory, by windows of 128 pixels")
    whole, cut = (read_image(name).pixels for name in ("whole.png", "cut.png"))
    # Adam's first step has the sign of the gradient: rounding decides where that is nearly 0.
    assert np.mean(np.abs(whole - cut) > 1.01 / 255) < 1e-4


def test_what_does_not_fit_is_refused_with_what_would(run: Command) -> None:
    code, out, err = run(*PICTURES, *TINY, *LARGER, "--memory", "100MB")
    assert (code, out) == (1, [])
    assert err[-1].startswith("jnst: error: 150x100 pixels need ")
    assert "and 100MB may be used: --memory 0." in err[-1]
    assert run.files() == set()


def test_lbfgs_that_remembers_less_is_told_and_resumes(run: Command) -> None:
    words = [*PICTURES, *TINY, *LARGER, "--optimizer", "lbfgs", "--checkpoint", "run.ckpt"]
    words += ["--history", "100"]
    request = parse(words)
    assert isinstance(request, Request)
    memory = estimate_memory(replace(request.config, history=50), 100, 150)
    code, _, err = run(*words, "--memory", str(memory))
    assert code == 0
    assert err[0].startswith("jnst: note: L-BFGS remembers ")
    assert err[0].endswith(f" pairs of steps, not 100, to fit into {size_words(memory)}")
    first = read_image("cat_night.png").pixels
    code, _, err = run("--resume", "run.ckpt", "--memory", "2GB")
    assert code == 2
    assert err == [
        "jnst: error: --memory is settled when a run begins: leave it out, or give --tile N"
    ]
    # The name of a file to go on from is no template.
    (run.folder / "run.ckpt").rename("{run}.ckpt")
    code, _, err = run("--resume", "{run}.ckpt", "--output", "again.png")
    assert code == 0
    assert not any("remembers" in line for line in err)
    np.testing.assert_array_equal(read_image("again.png").pixels, first)
    # By other windows on purpose: the painting remembers a command that can be given.
    assert run("--resume", "{run}.ckpt", "--tile", "0", "--output", "other.png")[0] == 0
    assert "--memory" not in read_parameters("other.png")["command"]


def test_a_loss_that_needs_the_picture_at_once_is_not_painted_by_windows(run: Command) -> None:
    words = [*PICTURES, *TINY, *LARGER, "--style-loss", "histogram"]
    code, out, err = run(*words, "--tile", "128")
    assert (code, out) == (2, [])
    assert err[-1] == (
        "jnst: error: --style-loss is 'histogram', which compares all positions of a layer at "
        "once, not windows of 128 pixels: leave out the tile, or --style-loss gram-relative or "
        "another on sums"
    )
    assert run.files() == set()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--size", "1000000"], "--size is 1000000: the painting of 1000000x666666 pixels needs"),
        (["--size", "1000000", "--tile", "128"], "--size is 1000000: the painting"),
        (["--scales", "9999", "1", "--size", "999"], "--scales is 9999.0 1.0: the painting of"),
        (["--style-scale", "9999"], "--style-scale is 9999.0: a style of"),
        (["--style-size", "1000000"], "--style-size is 1000000: a style of 1000000x1000000 pixels"),
    ],
)
def test_sizes_beyond_all_memory_name_their_option(
    run: Command, words: list[str], message: str
) -> None:
    code, out, err = run(*PICTURES, *TINY, *words)
    assert (code, out, len(err)) == (2, [], 1)
    assert err[0].startswith(f"jnst: error: {message}")
    assert run.files() == set()


def test_pairs_that_no_step_fills_take_no_memory(run: Command) -> None:
    words = [*PICTURES, *TINY, "--optimizer", "lbfgs", "--output"]
    for name, history in (("many.png", "1000000000"), ("few.png", "100")):
        code, _, err = run(*words, name, "--history", history)
        assert code == 0, err
    many, few = (read_image(name).pixels for name in ("many.png", "few.png"))
    np.testing.assert_array_equal(many, few)


def test_the_size_worked_on_is_told_where_it_differs(run: Command) -> None:
    # 48x32 at a size of 45 is 45x30, and 30 rows are rounded up to 32.
    words = [*PICTURES, *TINY, "--size", "45", "--steps", "1"]
    _, _, err = run(*words, "--bucket", "16")
    assert "45x30 pixels (worked on as 45x32, by --bucket 16), 1 adam steps" in err[0]
    assert "45x30 pixels, 1 adam steps" in run(*words)[2][0]
