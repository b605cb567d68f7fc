"""Shares of a batch: each painting in one, wherever the others are; and their paintings."""

import numpy as np
import pytest
from command import TINY, Command
from PIL import Image

from jnst.cli.options.parsing import parse
from jnst.cli.options.request import Batch
from jnst.cli.options.values import Shard
from jnst.cli.options.words import UsageError

NAMES = [f"out/{content}_{style}.png" for content in range(500) for style in "xy"]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_each_painting_is_in_one_share(count: int) -> None:
    shares = [{name for name in NAMES if Shard(i, count).takes(name)} for i in range(count)]
    assert sorted(name for share in shares for name in share) == sorted(NAMES)
    # Binomial: five standard deviations.
    even = len(NAMES) / count
    assert all(abs(len(share) - even) <= 5 * np.sqrt(even) for share in shares)


def test_more_pictures_move_none() -> None:
    share = Shard(1, 3)
    before = [name for name in NAMES if share.takes(name)]
    assert [name for name in [*NAMES, "out/new_x.png"] if share.takes(name)][
        : len(before)
    ] == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shard", "3/3", "--every-pair"], "--shard: 3/3 is no share: they count from 0 to one"),
        (["--shard", "0/0", "--every-pair"], "0/0 is no share"),
        (["--shard", "one", "--every-pair"], "'one' is no share of the paintings, such as 0/3"),
        (["--shard", "0/2"], "--shard is for many paintings, and this is one"),
    ],
)
def test_shares_that_cannot_be_meant(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(["--content", "a", "--style", "x", *words])


def test_shares_go_with_every_way_to_ask_for_many() -> None:
    for words in (["--sweep", "size=32,48"], ["--pairs"], ["--every-pair"], ["--content", "b"]):
        found = parse(["--content", "a", "--style", "x", *words, "--shard", "1/2"])
        assert isinstance(found, Batch)
        assert found.shard == Shard(1, 2)


def test_the_shares_are_the_paintings_of_one_run(run: Command) -> None:
    """Files, bytes and the sheet of a sweep; a failure is told by the share that has it."""
    for name in "abc":
        rng = np.random.default_rng(ord(name))
        pixels = rng.integers(0, 256, (32, 48, 3), np.uint8)
        Image.fromarray(pixels).save(run.folder / f"{name}.png")
    words = ["--content", "a.png", "b.png", "c.png", "--style", "night.png", *TINY]
    words += ["--sweep", "style_weight=1,2", "--output"]
    assert run(*words, "whole/")[0] == 0
    codes, told, shown = [], [], []
    for index in range(3):
        code, out, err = run(*words, "parts/", "--shard", f"{index}/3")
        codes.append(code)
        told.append(err)
        shown += out
    assert codes == [0, 0, 0]
    counts = [len([line for line in err if ": painting " in line]) for err in told]
    assert sum(counts) == 6
    for err, count in zip(told, counts, strict=True):
        if count:
            assert err[0] == f"jnst: {count} of 6 paintings"
            assert err[-1] == f"jnst: {count} of 6 paintings: {count} painted"
        else:
            assert err == ["jnst: no painting of 6 is in this share"]
    names = {path.name for path in (run.folder / "whole").iterdir()}
    assert {path.name for path in (run.folder / "parts").iterdir()} == names
    assert len(names) == 9  # with the sheets; nothing hidden is left
    assert sorted(shown) == sorted(f"parts/{name}" for name in names if "_sweep" not in name)
    for name in names:
        whole, part = (run.folder / folder / name for folder in ("whole", "parts"))
        # A painting stores the command, which names its folder.
        pixels = [np.asarray(Image.open(path)) for path in (whole, part)]
        np.testing.assert_array_equal(*pixels)
    code, out, err = run(*words, "parts/", "--shard", "0/1")
    assert (code, err[-1]) == (0, "jnst: 6 paintings: 0 painted, 6 finished before")


def test_a_share_without_paintings_is_done(run: Command) -> None:
    code, out, err = run(
        *("--content", "cat.png", "--style", "night.png", "--every-pair", *TINY),
        *("--shard", f"{int(Shard(0, 2).takes('cat_night.png'))}/2"),
    )
    assert (code, out, err) == (0, [], ["jnst: no painting of 1 is in this share"])
    assert run.files() == set()
