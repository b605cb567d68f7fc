"""Many paintings from one command: what is painted, what is left alone, and what stops."""

import os
import signal
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from command import TINY, Command
from PIL import Image

import jnst
from jnst.cli import paint
from jnst.images import read_image, read_parameters, write_image
from jnst.losses import targets
from jnst.optimize import steps


@pytest.fixture
def many(run: Command) -> Command:
    """The command with a folder of three photographs of nearly one shape, and two styles."""
    rng = np.random.default_rng(2)
    shapes = {"in/a.png": (32, 48), "in/b.png": (31, 48), "in/c.png": (33, 50)}
    shapes |= {"x.png": (40, 40), "y.png": (40, 40)}
    (run.folder / "in").mkdir()
    for name, shape in shapes.items():
        Image.fromarray(rng.integers(0, 256, (*shape, 3), np.uint8)).save(run.folder / name)
    return run


def outputs(run: Command, folder: str = "out") -> set[str]:
    """The visible files."""
    found = (path.name for path in (run.folder / folder).iterdir())
    return {name for name in found if not name.startswith(".")}


def test_every_pair_and_nothing_twice(many: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """One compile and one look at each style for all; a second run has nothing to do."""
    looks: list[Any] = []
    plain = targets._statistics

    def look(params: jnst.Params, style: Any, *more: Any) -> Any:
        # To learn the shapes of the targets costs no look.
        looks.extend([] if isinstance(style, jax.core.Tracer) else [1])
        return plain(params, style, *more)

    monkeypatch.setattr(targets, "_statistics", look)
    jax.clear_caches()
    words = ["--content", "in", "--style", "x.png", "y.png", "--output", "out", *TINY]
    code, out, err = many(*words)
    assert code == 0, err
    expected = [f"{content}_{style}.png" for content in "abc" for style in "xy"]
    assert out == [str(Path("out", name)) for name in expected]
    assert outputs(many) == set(expected)
    assert err[0] == "jnst: 6 paintings"
    assert err[-1] == "jnst: 6 paintings: 6 painted"
    assert steps._single._cache_size() == 1
    assert len(looks) == 2
    # Each has the size that it would have had alone.
    sizes = [read_image(many.folder / "out" / f"{name}_x.png").pixels.shape for name in "abc"]
    assert sizes == [(21, 32, 3), (20, 32, 3), (21, 32, 3)]
    before = {path: path.stat().st_mtime_ns for path in (many.folder / "out").iterdir()}
    code, out, err = many(*words)
    assert (code, out) == (0, [str(Path("out", name)) for name in expected])
    assert err == ["jnst: 6 paintings", "jnst: 6 paintings: 0 painted, 6 finished before"]
    assert {path: path.stat().st_mtime_ns for path in (many.folder / "out").iterdir()} == before


def test_a_painting_of_many_is_the_same_alone(many: Command) -> None:
    """The command that is stored in it paints it alone, to the byte."""
    assert many("--content", "in", "--style", "x.png", "y.png", *TINY, "--pairs")[0] == 2
    words = ["--content", "in/a.png", "in/b.png", "--style", "x.png", "y.png", "--pairs"]
    assert many(*words, "--output", "{index}_{content}.png", *TINY, "--init", "noise")[0] == 0
    first = (many.folder / "2_b.png").read_bytes()
    command = read_parameters(many.folder / "2_b.png")["command"].split()[1:]
    many.folder.joinpath("2_b.png").unlink()
    assert many(*command)[0] == 0
    assert (many.folder / "2_b.png").read_bytes() == first


def test_margins_are_painted_and_cut_off(many: Command) -> None:
    """What `stylize` makes of the mirrored picture, without the mirror."""
    assert many("--content", "in/b.png", "--style", "x.png", "--every-pair", *TINY)[0] == 0
    content, style = (read_image(many.folder / n).pixels for n in ("in/b.png", "x.png"))
    layers = {"content_layers": ("relu2_2",), "style_layers": ("relu1_1", "relu2_1")}
    config = jnst.Config(size=32, scales=(1.0,), steps=(3,), **layers)
    small = jnst.images.resize_picture(content, 20, 32)
    wide = np.concatenate([small[5::-1], small, small[:-7:-1]])
    result = jnst.stylize(jnst.load_weights("vgg16"), wide, style, config)
    painted = read_image(many.folder / "b_x.png").pixels
    np.testing.assert_allclose(painted, result.image[6:26].clip(0, 1), atol=0.51 / 255)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that nobody can write to")
@pytest.mark.parametrize("name", ["output", "log", "checkpoint"])
def test_a_folder_that_cannot_be_written_is_told_once(many: Command, name: str) -> None:
    words = ["--content", "in", "--style", "x.png", "y.png", "--output", "out/", *TINY]
    code, out, err = many(*words, f"--{name}", "/proc/self/{content}_{style}.png")
    assert (code, out, len(err)) == (1, [], 1)
    assert err[0].startswith("jnst: error: no file can be made in the folder '/proc/self' (No such")
    assert list(many.folder.rglob("*_*.png")) == []


@pytest.mark.parametrize("content", ["in", "in/a.png"])
def test_a_folder_that_is_a_file_is_told_once(many: Command, content: str) -> None:
    (many.folder / "taken").write_text("")
    code, out, err = many("--content", content, "--style", "x.png", "--output", "taken/", *TINY)
    told = "jnst: error: the folder 'taken' cannot be made (File exists); choose another folder"
    assert (code, out, err) == (1, [], [told])


def test_what_is_finished_may_be_where_nothing_can_be_written(
    many: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--content", "in", "--style", "x.png", "--output", "out/", *TINY, "--quiet"]
    assert many(*words)[0] == 0
    refused: list[Path] = []

    def refuse(folder: Path) -> None:
        refused.append(folder)
        raise OSError("no file can be made")

    monkeypatch.setattr("jnst.cli.batch.run.prove_folder", refuse)
    code, out, err = many(*words)
    assert (code, len(out), err, refused) == (0, 3, [], [])
    code, out, err = many(*words, "--overwrite")
    assert (code, out, err) == (1, [], ["jnst: error: no file can be made"])
    assert refused == [Path("out")]


def test_one_bad_file_does_not_stop_the_rest(many: Command) -> None:
    (many.folder / "in" / "aa.jpg").write_text("no picture")
    Image.new("RGB", (1, 1)).save(many.folder / "in" / "ab.png")
    words = ["--content", "in", "--style", "x.png", "--output", "out/", *TINY]
    code, out, err = many(*words)
    assert code == 1
    assert outputs(many) == {"a_x.png", "b_x.png", "c_x.png"}
    errors = [line for line in err if line.startswith("jnst: error: ")]
    assert [line.split(":")[2].strip() for line in errors] == ["out/aa_x.png", "out/ab_x.png"]
    assert "'in/aa.jpg' is not a picture that can be read" in errors[0]
    assert "ab.png is 1x1 pixels" in errors[1]
    assert err[-1] == ("jnst: 5 paintings: 3 painted, 2 failed (out/aa_x.png, out/ab_x.png)")
    code, out, err = many(*words, "--quiet")
    assert (code, out, len(err)) == (1, [f"out/{name}_x.png" for name in "abc"], 3)
    assert err[-1].startswith("jnst: 5 paintings: 0 painted, 3 finished before, 2 failed")


def test_what_is_painted_again(many: Command) -> None:
    """Other settings, another picture, a run that was stopped, a damaged file; or on demand."""
    words = ["--content", "in", "--style", "x.png", *TINY]
    assert many(*words)[0] == 0

    def again(*more: str) -> list[str]:
        code, _, err = many(*words, *more)
        assert code == 0
        return [line.split(": ", 2)[2] for line in err if line.startswith("jnst: painting ")]

    assert again() == []
    (many.folder / "in" / "c.png").write_bytes((many.folder / "in" / "b.png").read_bytes())
    other = ", which is here by other settings or of other pictures"
    assert again() == [f"c_x.png{other}"]
    whole = (many.folder / "a_x.png").read_bytes()
    (many.folder / "a_x.png").write_bytes(whole[: len(whole) - 60])
    assert again() == ["a_x.png, which is here but damaged"]
    picture = read_image(many.folder / "b_x.png")
    found = read_parameters(many.folder / "b_x.png")
    write_image(many.folder / "b_x.png", picture.pixels, parameters=found | {"step": "2"})
    assert again() == ["b_x.png, which was stopped at step 2"]
    assert again("--overwrite") == ["a_x.png", "b_x.png", "c_x.png"]
    assert again("--steps", "2") == [f"{name}_x.png{other}" for name in "abc"]
    assert again("--style-weight", "9")[:1] == [f"a_x.png{other}"]


def test_nothing_is_replaced_that_jnst_did_not_make(many: Command) -> None:
    (many.folder / "b_x.png").write_bytes((many.folder / "x.png").read_bytes())
    words = ["--content", "in", "--style", "x.png", *TINY]
    code, out, err = many(*words)
    assert (code, out, len(err)) == (2, [], 1)
    assert err[0].startswith("jnst: error: b_x.png exists and is no painting of jnst: choose ")
    assert many(*words, "--overwrite")[0] == 0
    assert read_parameters(many.folder / "b_x.png")["software"].startswith("jnst ")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--output", "one.png"], 2, "in/a.png by x.png and in/b.png by x.png would both be one"),
        (["--output", "in/{content}.png"], 2, "would overwrite in/a.png, which is painted"),
        (["--output", "{content}_{style}.png", "--log", "l"], 2, "would both be l: give them"),
        (["--style-weights", "1", "2"], 2, "--style-weights has 2 numbers for 1 styles"),
        (["--steps", "0"], 2, "--steps is (0,)"),
        (["--content", "empty"], 1, "the folder empty has no picture in it"),
        (["--weights", "missing.h5"], 1, "missing.h5"),
    ],
)
def test_commands_that_fail_before_the_first(
    words: list[str], code: int, message: str, many: Command
) -> None:
    (many.folder / "empty").mkdir()
    before = many.files()
    found, out, err = many("--content", "in", "--style", "x.png", *TINY, *words)
    assert (found, out) == (code, [])
    assert message in err[-1]
    assert many.files() == before


def test_paintings_are_not_painted_again_where_they_lie(many: Command) -> None:
    words = ["--content", "in", "--style", "x.png", "--output", "in", *TINY]
    assert many(*words)[0] == 0
    assert len(outputs(many, "in")) == 6
    code, _, err = many(*words)
    assert (code, err[-1]) == (0, "jnst: 3 paintings: 0 painted, 3 finished before")


def test_a_signal_ends_the_batch_and_says_what_is_left(
    many: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The painting in hand is saved as of a single run; the next run goes on with it."""
    plain, calls = paint.stylize, []

    def interrupted(*args: Any, callback: Any, **more: Any) -> Any:
        def watch(progress: jnst.Progress) -> bool | None:
            if len(calls) == 2 and progress.step == 1:
                os.kill(os.getpid(), signal.SIGTERM)
            return callback(progress)

        calls.append(1)
        return plain(*args, callback=watch, **more)

    monkeypatch.setattr(paint, "stylize", interrupted)
    words = ["--content", "in", "--style", "x.png", *TINY, "--checkpoint", "{content}.ckpt"]
    words += ["--memory", "4GB"]
    code, out, err = many(*words)
    assert code == 128 + signal.SIGTERM
    assert out == ["a_x.png", "b_x.png"]
    assert err[-2].startswith("jnst: stopped at step 1 of 3; b_x.png is the painting so far")
    assert err[-1] == (
        "jnst: 3 paintings: 1 painted, 2 left (b_x.png, c_x.png); the same command goes on"
    )
    assert read_parameters(many.folder / "b_x.png")["step"] == "1"
    code, _, err = many(*words)
    assert code == 0
    assert any(line.startswith("jnst: going on from b.ckpt, step 1 of 3") for line in err)
    assert err[-1] == "jnst: 3 paintings: 2 painted, 1 finished before"
    assert "step" not in read_parameters(many.folder / "b_x.png")
