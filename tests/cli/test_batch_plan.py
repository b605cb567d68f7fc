"""Which pictures go together, what the results are called, and margins: without any painting."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from jnst.cli.options.parsing import parse
from jnst.cli.options.patterns import expanded, paired
from jnst.cli.options.request import Batch, Request
from jnst.cli.options.templates import as_template, check_distinct, filled, literal
from jnst.cli.options.words import UsageError
from jnst.config import Config
from jnst.transfer.sizes import cut_back, target_sizes, widened


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("in/b.png", "in/a.JPG", "in/.c.png", "in/notes.txt", "in/deep/d.png", "e[1].png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_words_stand_for_files(folder: Path) -> None:
    assert expanded(["in"]) == ["in/a.JPG", "in/b.png"]
    assert expanded(["in/*.png", "in"]) == ["in/b.png", "in/a.JPG"]
    assert expanded(["in/**/*.png"]) == ["in/b.png", "in/deep/d.png"]
    assert expanded([str(folder / "in/deep/*")]) == [str(folder / "in/deep/d.png")]
    # A file whose name looks like a pattern, and one that is missing: told when it is read.
    assert expanded(["e[1].png", "missing.png"]) == ["e[1].png", "missing.png"]
    with pytest.raises(FileNotFoundError, match=r"no file matches in/\*\.gif"):
        expanded(["in/*.gif"])
    (folder / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="the folder empty has no picture in it"):
        expanded(["empty"])


CASES = {
    "--content a --style x": None,
    "--content a --style x y": None,
    "--content a --style x y --blend": None,
    "--content a --style x y --style-weights 3 1": None,
    "--content a --style x --output {content}.png": None,
    "--content a --style x y --every-pair": "every-pair",
    "--content a --style x --pairs": "pairs",
    "--content a b --style x y": "every-pair",
    "--content a --content b --style x": "every-pair",
    "--content a b --style x y --pairs": "pairs",
    "--content a b --style x y --blend": "blend",
    "--content a b --style x y --style-weights 3,1": "blend",
    "--content a b --style x y --style-weights 1": "every-pair",
    "--content in --style x": "every-pair",
    "--content a --style in": "every-pair",
    "--content a --style in/*.png": "every-pair",
    "--content in --style in --pairs": "pairs",
    "--content e[1].png --style x": None,
}


@pytest.mark.parametrize("words", CASES)
def test_what_is_one_painting_and_what_are_many(words: str, folder: Path) -> None:
    """The rule that the help and the README state."""
    found = parse([*words.split(), "--steps", "7"])
    if CASES[words] is None:
        assert isinstance(found, Request)
    else:
        assert isinstance(found, Batch)
        assert found.combine == CASES[words]
        assert found.request.changes["steps"] == (7,)


def test_a_blend_that_was_not_asked_for_is_told() -> None:
    def notes(*words: str) -> tuple[str, ...]:
        found = parse(["--content", "a", "--style", "x", "y", *words])
        assert isinstance(found, Request)
        return found.notes

    assert notes() == ("one painting in the blend of 2 styles; --every-pair paints 2",)
    assert notes("--blend") == notes("--style-weights", "3", "1") == ()
    assert notes("--blend", "--overwrite")[0].startswith("--overwrite has no effect")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--pairs", "--blend"], "not allowed with argument --pairs"),
        (["--bucket", "0"], "--bucket is 0: give a whole number of at least 1"),
        (["--content", "-"], "- is one picture: many paintings are made of files"),
        (["--output", "{contents}.png"], r"no field \{contents\}; did you mean content\?"),
        (["--output", "{}.png"], r"no field \{\}; choose one of content, style, preset"),
        (["--output", "{content.x}.png"], r"no field \{content.x\}; did you mean content"),
        (["--output", "{content.png"], "is no template: .*; a brace is written {{ or }}"),
        (["--output", "{index:9999}.png"], r"--output: \{index:9999\} is no width .* 255"),
        (["--log", "{index:{size}}"], r"--log: \{index:\{size\}\} is no width"),
        (["--output", "{index:zz}.png"], "is no template"),
        (["--log", "{indx}"], r"--log has no field \{indx\}; did you mean index"),
    ],
)
def test_commands_that_cannot_be_meant(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(["--content", "a", "--style", "x", *words])


def test_pairs_need_equal_numbers() -> None:
    with pytest.raises(UsageError, match="as many styles as contents, not 1 for 2"):
        paired(["a", "b"], ["x"], "pairs")


def test_names_of_one_painting_are_filled_in(folder: Path) -> None:
    def output(*words: str) -> str:
        found = parse(["--content", "in/cat.jpg", "--style", "x.png", *words])
        assert isinstance(found, Request)
        return found.output

    assert output() == "cat_x.png"
    assert output("--output", "in") == str(Path("in", "cat_x.png"))
    assert output("--output", "new/") == str(Path("new", "cat_x.png"))
    assert output("--output", "plain") == "plain"
    given = "{index:02}-{content}-{style}-{preset}-{size}-{seed}.tif"
    assert (
        output("--output", given, "--init", "gray", "--seed", "5") == "01-cat-x-default-512-5.tif"
    )
    assert output("--output", literal("a{b}.png")) == "a{b}.png"
    assert as_template("art", many=True) == str(Path("art", "{content}_{style}.png"))


def test_two_paintings_of_one_name() -> None:
    check_distinct([("a", "1.png"), ("b", "2.png")])
    with pytest.raises(UsageError, match=r"a and b would both be x/\.\./o\.png: give"):
        check_distinct([("a", "o.png"), ("b", "x/../o.png")])
    assert filled("output", "{style}", {"style": "a{b}"}) == "a{b}"


SHAPES = [(300, 400), (299, 400), (301, 397), (400, 300), (256, 256), (255, 256), (500, 700)]


@pytest.mark.parametrize("side", ["longer", "shorter"])
@pytest.mark.parametrize("bucket", [2, 16, 48])
def test_margins_give_few_shapes_and_are_cut_off_again(bucket: int, side: str) -> None:
    """Sizes by hand: the given side stays, the other is the next multiple (or the given side)."""
    config = Config(size=128, size_side=side, scales=(0.3, 1.0))
    rng = np.random.default_rng(0)
    coarse: dict[tuple[int, ...], set[tuple[int, ...]]] = {}
    for shape in SHAPES:
        picture = rng.random((*shape, 3), np.float32)
        height, width = target_sizes(*shape, config)[-1]
        wide = widened(picture, config, bucket)
        given, free = sorted((height, width), reverse=side == "longer")
        up = -(-free // bucket) * bucket if free != given else free
        up = min(up, given) if side == "longer" else up
        assert sorted(wide.shape[:2]) == sorted((given, up))
        assert (wide.shape[0] <= wide.shape[1]) == (height <= width) or up == given
        sizes = target_sizes(*wide.shape[:2], config)
        assert sizes[-1] == wide.shape[:2]
        coarse.setdefault(wide.shape, set()).add(sizes[0])
        # The middle is the picture as it would have been, and the margin its mirror image.
        middle = cut_back(wide, height, width)
        assert middle.shape[:2] == (height, width)
        top, left = (wide.shape[0] - height) // 2, (wide.shape[1] - width) // 2
        for i, j in itertools.product((0, 1), repeat=2):
            if top > i and left == 0:
                np.testing.assert_array_equal(wide[top - 1 - i, j], middle[i, j])
            if left > j and top == 0:
                np.testing.assert_array_equal(wide[i, left - 1 - j], middle[i, j])
    assert all(len(sizes) == 1 for sizes in coarse.values())
    assert len(coarse) < len(SHAPES)


def test_no_bucket_changes_nothing() -> None:
    picture = np.zeros((30, 47, 3), np.float32)
    assert widened(picture, Config(size=128), 1) is picture
    assert cut_back(picture, 30, 47).shape == picture.shape


def test_a_picture_that_goes_with_another_takes_its_size() -> None:
    config = Config(size=64)
    assert widened(np.zeros((9, 9, 3), np.float32), config, 16, (41, 64, 3)).shape == (48, 64, 3)
