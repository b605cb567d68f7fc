"""Snapshots, log and contact sheet."""

import json

import jax
import numpy as np
import pytest
from command import PICTURES, TINY, Command

import jnst
from jnst.cli import paint
from jnst.cli.options.parsing import parse
from jnst.cli.options.request import Request
from jnst.cli.recorder import Recorder
from jnst.images import read_image, read_parameters


def test_snapshots_sheet_and_log(run: Command) -> None:
    words = ["--steps", "3", "2", "--scales", "0.5", "1", "--style-layers", "relu1_1"]
    words += ["--save-every", "2", "--log", "run.jsonl", "--output", "out.png"]
    code, out, err = run(*PICTURES, *TINY, *words)
    assert code == 0
    snapshots = [f"out_steps/it000{step}.png" for step in (1, 3, 5)]
    assert run.files() == {"out.png", "out_sheet.png", "run.jsonl", "out_steps", *snapshots}
    assert read_image(snapshots[0]).pixels.shape == (10, 16, 3)
    assert read_image(snapshots[2]).pixels.shape == (21, 32, 3)
    assert read_parameters(snapshots[1])["step"] == "3"
    head, *rows = [json.loads(line) for line in (run.folder / "run.jsonl").read_text().splitlines()]
    assert head["config"]["scales"] == [0.5, 1.0]
    steps = [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2)]
    assert [(row["step"], row["scale"]) for row in rows] == [*steps, steps[-1]]
    # The last line has the losses of the painting, as the command prints them.
    terms = (f"{name} {rows[-1][name]:.6g}" for name in ("total", "content", "style", "tv"))
    assert (out, err[-1]) == (["out.png"], f"jnst: {'  '.join(terms)}")
    assert [row.get("result", False) for row in rows] == [False] * 5 + [True]
    for row in rows:
        assert row["total"] == pytest.approx(row["content"] + row["style"] + row["tv"])
    assert [row["seconds"] for row in rows] == sorted(row["seconds"] for row in rows)


def test_chunks_of_steps_fill_the_log_and_meet_the_snapshots(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU, where a report comes once for several steps."""
    request = parse([*PICTURES, "--save-every", "5", "--log", "log", "--output", "out.png"])
    assert isinstance(request, Request)
    with Recorder(request, {}) as recorder:
        for step, count in ((1, 1), (6, 5), (9, 3)):
            terms = jnst.Losses(*(np.arange(step - count + 1, step + 1) for _ in range(4)))
            picture = np.full((4, 4, 3), step / 10, np.float32)
            recorder.update(jnst.Progress(step, 9, 1, 1, 4, 4, terms, lambda p=picture: p, None))
    assert [step for step, _ in recorder.snapshots] == [1, 6]
    assert read_image("out_steps/it0006.png").pixels[0, 0, 0] == pytest.approx(0.6, abs=0.002)
    rows = [json.loads(line) for line in (run.folder / "log").read_text().splitlines()[1:]]
    assert [row["step"] for row in rows] == [row["total"] for row in rows] == list(range(1, 10))
    assert paint._chunk(5) is None
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    chunks = [paint._chunk(every) for every in (0, 1, 5, 20, 50, 53, 100)]
    assert chunks == [None, 1, 5, 20, 10, 1, 20]
