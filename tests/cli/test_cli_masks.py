"""Masks in the command: painted, refused, remembered."""

from pathlib import Path

import numpy as np
import pytest
from command import PICTURES, TINY, Command
from PIL import Image

from jnst.cli.options.parsing import parse
from jnst.cli.options.request import Batch, Request, Resume
from jnst.cli.options.words import UsageError
from jnst.cli.resume import continued, notes_of
from jnst.images import read_image


@pytest.fixture
def masked(run: Command) -> Command:
    """The command, with masks of the left and the right of cat.png; the left one is faded."""
    left = np.tile(np.clip((28 - np.arange(48)) * 64, 0, 255).astype(np.uint8), (32, 1))
    Image.fromarray(left).save(run.folder / "left.png")
    Image.fromarray(255 - left).resize((24, 16)).convert("RGB").save(run.folder / "right.png")
    return run


def test_kept_pixels_are_those_of_the_content(masked: Command) -> None:
    words = [*PICTURES, *TINY, "--size", "48", "--keep-mask", "left.png", "--output", "kept.png"]
    code, out, err = masked(*words)
    assert (code, out[0]) == (0, "kept.png"), err
    found, content = (read_image(masked.folder / n).pixels for n in ("kept.png", "cat.png"))
    np.testing.assert_array_equal(found[:, :24], content[:, :24])
    assert (found[:, 28:] != content[:, 28:]).any()


def test_a_keep_mask_drawn_in_alpha_and_a_cut_out_content(masked: Command) -> None:
    """White everywhere, opaque on the left: the left is kept. Hidden colours decide nothing."""
    alpha = np.zeros((32, 48), np.uint8)
    alpha[:, :24] = 255
    white = np.dstack([np.full((32, 48, 3), 255, np.uint8), alpha])
    Image.fromarray(white).save(masked.folder / "alpha.png")
    cat = read_image(masked.folder / "cat.png").pixels[:32, :48]
    colors = np.rint(255 * cat).astype(np.uint8)
    found = []
    for hidden in (0, 255):
        pixels = np.dstack([np.where(alpha[..., None] > 0, colors, hidden), alpha])
        Image.fromarray(pixels.astype(np.uint8)).save(masked.folder / "cut.png")
        words = ["--content", "cut.png", "--style", "night.png", *TINY, "--bucket", "16"]
        code, _, err = masked(*words, "--output", "cut-out.png")
        assert code == 0, err
        found.append(read_image(masked.folder / "cut-out.png").pixels)
    np.testing.assert_array_equal(*found)
    words = [*PICTURES, *TINY, "--size", "48", "--keep-mask", "alpha.png", "--output", "kept.png"]
    code, _, err = masked(*words)
    assert code == 0, err
    kept, content = (read_image(masked.folder / n).pixels for n in ("kept.png", "cat.png"))
    np.testing.assert_array_equal(kept[:, :24], content[:, :24])
    assert (kept[:, 26:] != content[:, 26:]).any()


def test_regions_are_painted_also_in_a_bucket_and_told_apart_by_rerun(masked: Command) -> None:
    words = ["--content", "cat.png", "--style", "night.png", "cat.png", *TINY]
    words += ["--content-mask", "left.png", "right.png", "--style-mask", "none", "left.png"]
    code, out, err = masked(*words, "--output", "two.png", "--bucket", "16")
    assert (code, out[0]) == (0, "two.png"), err
    assert not [line for line in err if "blend" in line]
    with Image.open(masked.folder / "two.png") as painting:
        assert painting.size == (32, 21)
    _, out, _ = masked("--rerun", "two.png")
    assert "--content-mask left.png right.png --style-mask none left.png" in out[0]


REFUSED = [
    ("--content-mask left.png right.png", "--content-mask names 2 files for 1 styles: give one fo"),
    ("--style-mask a b", "--style-mask names 2 files for 1 styles: .*, or none for all of a style"),
    ("--content-mask left.png --every-pair", "--content-mask belongs to one painting: give one"),
    ("--style-mask left.png --pairs", "--style-mask belongs to one painting: give one --content"),
    ("--content dog.png --keep-mask left.png", "--keep-mask belongs to one picture: give one --"),
    ("--keep-mask - --init-image -", "standard input holds one picture"),
]


@pytest.mark.parametrize(("words", "text"), REFUSED)
def test_wrong_words(words: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        parse([*PICTURES, *words.split()])


def test_one_content_may_be_kept_in_many_paintings() -> None:
    found = parse(["--content", "cat.png", "--style", "a", "b", "--every-pair", "--keep-mask", "m"])
    assert isinstance(found, Batch)
    assert found.request.masks.keep == "m"


def test_wrong_files(masked: Command) -> None:
    code, _, err = masked(*PICTURES, *TINY, "--style-mask", "left.png")
    text = "jnst: error: style mask 1 is 48x32 pixels and style 1 40x40: give a mask"
    assert (code, err[-1][: len(text)]) == (1, text)
    code, _, err = masked(*PICTURES, *TINY, "--keep-mask", "cat.png")
    text = "jnst: error: cat.png is in colour: a mask is gray, white inside and black outside"
    assert (code, err[-1]) == (1, text)
    before = Path("left.png").read_bytes()
    code, _, err = masked(*PICTURES, *TINY, "--keep-mask", "left.png", "--output", "left.png")
    text = "jnst: error: --output would overwrite --keep-mask, left.png: choose another name"
    assert (code, err[-1]) == (2, text)
    assert Path("left.png").read_bytes() == before


def test_a_run_that_goes_on_may_find_its_masks_elsewhere() -> None:
    begun = parse([*PICTURES, "--content-mask", "a.png", "--keep-mask", "b.png"])
    assert isinstance(begun, Request)
    resume = parse(["--resume", "c", "--content-mask", "d.png"])
    assert isinstance(resume, Resume)
    request = continued(resume, notes_of(begun, {}))
    assert request.masks == (("d.png",), (), "b.png")
