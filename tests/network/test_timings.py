"""The table, what a machine of its own measures, and how that is kept."""

import json
import threading

import pytest

from jnst.network import algorithms, timings

KEY = "unheard of"


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """An unknown processor with a cache folder of its own; the precisions that were measured."""
    calls = []

    def measure(precision):
        calls.append(precision)
        return [row(seconds=1.0 + len(calls))]

    monkeypatch.delenv("JNST_PROCESSOR")
    monkeypatch.setenv("JNST_CACHE", str(tmp_path))
    monkeypatch.setattr(timings, "processor_kind", lambda: KEY)
    monkeypatch.setattr(timings, "measure", measure)
    timings._measured.cache_clear()
    yield calls
    timings._measured.cache_clear()


def row(wide=64, deep=64, side=64, seconds=1.0):
    passes = {
        direction: {"direct": [seconds, 0.1], "4": [0.5, 0.5]} for direction in timings.DIRECTIONS
    }
    return {"wide": wide, "deep": deep, "side": side, **passes}


def kept(folder):
    (path,) = (folder / "algorithms").iterdir()
    return path


def another_process():
    timings._measured.cache_clear()


def test_an_unknown_processor_is_measured_once_and_that_is_kept(measured, tmp_path):
    first = timings.rows("float32")
    assert first == timings.rows("float32") == [row(seconds=2.0)]
    another_process()
    assert timings.rows("float32") == first
    assert measured == ["float32"]
    timings.rows("bfloat16")
    assert measured == ["float32", "bfloat16"]
    assert len(list((tmp_path / "algorithms").iterdir())) == 2


def test_every_question_has_the_same_answer_without_measuring_again(measured):
    tiles = algorithms.winograd_tiles("vgg19", 512, 512, layers=["relu2_1"])
    assert tiles == {"conv1_2": (4, 4)}
    assert algorithms.share_of_direct("vgg19", 512, 512, "float32", ["relu1_2"]) == 0.25
    assert algorithms.winograd_tiles("vgg19", 512, 512, layers=["relu2_1"]) == tiles
    assert measured == ["float32"]


def test_small_pictures_need_no_measurement(measured):
    assert algorithms.winograd_tiles("vgg19", 48, 48) == {}
    assert measured == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[1, 2]",
        lambda text: text.replace(KEY, "another"),
        lambda text: text.replace('"jax": "', '"jax": "9'),
        lambda text: text.replace("0.5", "-0.5"),
        lambda text: text.replace("0.5", "NaN"),
        lambda text: text.replace("0.5", '"soon"'),
        lambda text: text.replace('"4"', '"5"'),
        lambda text: text.replace('"wide": 64', '"wide": 0'),
        lambda text: text.replace('"back"', '"black"'),
        lambda text: text.replace('"rows"', '"lines"'),
    ],
)
def test_a_damaged_or_foreign_file_is_measured_again(measured, tmp_path, damage):
    timings.rows("float32")
    path = kept(tmp_path)
    whole = path.read_text("utf-8")
    path.write_text(damage(whole), "utf-8")
    another_process()
    assert timings.rows("float32") == [row(seconds=3.0)]
    assert json.loads(path.read_text("utf-8"))["rows"] == [row(seconds=3.0)]


def test_a_folder_that_cannot_be_written_is_no_error(measured, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JNST_CACHE", str(tmp_path / "file"))
    assert timings.rows("float32") == timings.rows("float32")
    assert measured == ["float32"]


def test_threads_wait_for_one_measurement(measured):
    threads = [threading.Thread(target=timings.rows, args=("float32",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert measured == ["float32"]


def test_large_pages_and_cores_are_measured_for_themselves(measured, monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
    large = timings._circumstances("float32")
    monkeypatch.delenv("GLIBC_TUNABLES")
    small = timings._circumstances("float32")
    assert (large.pop("pages"), small.pop("pages")) == ("large", "small")
    assert large == small
    assert large["cores"] > 0


def test_the_environment_names_a_kind_of_the_table_or_none(measured, monkeypatch):
    monkeypatch.setenv("JNST_PROCESSOR", "x86_64 AuthenticAMD avx2")
    assert len(timings.rows("float32")) > 20
    monkeypatch.setenv("JNST_PROCESSOR", "direct")
    assert algorithms.winograd_tiles("vgg19", 512, 512) == {}
    monkeypatch.setenv("JNST_PROCESSOR", "pdp-11")
    names = r"'pdp-11': the table knows 'x86_64 AuthenticAMD avx2'.*'direct'"
    with pytest.raises(ValueError, match=names):
        timings.rows("float32")
    assert measured == []
