"""`jnst weights` and --preprocess when they cannot: one line, an exit code, nothing changed."""

import os
from pathlib import Path

import h5py
import pytest
from command import PICTURES, Command
from small_vgg import family_layers
from weight_files import VGG19, enter_folder, make_files, runner

from jnst import cli
from jnst.network.formats import write_native
from jnst.network.preprocessing import CAFFE, TORCHVISION


@pytest.fixture
def run(capfd, monkeypatch, tmp_path):
    enter_folder(monkeypatch, tmp_path)
    make_files(monkeypatch, tmp_path)
    return runner(capfd)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ("convert k.h5 -o k.h5", 2, "--output would overwrite the input 'k.h5'; choose another"),
        ("convert k.h5 -o ./folder/../k.h5", 2, "--output would overwrite the input"),
        ("convert k.h5 -o link.h5", 2, "--output would overwrite the input"),
        ("convert k.h5 -o hard.h5", 1, "hard.h5 is the file to convert: name another one"),
        ("convert k.h5 -o out.npz", 2, "'out.npz' would be an HDF5 file: end its name in .h5"),
        ("convert k.h5", 2, "the following arguments are required: -o/--output"),
        ("convert k.h5 -o o.h5 --dtype float8", 2, "--dtype: invalid choice: 'float8'"),
        ("convert k.h5 -o o.h5 --dtpye float16", 2, "--dtpye; did you mean --dtype?"),
        ("convert u.h5 -o n.h5", 1, "unknown origin"),
        ("convert u.h5 -o n.h5 --preprocess tf", 2, "--preprocess: invalid choice: 'tf'"),
        ("convert cut.h5 -o n.h5", 1, "cut.h5 is damaged or cut short"),
        ("convert page.h5 -o n.h5", 1, "page.h5 is not a weight file"),
        ("convert none.h5 -o n.h5", 1, "there is no weight file none.h5"),
        ("convert folder -o n.h5", 1, "folder is a folder"),
        ("convert k.h5 -o no/out.h5", 1, "'no/out.h5' cannot be written: the folder"),
        ("convert k.h5 -o folder.h5", 1, "'folder.h5' is a folder: give the name of a file in it"),
        (f"convert k.h5 -o cache/{VGG19}", 1, "is jnst's own, known by its hash: name another"),
        ("convert huge.h5 -o n.h5 --dtype float16", 1, "conv2_1 reaches 70000, more than float16"),
        ("", 2, "weights: choose one of list, fetch, convert, check"),
        ("fecth vgg19", 2, "weights: unknown 'fecth'; did you mean fetch?"),
        ("fetch", 2, "the following arguments are required: NETWORK"),
        ("fetch vgg-19", 2, "unknown network 'vgg-19'; did you mean vgg19?"),
        ("fetch resnet", 2, "unknown network 'resnet'; choose vgg19"),
        ("check", 2, "the following arguments are required: FILE"),
    ],
)
def test_mistakes_change_nothing(run, tmp_path, words, code, text):
    (tmp_path / "folder.h5").mkdir()
    (tmp_path / "cache").mkdir()
    (tmp_path / "link.h5").symlink_to("k.h5")
    os.link("k.h5", "hard.h5")
    layers = family_layers("caffe", "vgg16")
    layers["conv2_1"]["kernel"][0, 0, 0, 0] = 70000
    write_native(tmp_path / "huge.h5", layers, "vgg16", CAFFE)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    found, out, err = run(f"weights {words}")
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert err.startswith("jnst: error: ")
    assert text in err
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.parametrize("failure", [OSError(28, "write failed, errno = 28"), RuntimeError("id")])
def test_full_disk_while_converting(run, tmp_path, monkeypatch, failure):
    def full(*_, **__):
        raise failure

    monkeypatch.setattr(h5py.Group, "create_dataset", full)
    (tmp_path / "out.h5").write_bytes(b"previous")
    before = set(tmp_path.iterdir())
    code, out, err = run("weights convert k.h5 -o out.h5")
    why = "No space left on device" if isinstance(failure, OSError) else "id"
    remedy = "make room there, or name another file"
    assert (code, out) == (1, "")
    assert err == f"jnst: error: 'out.h5' cannot be written: {why}; {remedy}\n"
    assert (tmp_path / "out.h5").read_bytes() == b"previous"
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("command", ["convert k.h5 -o out.h5", "fetch vgg19"])
def test_read_only_disk(run, tmp_path, monkeypatch, command):
    (tmp_path / "out.h5").write_bytes(b"previous")

    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    for name in ("open", "unlink", "mkdir", "replace"):
        monkeypatch.setattr(Path, name, refuse)
    code, out, err = run(f"weights {command}")
    monkeypatch.undo()
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert f"{tmp_path / 'cache' / VGG19}" in err if "fetch" in command else "'out.h5'" in err
    assert "(Read-only file system); " in err
    assert (tmp_path / "out.h5").read_bytes() == b"previous"
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ((), None),
        (("--preprocess", "caffe"), CAFFE),
        (("--preprocess", "torchvision"), TORCHVISION),
    ],
)
@pytest.mark.parametrize("command", [PICTURES, ("filters", "--kind", "vgg", "--output", "o.png")])
def test_preprocess_reaches_the_weights(tmp_path, capfd, monkeypatch, command, words, chosen):
    seen = []

    def load(*_, preprocessing, **__):
        seen.append(preprocessing)
        raise OSError("that is enough")

    for module in ("paint", "commands.filters"):
        monkeypatch.setattr(f"jnst.cli.{module}.load_weights", load)
    monkeypatch.chdir(tmp_path)
    told = Command(tmp_path, capfd)(*command, "--weights", "u.h5", *words)
    assert (told, seen) == ((1, [], ["jnst: error: that is enough"]), [chosen])


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--content a.png --style b.png --preprocess caffe", "of unknown origin: add --weights FI"),
        ("filters --kind vgg --output o.png --preprocess caffe", "of unknown origin: add --weight"),
        ("filters --output o.png --preprocess caffe", "--preprocess has no effect with --kind cl"),
        ("--content a.png --style b.png --preprocess tf", "--preprocess: invalid choice: 'tf'"),
    ],
)
def test_preprocess_out_of_place(run, words, text):
    code, _, err = run(words)
    assert (code, err.count("\n")) == (2, 1)
    assert text in err


def test_painting_with_weights_of_unknown_origin(tmp_path, capfd, monkeypatch):
    """What to type is in the message."""
    run = Command(tmp_path, capfd)
    enter_folder(monkeypatch, tmp_path)
    make_files(monkeypatch, tmp_path)
    code, out, err = run(*PICTURES, "--weights", "u.h5", "--network", "vgg16", "--quiet")
    assert (code, out, len(err)) == (1, [], 1)
    assert "unknown origin" in err[0]
    assert "--preprocess caffe or torchvision" in err[0]
    assert cli.main(["weights", "check", "u.h5", "--preprocess", "caffe"]) == 0
