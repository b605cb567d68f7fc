"""Settings in TOML: there and back, what wins over what, and mistakes by file, key and remedy."""

import os
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from command import PICTURES, Command

import jnst
from jnst.cli import command
from jnst.cli.options.parsing import parse
from jnst.cli.options.request import Batch, Request
from jnst.cli.options.words import UsageError
from jnst.config import PRESETS, Config

NAMES = ["--content", "cat.jpg", "--style", "night.png"]


def request_of(*words: str) -> Request:
    found = parse([*NAMES, *words])
    assert isinstance(found, Request)
    return found


def config_of(*words: str) -> Config:
    return request_of(*words).config


def swept(*words: str) -> Batch:
    found = parse([*NAMES, *words])
    assert isinstance(found, Batch)
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run.toml"


@pytest.mark.parametrize("name", PRESETS)
def test_there_and_back(file: Path, name: str) -> None:
    config = replace(PRESETS[name], size=77, style_size=(3, 4), style_layers=(), tv_weight=1e-9)
    config = replace(config, style_scale=(1.0,), style_layer_weights=(0.1,))
    jnst.save_config(file, config, name)
    assert jnst.load_config(file) == config
    # TOML as its own reader sees it: nothing of what was written is lost.
    read = tomllib.loads(file.read_text())
    assert read.pop("preset") == name
    assert Config(**read) == config


@pytest.mark.parametrize("name", PRESETS)
def test_a_saved_preset_is_that_preset_in_the_command(file: Path, name: str) -> None:
    jnst.save_config(file, PRESETS[name], name)
    found = request_of("--config", str(file), "--quiet")
    assert (found.preset, found.changes, found.quiet) == (name, {}, True)
    assert config_of("--config", str(file)) == PRESETS[name]
    # Its idle values do not stand in the way of another optimiser.
    if not PRESETS[name].clamp:
        assert config_of("--config", str(file), "--optimizer", "adam").optimizer == "adam"


def test_typed_wins_over_the_file_and_the_file_over_the_preset(file: Path) -> None:
    file.write_text('preset = "gatys2016"\nsize = 300\nsteps = 7\ntv_weight = 1\n')
    found = config_of(f"--config={file}", "--size", "200")
    assert found == replace(PRESETS["gatys2016"], size=200, steps=(7,), tv_weight=1.0)
    found = config_of("--preset", "neural-style", "--config", str(file))
    assert found == replace(PRESETS["neural-style"], size=300, steps=(7,), tv_weight=1.0)
    file.write_text('init = "noise"\nseed = 3\n')
    request = request_of("--config", str(file), "--init-image", "a.png")
    assert (request.changes, request.config.init) == ({}, "file")
    # A sweep is typed too; what is of use in one of its places stays.
    sweep = ["--sweep", "init=gray,content"]
    assert swept(*sweep, "--config", str(file)).request.changes == {"seed": 3}
    file.write_text('tv_weight = 0\ntv_loss = "l1"\nsteps = 120\n')
    sweep = ["--sweep", "preset=default,gatys2016"]
    found = swept(*sweep, "--config", str(file))
    assert found.request.changes == {"tv_weight": 0, "steps": (120,)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size = ", "run.toml is not a TOML file: Invalid value"),
        ("siez = 3", "run.toml: unknown key 'siez'; did you mean 'size'"),
        ('preset = "gatis2016"', "run.toml: unknown preset 'gatis2016'; did you mean 'gatys2016'"),
        ("size = 0", "run.toml: size is 0: it must be a whole number of at least 1"),
        ('size = "big"', "run.toml: size is 'big': give a number"),
        ("size = true", "run.toml: size is True: give a number"),
        ("clamp = 1", "run.toml: clamp is 1: give true or false"),
        ("pooling = 3", "run.toml: pooling is 3: give a name in quotes"),
        ('pooling = "avg"', "run.toml: unknown pooling 'avg'; did you mean 'average'"),
        ("style_layers = [1]", "run.toml: style_layers is 1: give a name in quotes"),
        ("scales = [[1.0]]", r"run.toml: scales is \[1.0\]: give a number"),
        ("iterations = 3", "run.toml: unknown key 'iterations'; did you mean 'steps'"),
        ('preset = ["x"]', r"run.toml: preset is \['x'\]: give a name in quotes"),
        ("preset = {a = 1}", "run.toml: preset is .*: give a name in quotes"),
        ("scales = " + 3000 * "[", "run.toml is not a TOML file .*brackets are nested too deeply"),
        ("a = " + 3000 * "{a = ", "run.toml is not a TOML file .*brackets are nested too deeply"),
        ("#" * 1_000_001, "run.toml' is larger than 1,000,000 bytes"),
        ("[size]\na = 1", "run.toml: size is .*: give a number"),
    ],
)
def test_mistakes_name_file_key_and_remedy(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError, match=f"--config .*{message}") as told:
        parse(["--config", str(file)])
    assert "\n" not in str(told.value)
    with pytest.raises(ValueError, match=message):
        jnst.load_config(file)


def test_encodings(file: Path) -> None:
    text = 'preset = "gatys2016"\nsize = 300\n'
    for encoding in ("utf-8", "utf-8-sig"):
        file.write_text(text, encoding)
        assert jnst.load_config(file) == replace(PRESETS["gatys2016"], size=300)
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        file.write_text(text + "# é", encoding)
        with pytest.raises(UsageError, match=r"run.toml is not a TOML file: .* UTF-8(; save it|$)"):
            parse(["--config", str(file)])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="files of POSIX")
def test_files_that_never_end(run: Command) -> None:
    os.mkfifo("pipe")
    for name, kind in (("pipe", "a pipe"), ("/dev/zero", "a device")):
        for words in (
            ("--config", name, *PICTURES),
            ("--resume", name),
            ("--rerun", name),
            (*PICTURES, "--weights", name),
            (*PICTURES, "--keep-mask", name),
            (*PICTURES, "--log", name),
            ("weights", "check", name),
            ("weights", "convert", name, "-o", "a.h5"),
            (
                "filters",
                "--image",
                "cat.png",
                "--kind",
                "vgg",
                "--weights",
                name,
                "--output",
                "a.png",
            ),
            ("curves", "--log", name, "--output", "a.png"),
        ):
            code, _, err = run(*words)
            assert code, words
            said = (
                f"{name}' is a device or a pipe"
                if words[-2] == "--log"
                else f"{name}' is {kind}, not"
            )
            assert len(err) == 1, (words, err)
            assert said in err[0], words
    with pytest.raises(OSError, match=r"^https://a.org/b.toml is an address"):
        jnst.load_config("https://a.org/b.toml")
    with pytest.raises(OSError, match=r"^https://a.org/b.png is an address"):
        jnst.read_image("https://a.org/b.png")


def test_other_mistakes(file: Path) -> None:
    with pytest.raises(FileNotFoundError):
        parse(["--config", str(file)])
    file.write_text("scales = [0.25, 0.5, 1]\nsteps = [1, 2, 3]\n")
    with pytest.raises(UsageError, match="the options beside it: --steps has 3 numbers for 1"):
        parse(["--config", str(file), "--scales", "1"])
    for option in ("--config", "--save-config"):
        with pytest.raises(UsageError, match="unexpected 'stray'"):
            parse([option, str(file), "stray"])
    with pytest.raises(UsageError, match=r"--save-config: 'run.txt' is not a name .* end in .toml"):
        parse(["--save-config", "run.txt"])
    with pytest.raises(ValueError, match="is not a name for settings"):
        jnst.save_config("run.jpg", Config())


def test_the_command_saves_and_uses_settings(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = run("--preset", "gatys2016", "--size", "99", "--save-config", "run.toml")
    assert (code, out, err) == (0, ["run.toml"], [])
    assert jnst.load_config("run.toml") == replace(PRESETS["gatys2016"], size=99)
    code, _, err = run(*PICTURES, "--config", "run.toml", "--seed", "1", "--size", "x")
    assert (code, len(err)) == (2, 1)
    code, _, err = run("--size", "0", "--save-config", "run.toml")
    assert (code, err[0]) == (
        2,
        "jnst: error: --size is 0: it must be a whole number of at least 1",
    )
    (run.folder / "tiny.toml").write_text("size = 32\nscales = 1\nsteps = 1\n")
    asked = []
    monkeypatch.setattr(command, "paint", lambda request: asked.append(request) or 0)
    assert run(*PICTURES, "--config", "tiny.toml", "--save-config", "all.toml")[0] == 0
    assert jnst.load_config("all.toml") == asked[0].config
    # The painting remembers the options, not the file.
    words = [*PICTURES, "--size", "32", "--scales", "1", "--steps", "1"]
    assert asked[0].words() == words
