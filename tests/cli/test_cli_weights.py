"""`jnst weights` through the command itself: what it prints, its exit codes, what it refuses."""

import hashlib
from dataclasses import replace

import h5py
import numpy as np
import pytest
from small_vgg import family_layers, keras_file
from weight_files import VGG19, enter_folder, make_files, runner
from weight_server import Server

from jnst.cli.commands import weights as cli_weights
from jnst.cli.commands import weights_report
from jnst.network import manifest, weights
from jnst.network.formats import read_weight_file, write_native
from jnst.network.preprocessing import CAFFE, TORCHVISION


@pytest.fixture(autouse=True)
def _folder(monkeypatch, tmp_path):
    enter_folder(monkeypatch, tmp_path)


@pytest.fixture
def run(capfd):
    return runner(capfd)


@pytest.fixture
def small(monkeypatch, tmp_path):
    make_files(monkeypatch, tmp_path)


@pytest.fixture
def server(small, monkeypatch, tmp_path):
    """Serves a small VGG-19 in place of the real one; `from_path` says how."""
    content = keras_file(tmp_path / "real.h5", family_layers("caffe", "vgg19")).read_bytes()
    listed = manifest.known_files()

    def from_path(path):
        digest = hashlib.md5(content).hexdigest()
        changes = {"urls": (server.url(path),), "md5": digest, "size": len(content)}
        files = tuple(replace(f, **changes) if f.download else f for f in listed)
        for module in (manifest, weights, weights_report, cli_weights):
            monkeypatch.setattr(module, "known_files", lambda: files)

    with Server(content) as server:
        server.from_path = from_path
        yield server


def test_list(run, tmp_path):
    code, out, err = run("weights list")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    for known in manifest.known_files():
        (line,) = (one for one in lines if one.startswith(f"{known.name}  "))
        assert known.licence in line
        assert known.size is None or f"{known.size / 1e6:.0f}" in line.split()
    assert f"{manifest.weights_folder() / 'vgg16.h5'}" in lines[1]
    assert lines[2].endswith("no; jnst weights fetch vgg19")
    assert lines[-1].startswith(f"Fetched files are kept in {tmp_path / 'cache'} (JNST_CACHE")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [(VGG19, f"{VGG19}, damaged: 5 bytes"), (f".{VGG19}.part", "no; 0.0 MB have come; jnst wei")],
)
def test_list_tells_what_is_not_whole(run, tmp_path, name, said):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / name).write_bytes(b"12345")
    assert said in run("weights list")[1].splitlines()[2]


def test_fetch_list_check_load(run, server, tmp_path):
    server.from_path("cut,login,page")
    code, out, err = run("weights fetch vgg19 --quiet")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "sent a web page of 127.0.0.1" in err
    assert "goes on from there" in err
    server.from_path("good")
    code, out, err = run("weights fetch vgg19")
    path = tmp_path / "cache" / VGG19
    assert (code, out.strip()) == (0, str(path))
    assert "weights: 100%" in err
    assert server.seen[-1] == ("/good", "bytes=16384-")  # after one chunk
    assert run("weights list")[1].splitlines()[2].endswith(f"  {path}")
    code, out, err = run(f"weights check {path}")
    assert (code, err) == (0, "")
    assert f"known as   {VGG19}: caffe vgg19, CC BY 4.0" in out
    assert weights.load_weights("vgg19").preprocessing == CAFFE
    path.write_bytes(server.content[:-1])
    code, out, err = run(f"weights check {path}")
    assert code == 1
    assert "is not the file it should be" in err
    assert run("weights fetch vgg19 --quiet") == (0, f"{path}\n", "")


def test_fetch_without_a_network(run, monkeypatch, tmp_path):
    def no_network(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("socket.getaddrinfo", no_network)
    code, out, err = run("weights fetch vgg19")
    (known,) = (f for f in manifest.known_files() if f.download)
    assert (code, out, err.count("\n")) == (1, "", 1)
    for part in (known.urls[0], known.md5, str(tmp_path / "cache" / VGG19), "80 MB", "cannot be"):
        assert part in err


def test_fetch_of_what_comes_with_jnst(run):
    assert run("weights fetch vgg16") == (0, f"{weights.find_weights('vgg16')}\n", "")


def test_check_of_the_embedded_file(run):
    """Each number of the table against NumPy over the datasets themselves."""
    path = weights.find_weights("vgg16")
    code, out, err = run(f"weights check {path}")
    assert (code, err) == (0, "")
    assert f"sha256     {hashlib.sha256(path.read_bytes()).hexdigest()}" in out
    assert out.splitlines()[-3:] == [
        "family     caffe, by the first convolution",
        "input      B, G, R from 0 to 255, less 103.939, 116.779, 123.68",
        "It loads.",
    ]
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if "x3x" in line}
    with h5py.File(path) as file:
        assert list(rows) == sorted(file)
        for name, (shape, *numbers) in rows.items():
            kernel, bias = (file[name][part][()].astype(np.float64) for part in ("kernel", "bias"))
            assert shape == "x".join(map(str, kernel.shape))
            expected = [
                f(v) for v in (kernel, bias) for f in (lambda v: v.flat[0], np.mean, np.std)
            ]
            np.testing.assert_allclose(np.array(numbers, float), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ("k.h5", 0, "R, G, B from 0 to 1, less 0.485, 0.456, 0.406, divided by 0.229, 0.224, 0.2"),
        ("n.h5", 0, "known as   none of the published files"),
        ("k.h5 --preprocess torchvision", 0, "family     torchvision, by the first convolution"),
        ("u.h5 --preprocess caffe", 0, "family     unknown\ninput      B, G, R from 0 to 255"),
        ("u.h5", 1, "u.h5: these weights are of unknown origin, .* --preprocess caffe or"),
        ("k.h5 --preprocess caffe", 1, "you chose input BGR .*; leave the choice out"),
        ("liar.h5", 1, "the file declares input RGB .* convert the original again"),
        ("cut.h5", 1, "cut.h5 is damaged or cut short .*; fetch it again"),
        ("page.h5", 1, "page.h5 is not a weight file that jnst reads"),
        ("folder", 1, "folder is a folder; name a weight file in it"),
        ("none.h5", 1, "there is no weight file none.h5"),
    ],
)
def test_check_agrees_with_load(run, small, words, code, text):
    found, out, err = run(f"weights check {words}")
    assert found == code
    name, *choice = words.split()
    chosen = {"caffe": CAFFE, "torchvision": TORCHVISION}.get(choice[-1] if choice else "")
    if code == 0:
        assert (err, out.splitlines()[-1]) == ("", "It loads.")
        assert text in out
        weights.load_weights(name, preprocessing=chosen)
        return
    assert "It loads" not in out
    assert err.count("\n") == 1
    with pytest.raises((OSError, ValueError), match=text) as error:
        weights.load_weights(name, preprocessing=chosen)
    assert err == f"jnst: error: {' '.join(str(error.value).split())}\n"


def test_check_gives_a_file_no_power_over_the_terminal(run, small, tmp_path):
    layers, notes = family_layers("caffe", "vgg16"), {"source": "\x1b[2Jfake\nIt loads."}
    write_native(tmp_path / "a.h5", layers, "vgg16", CAFFE, notes=notes)
    out = run("weights check a.h5")[1]
    assert "source     ?[2Jfake It loads.\n" in out
    assert "\x1b" not in out


def test_check_names_the_file_whatever_it_is_called(run, tmp_path):
    copy = tmp_path / "renamed.bin"
    copy.write_bytes(weights.find_weights("vgg16").read_bytes())
    code, out, _ = run("weights check renamed.bin")
    assert code == 0
    assert "known as   vgg16.h5: caffe vgg16, CC BY 4.0" in out


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_convert(run, small, tmp_path, dtype):
    (tmp_path / "out.h5").write_bytes(b"an older file")
    assert run(f"weights convert k.h5 -o out.h5 --dtype {dtype}") == (0, "out.h5\n", "")
    made, source = read_weight_file(tmp_path / "out.h5"), read_weight_file(tmp_path / "k.h5")
    assert (made.network, made.preprocessing) == ("vgg19", TORCHVISION)
    for name, layer in source.layers.items():
        rounded = layer["kernel"].astype(dtype).astype(np.float32)
        np.testing.assert_array_equal(made.layers[name]["kernel"], rounded)
        np.testing.assert_array_equal(made.layers[name]["bias"], layer["bias"])
    with h5py.File("out.h5") as file:
        assert file["conv1_1/kernel"].dtype == dtype
    assert run("weights check out.h5")[0] == 0


def test_convert_of_unknown_weights_binds_the_input_that_is_named(run, small):
    assert run("weights convert u.h5 -o out.h5 --preprocess torchvision")[0] == 0
    assert weights.load_weights("out.h5").preprocessing == TORCHVISION


@pytest.mark.parametrize("verb", ["", "list", "fetch", "convert", "check"])
def test_help(run, verb):
    code, out, _ = run(f"weights {verb} --help")
    assert code == 0
    assert out.startswith(f"usage: jnst weights {verb}".rstrip())
