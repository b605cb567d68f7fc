"""Checkpoints of the command: when they are written, how a run goes on, what is refused."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command import PICTURES, TINY, Command
from PIL import Image

import jnst
from jnst.cli import output, paint
from jnst.cli import watch as watch_module
from jnst.cli.options.parsing import parse
from jnst.cli.options.request import Request, Resume
from jnst.cli.options.words import UsageError
from jnst.cli.resume import continued, notes_of
from jnst.cli.watch import Keeper
from jnst.images import read_image, read_parameters

RUN = [*PICTURES, *TINY, "--style-layers", "relu1_1", "--content-layers", "relu1_2"]
KEPT = ["--checkpoint", "run.ckpt", "--checkpoint-every", "2"]
Stop = Callable[[int], None]


@pytest.fixture
def stop_at(monkeypatch: pytest.MonkeyPatch) -> Stop:
    """Sends a signal while a step is reported."""

    def install(step: int, number: int = signal.SIGTERM) -> None:
        update = Keeper.update

        def watched(self: Keeper, progress: jnst.Progress, *, last: bool) -> None:
            update(self, progress, last=last)
            if progress.step == step:
                monkeypatch.setattr(Keeper, "update", update)
                signal.raise_signal(number)

        monkeypatch.setattr(Keeper, "update", watched)

    return install


@pytest.mark.parametrize(
    "words",
    [
        ["--steps", "5"],
        ["--steps", "3", "4", "--scales", "0.5", "1", "--optimizer", "adam", "--average", "0.5"],
        [
            *("--steps", "3", "4", "--scales", "0.5", "1"),
            *("--optimizer", "lbfgs", "--line-search", "none"),
            # Its first steps are as long as the gradient says.
            *("--content-weight", "1e4", "--style-weight", "3e4", "--pixel-range", "255"),
        ],
    ],
)
def test_a_stopped_run_goes_on_to_the_same_file(
    run: Command, stop_at: Stop, words: list[str]
) -> None:
    """Stopped in the step after the signal; a checkpoint does not show in the painting."""
    words = [*RUN, *words, "--save-every", "2", "--log", "log", "--output", "out.png"]
    code, out, _ = run(*words)
    assert code == 0
    files = ["out.png", "out_sheet.png", "log", *map(str, Path("out_steps").iterdir())]
    expected = {name: Path(name).read_bytes() for name in files}
    for name in files:
        Path(name).unlink()
    stop_at(3)
    code, _, err = run(*words, *KEPT)
    assert code == 128 + signal.SIGTERM
    assert err[-1].startswith("jnst: stopped at step 4 of ")
    assert err[-1].endswith("; out.png is the painting so far; --resume run.ckpt goes on")
    assert jnst.load_checkpoint("run.ckpt").step == 4
    stopped = read_image("out.png").pixels
    code, again, err = run("--resume", "run.ckpt")
    assert (code, again) == (0, out)
    assert any(line.startswith("jnst: going on from run.ckpt, step 4 of") for line in err)
    assert np.any(stopped != read_image("out.png").pixels)
    assert {name: Path(name).read_bytes() for name in files if name != "log"} == {
        name: data for name, data in expected.items() if name != "log"
    }
    rows = [[json.loads(line) for line in data.splitlines()] for data in (expected["log"],)]
    rows.append([json.loads(line) for line in Path("log").read_text().splitlines()])
    seconds = [row.pop("seconds") for row in rows[1][1:]]
    assert seconds == sorted(seconds)
    for row in rows[0][1:]:
        row.pop("seconds")
    assert rows[0] == rows[1]
    # A finished run has its checkpoint too: resumed, it is painted again.
    Path("out.png").unlink()
    assert run("--resume", "run.ckpt", "--quiet")[0] == 0
    assert Path("out.png").read_bytes() == expected["out.png"]


def test_a_run_stopped_at_a_coarse_scale_is_enlarged(run: Command, stop_at: Stop) -> None:
    """Stopped in the step after the signal, the third of four at half the size."""
    words = [*RUN, "--size", "48", "--scales", "0.5", "1", "--steps", "4", "--output", "out.png"]
    stop_at(2)
    code, _, err = run(*words)
    assert code == 128 + signal.SIGTERM
    told = "stopped at step 3 of 8; out.png is the painting so far, enlarged from 24x16 pixels"
    assert err[-1] == f"jnst: {told}"
    assert read_image("out.png").pixels.shape == (32, 48, 3)


TWICE = """
import signal, sys, time
from jnst.cli.command import main
from jnst.cli.watch import Keeper

update = Keeper.update

def interrupted(self, progress, *, last):
    update(self, progress, last=last)
    if progress.step == 5:
        for _ in range(60):
            signal.raise_signal(signal.SIGINT)
            time.sleep(1)

Keeper.update = interrupted
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_a_second_ctrl_c_stops_at_once(run: Command) -> None:
    """No painting any more; the checkpoint is the one before, and the run goes on from it."""
    words = [*RUN, "--steps", "6", "--output", "out.png"]
    assert run(*words)[0] == 0
    expected = Path("out.png").read_bytes()
    Path("out.png").unlink()
    command = [sys.executable, "-c", TWICE, *words, *KEPT]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (130, "")
    assert found.stderr.endswith("Ctrl-C to stop at once\njnst: stopped at once\n")
    assert run.files() == {"run.ckpt", "run.ckpt.previous"}
    assert jnst.load_checkpoint("run.ckpt").step == 4
    assert run("--resume", "run.ckpt")[0] == 0
    assert Path("out.png").read_bytes() == expected


def test_the_forecast_is_of_what_is_left(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[int]] = []

    def expected(operations: list[float], steps: list[int], speed: float) -> float:
        asked.append(steps)
        return 9.0

    monkeypatch.setattr("jnst.cli.forecast.expected_seconds", expected)
    assert run(*RUN, "--scales", "0.5", "1", "--steps", "2", "3", *KEPT)[0] == 0
    assert run("--resume", "run.ckpt", "--steps", "7")[0] == 0
    assert asked == [[2, 3], [0, 4]]


def test_more_steps(run: Command) -> None:
    # Of Adam, rate and average would be those of a run of another length.
    words = [*RUN, "--scales", "0.5", "1", "--optimizer", "lbfgs"]
    assert run(*words, "--steps", "2", "5", "--output", "long.png")[0] == 0
    assert run(*words, "--steps", "2", "3", *KEPT)[0] == 0
    assert run("--resume", "run.ckpt", "--steps", "5", "--output", "more.png")[0] == 0
    np.testing.assert_array_equal(read_image("more.png").pixels, read_image("long.png").pixels)
    # And the command that it remembers makes it at once.
    command = read_parameters("more.png")["command"]
    assert "--checkpoint" not in command
    assert " --scales 0.5 1 --steps 2 5 " in command
    assert jnst.load_checkpoint("run.ckpt").step == 7
    code, _, err = run("--resume", "run.ckpt", "--steps", "4")
    assert (code, len(err)) == (1, 3)
    assert "7 steps are done and 6 are wanted" in err[-1]


def test_typed_options_that_agree_are_fine(run: Command, stop_at: Stop) -> None:
    assert run(*RUN, "--output", "a.png")[0] == 0
    stop_at(1)
    assert run(*RUN, *KEPT, "--output", "a2.png")[0] == 143
    (run.folder / "cat.png").rename("moved.png")
    words = ["--content", "moved.png", "--style", "night.png", "--size", "32", "--quiet"]
    assert run("--resume", "run.ckpt", *words, "--output", "b.png")[0] == 0
    np.testing.assert_array_equal(read_image("b.png").pixels, read_image("a.png").pixels)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ["--size", "40", "--style-weight", "5"],
            2,
            "run.ckpt was begun otherwise: --size was 32 and is 40; --style-weight was "
            f"{jnst.Config().style_weight} and is 5.0; leave that out, or begin anew",
        ),
        (["--preset", "gatys2016"], 2, "--preset was default and is gatys2016"),
        (["--network", "vgg19"], 2, "--network was vgg16 and is vgg19"),
        (["--steps", "9", "9"], 2, "--steps of the run is 3: only the last can be changed"),
        (["--stpes", "9"], 2, "unknown option --stpes; did you mean --steps?"),
        (["--style", "night.png", "cat.png"], 1, "of another run: style 2 is new"),
        (["--style", "cat.png"], 1, "of another run: style 1 is another; give what it was begun"),
        (["--content", "night.png"], 1, "of another run: content is another"),
        (["--checkpoint", "other.ckpt"], 2, "there is a checkpoint at other.ckpt already: go on"),
        (["--checkpoint", "cat.png"], 2, "--checkpoint would overwrite --content, cat.png"),
        (["--output", "run.ckpt.png"], 0, ""),
        (["--weights", str(jnst.find_weights("vgg16")), "--output", "b.png"], 0, ""),
    ],
)
def test_contradictions(run: Command, words: list[str], code: int, message: str) -> None:
    assert run(*RUN, *KEPT)[0] == 0
    Path("other.ckpt").write_bytes(b"")
    before = run.files()
    found, _, err = run("--resume", "run.ckpt", *words, "--quiet")
    assert found == code
    if code:
        assert run.files() == before
        assert err[0].startswith("jnst: error: ")
    assert message in "".join(err)


def test_a_painting_that_changed_its_style_is_refused(run: Command) -> None:
    assert run(*RUN, *KEPT)[0] == 0
    Image.new("RGB", (40, 40)).save("night.png")
    code, _, err = run("--resume", "run.ckpt")
    assert code == 1
    assert "the checkpoint is of another run: style 1 is another" in err[-1]


def test_another_run_does_not_overwrite_a_checkpoint(run: Command) -> None:
    assert run(*RUN, *KEPT)[0] == 0
    data = Path("run.ckpt").read_bytes()
    code, _, err = run(*RUN, *KEPT, "--quiet")
    assert code == 2
    assert "there is a checkpoint at run.ckpt already: go on from it with --resume" in err[0]
    assert Path("run.ckpt").read_bytes() == data


@pytest.mark.filterwarnings("default")
def test_a_damaged_checkpoint(run: Command, stop_at: Stop) -> None:
    assert run(*RUN, "--steps", "6", "--output", "whole.png")[0] == 0
    stop_at(4)
    run(*RUN, "--steps", "6", *KEPT)
    path = Path("run.ckpt")
    path.write_bytes(path.read_bytes()[:-9])
    stop_at(5)
    code, _, err = run("--resume", "run.ckpt", "--output", "out.png")
    assert code == 143
    assert err[0] == (
        "jnst: note: run.ckpt is damaged: its checksum is wrong; going on from "
        f"{run.folder}/run.ckpt.previous, step 4"
    )
    # The damaged file was replaced; the one before it is still there.
    assert jnst.load_checkpoint("run.ckpt").step == 6
    assert jnst.load_checkpoint("run.ckpt.previous").step == 4
    for name in ("run.ckpt", "run.ckpt.previous"):
        Path(name).write_bytes(b"nothing")
    code, _, err = run("--resume", "run.ckpt")
    assert (code, len(err)) == (1, 1)
    assert "run.ckpt is not a checkpoint" in err[0]
    assert run("--resume", "none.ckpt")[2] == ["jnst: error: none.ckpt does not exist"]


def test_a_checkpoint_of_the_library_has_no_command(run: Command) -> None:
    config = jnst.Config(size=32, scales=(1.0,), steps=(1,), style_layers=("relu1_1",))
    config = jnst.Config(**config.to_dict() | {"content_layers": ("relu1_2",)})
    noise = np.random.default_rng(0).random((32, 32, 3), np.float32)
    jnst.stylize(
        jnst.load_weights("vgg16"),
        noise,
        noise,
        config,
        callback=lambda progress: jnst.save_checkpoint("run.ckpt", progress.checkpoint()),
    )
    code, _, err = run("--resume", "run.ckpt")
    assert code == 1
    assert "run.ckpt was not made by this command: resume it with jnst.stylize" in err[0]


def test_when_checkpoints_are_due(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    now, saved = [0.0], []
    monkeypatch.setattr(watch_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(
        watch_module, "save_checkpoint", lambda path, checkpoint, **_: saved.append(round(now[0]))
    )
    monkeypatch.setattr(watch_module, "replace", lambda *_, **__: None)
    monkeypatch.setattr(jnst.Progress, "checkpoint", lambda _: None)

    def watch(every: str) -> list[int]:
        now[0] = 0.0
        saved.clear()
        request = parse([*PICTURES, "--checkpoint", "c", "--checkpoint-every", every])
        watcher = Keeper(request, {})
        for step in range(1, 14):
            now[0] += 1.0
            progress = jnst.Progress(step, 13, 1, 1, 4, 4, None, None, lambda: None)
            watcher.update(progress, last=step == 13)
        return list(saved)

    assert watch("3") == [3, 6, 9, 12, 13]
    assert watch("5s") == [5, 10, 13]
    assert watch("0.5s") == list(range(1, 14))
    assert watch("60s") == [13]


@pytest.mark.parametrize("word", ["0", "-3", "often", "1.5", "60 s", "s", "1e3s"])
def test_how_often_must_be_said_plainly(run: Command, word: str) -> None:
    code, _, err = run(*RUN, "--checkpoint", "c", f"--checkpoint-every={word}")
    assert code == 2
    assert f"--checkpoint-every: '{word}' is neither a time, such as 60s, nor a number" in err[0]


def test_what_cannot_be_written_is_told_and_the_run_goes_on(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of the snapshots and the checkpoint vanish once the run has begun."""

    def refuse(path: str, *_: object, **__: object) -> None:
        raise OSError(f"{str(path)!r} cannot be written: No space left on device")

    monkeypatch.setattr(watch_module, "save_checkpoint", refuse)
    monkeypatch.setattr("jnst.cli.recorder.write_image", refuse)
    monkeypatch.setattr("jnst.cli.recorder.replace_file", refuse)
    monkeypatch.setattr("jnst.cli.recorder.Recorder.write_sheet", refuse)
    words = ["--save-every", "1", "--log", "log", "--steps", "2", "--output", "out.png"]
    code, out, err = run(*RUN, *words, "--checkpoint", "run.ckpt", "--checkpoint-every", "1")
    assert (code, out[0]) == (0, "out.png")
    for step in (1, 2):
        assert f"jnst: warning: no snapshot at step {step}: 'out_steps/it000{step}.png' ca" in str(
            err
        )
        assert f"jnst: warning: no checkpoint at step {step}: 'run.ckpt' cannot be wr" in str(err)
    assert sum("no more lines in log" in line for line in err) == 1
    assert err[-1].startswith("jnst: warning: no contact sheet: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_log_whose_disk_is_full_is_told_once(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "jnst.cli.recorder.replace_file", lambda path, _: Path(path).symlink_to("/dev/full")
    )
    code, out, err = run(*RUN, "--log", "log", "--steps", "2", "--output", "out.png")
    assert (code, out) == (0, ["out.png"])
    assert [line for line in err if "log" in line] == [
        "jnst: warning: no more lines in log: No space left on device"
    ]


def test_a_painting_that_cannot_be_written_is_put_elsewhere(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is there when the run begins, and gone when it ends."""
    (run.folder / "art").mkdir()
    (run.folder / "tmp").mkdir()
    monkeypatch.setattr(output.tempfile, "tempdir", str(run.folder / "tmp"))
    stylize = paint.stylize

    def vanishing(*args: object, **more: object) -> object:
        result = stylize(*args, **more)  # type: ignore[arg-type]
        (run.folder / "art").rmdir()
        return result

    assert run(*RUN, "--output", "out.png")[0] == 0
    monkeypatch.setattr(paint, "stylize", vanishing)
    code, out, err = run(*RUN, "--output", "art/out.png")
    assert code == 1
    found = Path(out[0])
    assert found.parent.parent == run.folder / "tmp"
    np.testing.assert_array_equal(read_image(found).pixels, read_image("out.png").pixels)
    assert err[-1].startswith("jnst: error: 'art/out.png' cannot be written: the folder ")
    assert err[-1].endswith(f"; the painting is {found}")


@pytest.mark.filterwarnings("default")
def test_numbers_that_run_away_leave_the_painting_before(run: Command) -> None:
    words = ["--optimizer", "adam", "--learning-rate", "1e15", "--no-clamp"]
    code, out, err = run(*RUN, *words, "--output", "out.png")
    assert (code, out) == (1, ["out.png"])
    assert sum("note: the objective or its gradient was not finite at ste" in e for e in err) == 3
    assert err[-2] == "jnst: out.png is the painting before that"
    assert "nor after smaller steps; lower the learning rate" in err[-1]
    assert read_image("out.png").pixels.shape == (21, 32, 3)


def going_on(begun: str, more: str = "") -> Request:
    """The request of `more` typed beside --resume, where the run was begun by `begun`."""
    request = parse(["--content", "a.png", "--style", "b.png", *begun.split()])
    assert isinstance(request, Request)
    resume = parse(["--resume", "c", *more.split()])
    assert isinstance(resume, Resume)
    return continued(resume, notes_of(request, {}))


def test_more_steps_leave_those_that_a_taper_gave_the_coarse_scales() -> None:
    begun = "--taper 1 --steps 8 --scales 0.25 0.5 1"
    request = going_on(begun, "--steps 9")
    assert request.config.steps_per_scale == (32, 16, 9)
    assert request.changes == {"steps": (32, 16, 9), "scales": (0.25, 0.5, 1.0)}
    assert going_on(begun).config.steps_per_scale == (32, 16, 8)


@pytest.mark.parametrize("sizes", ["", "--scales 0.25 0.5 1"])
def test_more_steps_leave_those_that_a_quality_gave_the_coarse_scales(sizes: str) -> None:
    words = f"--quality draft {sizes}"
    begun = going_on(words)
    request = going_on(words, "--steps 999")
    assert request.config.all_scales == begun.config.all_scales
    assert request.config.steps == (*begun.config.steps_per_scale[:-1], 999)
    # The sizes are still those of the quality, unless they are named as well.
    assert ("quality" in request.changes) == (not sizes)
    with pytest.raises(UsageError, match=r"begun otherwise: --quality was draft and is fine"):
        going_on(words, "--quality fine")


def test_a_checkpoint_of_another_version_is_refused() -> None:
    asked = parse(["--resume", "c"])
    assert isinstance(asked, Resume)
    with pytest.raises(ValueError, match="c was made by an earlier version of jnst: begin anew"):
        continued(asked, {"words": "[]", "memory": "[]"})
    with pytest.raises(ValueError, match="c was made by another version of jnst: "):
        continued(asked, {"request": '{"changes": {}, "masks": [], "later": 1}'})
