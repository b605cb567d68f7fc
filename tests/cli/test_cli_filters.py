"""`jnst filters` and `jnst curves` through the command itself: files, exit codes, error texts."""

import json

import numpy as np
import pytest
from PIL import Image

from jnst import cli


@pytest.fixture(autouse=True)
def _folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(1).integers(0, 256, (60, 80, 3), np.uint8)
    Image.fromarray(pixels).save("photo.png")
    record = {"step": 1, "scale": 1, "seconds": 0.2, "content": 1, "style": 2, "tv": 3, "total": 6}
    lines = json.dumps({"size": 64}), json.dumps(record), ""
    (tmp_path / "run.jsonl").write_text("\n".join(lines), "utf-8")


@pytest.fixture
def run(capsys):
    def run_words(words):
        code = cli.main(words.split())
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_words


@pytest.mark.parametrize(
    "words",
    [
        "filters --image photo.png --output out.png",
        "filters --output out.png --kind vgg",
        "filters --image photo.png --output out.png --kind maps --layer relu2_2 --count 3",
        "curves --log run.jsonl --output out.svg",
    ],
)
def test_a_picture_is_written_and_its_path_printed(run, tmp_path, words):
    code, out, err = run(words)
    assert (code, err) == (0, "")
    name = out.strip()
    assert words.split()[words.split().index("--output") + 1] == name
    start = (tmp_path / name).read_bytes()[:8]
    assert start == b"\x89PNG\r\n\x1a\n" if name.endswith("png") else start.startswith(b"<?xml")


def test_options_reach_the_figure(run, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "jnst.cli.commands.filters.save_figure", lambda figure, path: seen.append(figure)
    )
    run("filters --image photo.png --output out.png --stride 2 --padding valid --size 64")
    labels = {axes.get_title(): axes.get_xlabel() for axes in seen[0].subfigs[0].axes}
    assert labels["Photograph"] == "64 × 48"
    assert labels["Emboss"] == "kernel 3 × 3, result 31 × 23"
    run("filters --image photo.png --output out.png --kind maps")
    run("filters --image photo.png --output out.png --padding 0")
    assert seen[2].subfigs[0].axes[3].get_xlabel() == "kernel 3 × 3, result 78 × 58"
    run("filters --image photo.png --output out.png --kind vgg --network vgg16 --offline")
    assert [len(part.axes) for part in seen[3].subfigs] == [64, 64]
    heading = seen[1].subfigs[1].get_suptitle()
    assert heading == "relu3_1 of vgg16: the 12 strongest of 256 maps, 20 × 15"


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ("", 2, "the following arguments are required: --output"),
        ("--image photo.png --output out.png --stirde 2", 2, "--stirde; did you mean --stride?"),
        ("--image photo.png --output out.png --kind vg", 2, "--kind: invalid choice: 'vg'"),
        ("--output out.png", 2, "--image is missing: give a photograph"),
        ("--output out.png --kind maps", 2, "--image is missing"),
        ("--image photo.png --output out.jpg", 2, "--output: a figure is written as PNG or SVG"),
        ("--image photo.png --output photo.png", 2, "would overwrite the input 'photo.png'"),
        (
            "--image photo.png --output out.png --kind maps --layer relu31",
            2,
            "--layer: vgg16 has no layer 'relu31'; did you mean 'relu3_1'?",
        ),
        (
            "--image photo.png --output out.png --layer relu3_1",
            2,
            "--layer has no effect with --kind classic; use --kind maps",
        ),
        (
            "--image photo.png --output out.png --kind vgg --padding 0",
            2,
            "--padding has no effect with --kind vgg; use --kind classic",
        ),
        ("--image photo.png --output out.png --stride 0", 2, "'0' is not a whole number of at"),
        ("--image photo.png --output out.png --padding smae", 2, "unknown padding 'smae'; use"),
        ("--image photo.png --output out.png --size 8", 1, "13x13"),
        ("--image none.png --output out.png", 1, "none.png"),
        ("--image run.jsonl --output out.png", 1, "run.jsonl"),
        ("--image photo.png --output no/out.png", 1, "no"),
        ("--output out.png --kind vgg --weights none.h5", 1, "none.h5"),
        ("--image photo.png --output out.png --padding 100000000", 2, "is too much: 1000 at most"),
        (
            "--image photo.png --output out.png --kind maps --layer pool5 --size 16",
            1,
            "pool5 needs at least 32 pixels",
        ),
    ],
)
def test_mistakes_are_told_in_one_line_and_leave_nothing(run, tmp_path, words, code, text):
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    found, out, err = run(f"filters {words}")
    assert (found, out) == (code, "")
    assert err.startswith("jnst: error: ")
    assert text in err
    assert err.count("\n") == 1
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ("--output out.png", 2, "the following arguments are required: --log"),
        ("--lgo run.jsonl --log run.jsonl --output out.png", 2, "--lgo; did you mean --log?"),
        ("--log run.jsonl --output run.jsonl", 2, "'run.jsonl' ends in '.jsonl'"),
        ("--log none.jsonl --output out.png", 1, "none.jsonl"),
        ("--log photo.png --output out.png", 1, "photo.png: line 1 is not a JSON object"),
    ],
)
def test_mistakes_with_a_log_are_told_in_one_line(run, tmp_path, words, code, text):
    found, out, err = run(f"curves {words}")
    assert (found, out) == (code, "")
    assert err.startswith("jnst: error: ")
    assert text in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("command", ["filters", "curves"])
def test_help_names_every_option(run, command):
    code, out, _ = run(f"{command} --help")
    assert code == 0
    assert f"usage: jnst {command}" in out
    assert "--output FILE" in out
