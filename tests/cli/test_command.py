"""The command end to end: small paintings with the real network."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from command import PICTURES, TINY, Command
from PIL import Image
from weight_files import VGG19

import jnst
from jnst.images import read_image, read_parameters

ROOT = Path(__file__).parents[2]


def test_a_painting(run: Command) -> None:
    """The command makes what `stylize` makes, and says what it did and how it ended."""
    code, out, err = run(*PICTURES, *TINY)
    assert code == 0
    assert run.files() == {"cat_night.png"}
    layers = {"content_layers": ("relu2_2",), "style_layers": ("relu1_1", "relu2_1")}
    config = jnst.Config(size=32, scales=(1.0,), steps=(3,), **layers)
    pictures = [read_image(name).pixels for name in ("cat.png", "night.png")]
    expected = jnst.stylize(jnst.load_weights("vgg16"), pictures[0], pictures[1], config)
    painted = read_image("cat_night.png").pixels
    assert painted.shape == (21, 32, 3)
    np.testing.assert_allclose(painted, expected.image.clip(0, 1), atol=0.51 / 255)
    assert out == ["cat_night.png"]
    losses = err[-1].removeprefix("jnst: ").split()
    names, values = losses[::2], map(float, losses[1::2])
    assert names == ["total", "content", "style", "tv"]
    np.testing.assert_allclose(
        list(values), [getattr(expected.losses, name) for name in names], rtol=1e-3
    )
    assert err[0].startswith("jnst: vgg16 (vgg16.h5, ")
    assert "32x21 pixels, 3 adam steps, about " in err[0]
    assert err[1].startswith("jnst: step 1/3, loss ")
    assert err[2].startswith("jnst: step 3/3, loss ")
    assert len(err) == 4


def test_quiet_tells_the_result_only(run: Command) -> None:
    code, out, err = run(*PICTURES, *TINY, "--quiet", "--overwrite")
    assert (code, out, err) == (0, ["cat_night.png"], [])


def test_the_seed_decides_on_the_noise_and_nothing_else_does(run: Command) -> None:
    words = [*PICTURES, *TINY, "--init", "noise", "--quiet"]
    bytes_of = {}
    for name, seed in (("a.png", "1"), ("b.png", "1"), ("c.png", "2")):
        assert run(*words, "--seed", seed, "--output", "out.png")[0] == 0
        bytes_of[name] = (run.folder / "out.png").read_bytes()
    assert bytes_of["a.png"] == bytes_of["b.png"]
    assert bytes_of["a.png"] != bytes_of["c.png"]


def test_everything_is_embedded(run: Command) -> None:
    assert run(*PICTURES, *TINY, "--preset", "neural-style-pt", "--output", "a.png")[0] == 0
    found = read_parameters("a.png")
    config = jnst.preset("neural-style-pt", size=32, steps=(3,), content_layers=("relu2_2",))
    assert json.loads(found["config"]) == {
        **config.to_dict(),
        "style_layers": ["relu1_1", "relu2_1"],
    }
    assert (found["preset"], found["network"]) == ("neural-style-pt", "vgg16")
    assert (found["content"], json.loads(found["styles"])) == ("cat.png", ["night.png"])
    assert (found["weights"], len(found["weights_sha256"])) == ("vgg16.h5", 64)
    assert found["software"].startswith("jnst ")


def test_rerun_gives_the_same_bytes(run: Command) -> None:
    """Also with a name that a shell would split."""
    (run.folder / "night.png").rename("blue night.png")
    words = ["--content", "cat.png", "--style", "blue night.png", *TINY, "--init", "noise"]
    words += ["--output", "a.png"]
    assert run(*words)[0] == 0
    first = (run.folder / "a.png").read_bytes()
    code, out, err = run("--rerun", "a.png")
    assert (code, err) == (0, [])
    program, *again = shlex.split(out[0])
    assert (program, again) == ("jnst", words)
    (run.folder / "a.png").unlink()
    assert run(*again)[0] == 0
    assert (run.folder / "a.png").read_bytes() == first


def test_no_network_but_the_embedded_is_taken_unasked(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither downloaded nor, where it lies in the cache, read."""
    monkeypatch.setattr("jnst.network.weights.fetch_weights", pytest.fail)
    monkeypatch.setenv("JNST_CACHE", str(run.folder / "cache"))
    (run.folder / "cache").mkdir()
    (run.folder / "cache" / VGG19).write_bytes(b"no weights")
    assert run(*PICTURES, *TINY)[0] == 0
    assert read_parameters("cat_night.png")["network"] == "vgg16"


def test_a_network_asked_for_by_name_is_not_replaced(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JNST_CACHE", str(run.folder / "cache"))
    code, _, err = run(*PICTURES, *TINY, "--offline", "--network", "vgg19")
    assert code == 1
    assert len(err) == 1
    assert err[0].startswith("jnst: error: no vgg19 weights here, and downloads are forbidden")
    assert str(run.folder / "cache") in err[0]
    assert run.files() == set()


def test_alpha_is_kept_at_the_new_size(run: Command) -> None:
    pixels = np.zeros((40, 60, 4), np.uint8)
    pixels[:, 30:] = 255
    Image.fromarray(pixels).save("cat.png")
    assert run(*PICTURES, *TINY, "--bits", "16")[0] == 0
    painted = read_image("cat_night.png")
    assert painted.alpha is not None
    assert painted.alpha.shape == painted.pixels.shape[:2] == (21, 32)
    np.testing.assert_allclose(painted.alpha[:, :14], 0, atol=1e-3)
    np.testing.assert_allclose(painted.alpha[:, 18:], 1, atol=1e-3)


def test_starting_from_a_file(run: Command) -> None:
    """With nothing to optimise for, the start stays as it is."""
    Image.fromarray(np.full((21, 32, 3), 128, np.uint8)).save("gray.png")
    words = [*TINY[: TINY.index("--content-layers")], "--content-layers=", "--style-layers="]
    words += ["--tv-weight", "0", "--steps", "1"]
    assert run(*PICTURES, *words, "--init-image", "gray.png")[0] == 0
    np.testing.assert_allclose(read_image("cat_night.png").pixels, 128 / 255, atol=1e-6)


def _start(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "cli.py"), *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"JNST_OFFLINE": "1"},
    )


@pytest.mark.slow
def test_ctrl_c_saves_the_painting(run: Command) -> None:
    words = ["--size", "64", "--scales", "1", "--steps", "100000"]
    words += ["--output", "out.png"]
    with _start(run.folder, *PICTURES, *words, "--log", "log") as process:
        try:
            deadline = time.monotonic() + 120
            while not (run.folder / "log").exists() and time.monotonic() < deadline:
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert out == "out.png\n"
    last = err.splitlines()[-1]
    assert last.startswith("jnst: stopped at step ")
    assert last.endswith(" of 100000; out.png is the painting so far")
    assert read_image(run.folder / "out.png").pixels.shape == (42, 64, 3)


@pytest.mark.slow
def test_the_default_layers_at_64_pixels(run: Command) -> None:
    """The whole network, as a person starts it: nothing but the command's own lines is told."""
    with _start(run.folder, *PICTURES, "--size", "64", "--steps", "5") as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out == "cat_night.png\n"
    assert all(line.startswith("jnst: ") for line in err.splitlines())
    assert read_parameters(run.folder / "cat_night.png")["command"].startswith("python ")
