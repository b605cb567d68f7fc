"""Runs that get too little memory, by faults put in: on by windows, or one line on what to do."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from command import PICTURES, Command

import jnst
from jnst.images import read_image
from jnst.optimize import loop
from jnst.optimize.steps import Evaluator
from jnst.transfer.budget import advice, by_smaller_windows, is_out_of_memory, smaller_tile
from jnst.wording import size_words

LAYERS = {"content_layers": ("relu2_2",), "style_layers": ("relu1_1", "relu2_1")}
RUN = [*PICTURES, "--size", "160", "--scales", "0.5", "1", "--steps", "2"]
RUN += [
    "--content-layers",
    "relu2_2",
    "--style-layers",
    "relu1_1",
    "relu2_1",
    "--output",
    "out.png",
]
XLA = jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 123 bytes.")


def refuse(
    monkeypatch: pytest.MonkeyPatch, fits: Callable[[Any, int], bool], error: Exception
) -> None:
    """Chunks of steps fail unless `fits(objective, longer side)`."""
    run_chunk = loop.run_chunk

    def limited(objective: Any, method: Any, state: Any, *args: Any, **more: Any) -> Any:
        if not fits(objective, max(state.point.shape)):
            raise error
        return run_chunk(objective, method, state, *args, **more)

    monkeypatch.setattr(loop, "run_chunk", limited)


@pytest.mark.parametrize("error", [XLA, MemoryError()], ids=["XLA", "NumPy"])
def test_what_does_not_fit_goes_on_by_windows(
    run: Command, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The first scale fits, and is not painted again; the second does not."""
    refuse(monkeypatch, lambda what, side: side <= 100 or isinstance(what, Evaluator), error)
    more = ["--log", "log", "--save-every", "1", "--checkpoint", "run.ckpt"]
    code, out, err = run(*RUN, *more, "--checkpoint-every", "1")
    assert (code, out[0]) == (0, "out.png")
    told = "jnst: warning: out of memory; on by windows of 128 pixels, which takes longer"
    assert err.count(told) == 1
    painted = read_image("out.png").pixels
    rows = [json.loads(line) for line in Path("log").read_text().splitlines()[1:]]
    steps = [(1, 1), (2, 1), (3, 2), (4, 2)]
    assert [(row["step"], row["scale"]) for row in rows] == [*steps, steps[-1]]
    assert len(list(Path("out_steps").iterdir())) == 4
    assert jnst.load_checkpoint("run.ckpt").step == 4
    # A run that goes on is computed as this one ended.
    assert "on by windows" not in "".join(run("--resume", "run.ckpt", "--steps", "3")[2])
    monkeypatch.undo()
    monkeypatch.chdir(run.folder)
    config = jnst.Config(size=160, scales=(0.5, 1.0), steps=(2,), **LAYERS)
    pictures = [read_image(name).pixels for name in PICTURES[1::2]]
    expected = jnst.stylize(jnst.load_weights("vgg16"), *pictures, config, tile=128)
    np.testing.assert_allclose(painted, expected.image.clip(0, 1), atol=0.51 / 255)


def test_what_does_not_fit_at_all_is_told(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, lambda what, side: False, XLA)
    code, out, err = run(*RUN, "--quiet")
    assert (code, out) == (1, [])
    assert re.fullmatch(
        r"jnst: error: out of memory: 160x106 pixels need about \d+MB, by windows of 128 pixels; "
        "use a smaller --size",
        err[-1],
    )
    assert run.files() == set()


def test_advice_adds_up() -> None:
    """For large pictures, where the program itself is small beside the rest."""
    config = jnst.Config(size=8000)
    told = advice(config, 8000, 6000, "vgg16")
    need = jnst.estimate_memory(config, 8000, 6000, tile=128)
    assert told.startswith(f"6000x8000 pixels need about {size_words(need)}, by windows of 128 pix")
    match = re.search(r"; --size (\d+) needs (.+)$", told)
    if match:  # whether any fits is up to the machine
        side = int(match[1])
        fits = jnst.estimate_memory(config, side, side * 3 // 4, tile=128)
        assert match[2] == size_words(fits)
        assert fits < need


def test_other_failures_are_not_mistaken() -> None:
    assert is_out_of_memory(XLA)
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(jax.errors.JaxRuntimeError("INTERNAL: RESOURCE"))
    assert not is_out_of_memory(ValueError("RESOURCE_EXHAUSTED"))

    def attempt(tile: int | None) -> None:
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")

    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        by_smaller_windows(attempt, None, (512, 512), str)


@pytest.mark.parametrize(
    ("tile", "side", "tried"),
    [
        (None, 4000, [None, 768, 384, 192, 128]),
        (None, 1000, [None, 384, 192, 128]),
        (None, 128, [None]),
        (700, 4000, [700, 256, 128]),
        (128, 4000, [128]),
    ],
)
def test_windows_become_smaller(tile: int | None, side: int, tried: list[int | None]) -> None:
    found: list[int | None] = []

    def attempt(tile: int | None) -> None:
        found.append(tile)
        raise MemoryError

    with pytest.raises(MemoryError, match="too large"):
        by_smaller_windows(attempt, tile, (100, side), lambda: "too large")
    assert found == tried
    assert smaller_tile(tried[-1], side) is None
