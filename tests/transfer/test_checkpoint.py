"""The file of a checkpoint: what it holds, what damage does to it, and that one is always left."""

import contextlib
import hashlib
import json
import os
from dataclasses import replace

import h5py
import jax.numpy as jnp
import numpy as np
import pytest

import jnst
from jnst.losses import Losses
from jnst.transfer import Checkpoint
from jnst.transfer import checkpoint as module
from jnst.transfer.checkpoint import fingerprint, is_whole, previous_path

RNG = np.random.default_rng(3)


def make(step=7, **fields):
    rows = RNG.random((4, step), np.float32)
    rows[0, 1:2] = np.inf
    state = {
        "point": RNG.random((5, 6, 3), np.float32),
        "inner.search.bracketed": np.bool_(True),
        "inner.stored": np.int32(-3),
    }
    whole = Checkpoint(
        config=jnst.Config(size=99, scales=(0.5, 1.0), style_layers=("relu1_1",)),
        inputs={"content": "ab", "style 1": "cd"},
        scale=2,
        step=step,
        state={name: np.asarray(value) for name, value in state.items()},
        losses=Losses(*rows),
        made_by={"jnst": "0.1"},
        notes={"words": json.dumps(["--content", "hübsch ☃.png"])},
    )
    return replace(whole, **fields)


def assert_same(one, other):
    assert one.state.keys() == other.state.keys()
    for name, array in one.state.items():
        assert other.state[name].dtype == array.dtype
        np.testing.assert_array_equal(other.state[name], array)
    for here, there in zip(one.losses, other.losses, strict=True):
        np.testing.assert_array_equal(here, there)
    for name in ("config", "inputs", "scale", "step", "made_by", "notes"):
        assert getattr(one, name) == getattr(other, name)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run 1.ckpt"


def names(path):
    return sorted(found.name for found in path.parent.iterdir())


def test_what_is_saved_is_loaded(path):
    saved = make()
    jnst.save_checkpoint(path, saved)
    assert_same(jnst.load_checkpoint(path), saved)
    assert names(path) == ["run 1.ckpt"]
    # Any HDF5 program reads it, and sha256sum agrees once the first 512 bytes are off.
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["state/point"][()], saved.state["point"])
    data = path.read_bytes()
    digest = hashlib.sha256(data[512:]).hexdigest()
    assert data[:512].rstrip(b"\0") == f"jnst checkpoint 2\nsha256 {digest}\n".encode()


def test_the_last_two_are_kept(path):
    saved = [make(step) for step in (1, 2, 3)]
    for checkpoint in saved:
        jnst.save_checkpoint(path, checkpoint)
    assert names(path) == ["run 1.ckpt", "run 1.ckpt.previous"]
    assert_same(jnst.load_checkpoint(path), saved[2])
    assert_same(jnst.load_checkpoint(previous_path(path)), saved[1])


def test_a_damaged_one_does_not_push_out_the_one_before(path):
    for step in (1, 2):
        jnst.save_checkpoint(path, make(step))
    path.write_bytes(path.read_bytes()[:-1])
    assert not is_whole(path)
    jnst.save_checkpoint(path, make(3), keep_previous=False)
    assert is_whole(path)
    assert jnst.load_checkpoint(previous_path(path)).step == 1


def damaged(data, kind):
    if kind == "cut short":
        return data[: len(data) // 2]
    if kind == "empty":
        return b""
    if kind == "longer":
        return data + b"\0"
    if kind == "zeros":
        return data[:4096] + bytes(len(data) - 4096)
    place = {"in the head": 3, "in the hash": 40, "behind the hash": 200}.get(kind)
    place = int(kind) % len(data) if place is None else place
    return data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :]


PLACES = [str(place) for place in RNG.integers(512, 10**6, 20)]
KINDS = ["cut short", "empty", "longer", "zeros", "in the head", "in the hash", "behind the hash"]


@pytest.mark.parametrize("kind", [*KINDS, *PLACES])
def test_damage_falls_back_to_the_one_before(path, kind):
    older = make(1)
    jnst.save_checkpoint(path, older)
    jnst.save_checkpoint(path, make(2))
    path.write_bytes(damaged(path.read_bytes(), kind))
    with pytest.warns(UserWarning, match=r"ckpt is .*damaged.*; going on from .*previous, step 1$"):
        found = jnst.load_checkpoint(path)
    assert_same(found, older)
    previous_path(path).write_bytes(damaged(previous_path(path).read_bytes(), kind))
    with pytest.raises(ValueError, match=r"1.ckpt is .*damaged.*; and .*previous is .*damaged"):
        jnst.load_checkpoint(path)
    previous_path(path).unlink()
    with pytest.raises(ValueError, match=r"run 1.ckpt is .*damaged"):
        jnst.load_checkpoint(path)


def mutated(data, rng):
    """One of five kinds of damage, at a random place."""
    place, size = int(rng.integers(len(data))), int(rng.integers(1, 64))
    noise = rng.bytes(size)
    return [
        data[:place],
        data[:place] + noise + data[place:],
        data[:place] + data[place + size :],
        data[:place] + noise + data[place + size :],
        data[:place] + bytes([data[place] ^ (1 << int(rng.integers(8)))]) + data[place + 1 :],
    ][int(rng.integers(5))]


def test_200_mutated_files_are_all_refused(path):
    jnst.save_checkpoint(path, make())
    data = path.read_bytes()
    rng = np.random.default_rng(11)
    for _ in range(200):
        path.write_bytes(mutated(data, rng))
        with pytest.raises(ValueError, match=r"run 1.ckpt is "):
            jnst.load_checkpoint(path)
    assert names(path) == ["run 1.ckpt"]


def test_mutated_content_behind_a_right_checksum_ends_in_an_error_or_a_run(path):
    """What HDF5 itself makes of damage, as if the checksum had been forged."""
    saved = make()
    jnst.save_checkpoint(path, saved)
    data = path.read_bytes()
    rng = np.random.default_rng(12)
    for _ in range(60):
        about = data.index(b'{"config"')
        place = int(rng.integers(about, about + 900))
        bad = data[:place] + rng.bytes(1) + data[place + 1 :]
        digest = hashlib.sha256(bad[512:]).hexdigest().encode()
        path.write_bytes(module._KIND + digest + bad[len(module._KIND) + 64 :])
        with contextlib.suppress(ValueError):
            assert jnst.load_checkpoint(path).state.keys() == saved.state.keys()


def test_a_kill_between_two_renames_leaves_the_one_before(path):
    jnst.save_checkpoint(path, make(1))
    path.rename(previous_path(path))
    with pytest.warns(UserWarning, match=r"ckpt does not exist; going on from .*previous, step 1"):
        assert jnst.load_checkpoint(path).step == 1
    previous_path(path).unlink()
    with pytest.raises(FileNotFoundError, match=r"run 1.ckpt does not exist$"):
        jnst.load_checkpoint(path)


def test_other_files_are_no_checkpoints(path, tmp_path):
    path.write_text("I am no checkpoint.")
    with pytest.raises(ValueError, match="is not a checkpoint of this version of jnst, or is dam"):
        jnst.load_checkpoint(path)
    with pytest.raises(ValueError, match="is not a file"):
        jnst.load_checkpoint(tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="pipe' is a pipe, not a file: save its content in a file"):
        jnst.load_checkpoint(pipe)


def sealed(path, change):
    """A file whose checksum is right, though its content is not."""
    with h5py.File(path, "r+") as file:
        change(file)
    data = path.read_bytes()
    digest = hashlib.sha256(data[512:]).hexdigest().encode()
    path.write_bytes(module._KIND + digest + data[len(module._KIND) + 64 :])


def without(name):
    def change(file):
        del file[name]

    return change


def with_about(text):
    def change(file):
        del file["about"]
        file["about"] = np.frombuffer(text.encode(), np.uint8)

    return change


def of_another_kind(name, value):
    def change(file):
        del file[name]
        file[name] = value

    return change


def much_from_nothing(file):
    """A terabyte of zeros, none of which is in the file."""
    file.create_dataset("state/large", (10**6, 10**6), np.uint8, chunks=(1000, 1000))


@pytest.mark.parametrize(
    "change",
    [
        without("about"),
        of_another_kind("about", "{}"),
        of_another_kind("losses/tv", ["a", "b"]),
        much_from_nothing,
        without("state"),
        without("losses/tv"),
        with_about("{"),
        with_about("[]"),
        with_about("{}"),
        with_about('{"config": {"size": -1}}'),
        with_about('{"config": {"colour": 1}}'),
    ],
)
def test_strange_content_is_refused(path, change):
    jnst.save_checkpoint(path, make())
    sealed(path, change)
    with pytest.raises(ValueError, match=r"run 1.ckpt is a checkpoint that cannot be used: "):
        jnst.load_checkpoint(path)


def test_no_room_for_links(path, monkeypatch):
    """On file systems without hard links the last file is renamed."""

    def refuse(*_):
        raise OSError("not here")

    monkeypatch.setattr(module.Path, "hardlink_to", refuse)
    for step in (1, 2, 3):
        jnst.save_checkpoint(path, make(step))
    assert names(path) == ["run 1.ckpt", "run 1.ckpt.previous"]
    assert jnst.load_checkpoint(path).step == 3
    assert jnst.load_checkpoint(previous_path(path)).step == 2


def test_a_link_stays_a_link(path, tmp_path):
    (tmp_path / "real").mkdir()
    path.symlink_to(tmp_path / "real" / "it.ckpt")
    for step in (1, 2):
        jnst.save_checkpoint(path, make(step))
    assert path.is_symlink()
    assert jnst.load_checkpoint(tmp_path / "real" / "it.ckpt").step == 2
    assert jnst.load_checkpoint(tmp_path / "real" / "it.ckpt.previous").step == 1


@pytest.mark.parametrize("limit", [3_000, 30_000, 300_000])
def test_a_full_disk_leaves_the_last_one(path, limit):
    """A limit on the size of files stands in for the disk; Python ignores its signal."""
    resource = pytest.importorskip("resource")
    saved = make(1)
    jnst.save_checkpoint(path, saved)
    big = make(2, state={"point": RNG.random((400, 400, 3), np.float32)})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(OSError, match=r"run 1.ckpt' cannot be written: File too large$"):
            jnst.save_checkpoint(path, big)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names(path) == ["run 1.ckpt"]
    assert_same(jnst.load_checkpoint(path), saved)


def test_fingerprints_tell_shape_type_and_content_apart():
    values = np.arange(6.0, dtype=np.float32)
    kinds = [values, values.reshape(2, 3), values.astype(np.float64), values + 1, values[::-1]]
    assert len({fingerprint(kind) for kind in kinds}) == len(kinds)
    assert fingerprint(values.reshape(3, 2).T) == fingerprint(values.reshape(3, 2).T.copy())
    assert fingerprint(jnp.asarray(values)) == fingerprint(values)
