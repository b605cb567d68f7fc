"""The command within a budget of memory: what is told, chosen, refused, and kept for resuming."""

import numpy as np
from command import PICTURES, TINY, Command

from jnst.images import read_image, read_parameters

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
    # 150x100 pixels: a pair is 360 kB, so that 3000 pairs are about 1 GB.
    words = [*PICTURES, *TINY, *LARGER, "--optimizer", "lbfgs", "--checkpoint", "run.ckpt"]
    words += ["--history", "3000"]
    code, _, err = run(*words, "--memory", "0.9GB")
    assert code == 0
    assert err[0].startswith("jnst: note: L-BFGS remembers ")
    assert err[0].endswith(" pairs of steps, not 3000, to fit into 900MB")
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
