"""Compiled programs on disk: kept for their owner alone, used again, and never in the way."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from command import PICTURES, TINY, Command

from jnst.cli import compilation_cache
from jnst.images import read_image

ROOT = Path(__file__).parents[2]
# Says what was compiled and what was found on disk, after the command's own lines.
COUNTING = """
import sys, jax
seen = []
jax.monitoring.register_event_listener(lambda name, **_: seen.append(name.rsplit("/")[-1]))
from jnst.cli import main
code = main(sys.argv[1:])
print(seen.count("cache_hits"), seen.count("cache_misses"))
sys.exit(code)
"""


@pytest.fixture
def switched_on(tmp_path, monkeypatch):
    """The folder of compiled programs, before anything is there; JAX's settings come back."""
    monkeypatch.delenv("JNST_COMPILATION_CACHE")
    monkeypatch.setenv("JNST_CACHE", str(tmp_path / "cache"))
    names = ("dir", "max_size")
    before = {f"jax_compilation_cache_{n}": jax.config.values[f"jax_compilation_cache_{n}"]
              for n in names}  # fmt: skip
    before["jax_persistent_cache_min_compile_time_secs"] = 1.0
    yield tmp_path / "cache" / "compiled"
    for name, value in before.items():
        jax.config.update(name, value)


def paint(run: Command, *words: str) -> tuple[int, list[str], list[str]]:
    """The command in a process of its own: its code, standard output and standard error."""
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, *PICTURES, *TINY, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), "JNST_CACHE": str(run.folder / "cache"),
             "JNST_COMPILATION_CACHE": "1"},
        cwd=run.folder,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def test_the_folder_is_this_users_alone(switched_on):
    assert compilation_cache.turn_on() == ""
    (inner,) = switched_on.iterdir()
    assert jax.config.jax_compilation_cache_dir == str(inner)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (switched_on, inner)} == {0o700}


def test_a_folder_open_to_others_is_closed(switched_on):
    switched_on.mkdir(parents=True, mode=0o777)
    switched_on.chmod(0o777)
    assert compilation_cache.turn_on() == ""
    assert stat.S_IMODE(switched_on.stat().st_mode) == 0o700


def test_it_is_off_where_somebody_says_so(switched_on, monkeypatch):
    monkeypatch.setenv("JNST_COMPILATION_CACHE", "0")
    assert compilation_cache.turn_on() == ""
    assert jax.config.jax_compilation_cache_dir is None
    assert not switched_on.exists()


def test_a_folder_that_jax_was_given_stays(switched_on, tmp_path):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    assert compilation_cache.turn_on() == ""
    assert jax.config.jax_compilation_cache_dir == str(tmp_path)
    assert not switched_on.exists()


def refused(folder, words):
    text = compilation_cache.turn_on()
    assert text.startswith(f"compiled programs are not kept: {folder}")
    assert words in text
    assert jax.config.jax_compilation_cache_dir is None


def test_a_link_is_refused_wherever_it_leads(switched_on, tmp_path):
    switched_on.parent.mkdir()
    (tmp_path / "elsewhere").mkdir()
    switched_on.symlink_to(tmp_path / "elsewhere")
    refused(switched_on, "not a folder: remove it")


def test_a_file_in_its_place_is_refused(switched_on):
    switched_on.parent.mkdir()
    switched_on.write_text("")
    refused(switched_on, "not a folder: remove it")


def test_another_users_folder_is_refused(switched_on, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    refused(switched_on, "belongs to another user")


def test_a_cache_folder_that_cannot_be_made_is_told(switched_on):
    switched_on.parent.write_text("")
    refused(switched_on.parent, "exists")


def test_a_folder_that_cannot_be_written_is_told(switched_on, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    refused(switched_on, "nothing can be written there")


def test_other_warnings_are_not_its_business():
    assert not compilation_cache.took_care_of(UserWarning("the sky is falling"))


@pytest.mark.slow
def test_the_second_run_compiles_nothing_and_paints_the_same(run):
    code, out, err = paint(run, "--output", "a.png")
    assert (code, len(err)) == (0, 4), err
    hits, misses = map(int, out[-1].split())
    assert misses > 5
    code, out, err = paint(run, "--output", "b.png")
    assert (code, len(err)) == (0, 4), err
    assert out[-1] == f"{hits + misses} 0"
    assert (read_image("a.png").pixels == read_image("b.png").pixels).all()


@pytest.mark.slow
def test_damaged_programs_are_compiled_again_and_replaced(run):
    assert paint(run)[0] == 0
    kept = sorted((run.folder / "cache").rglob("*-cache"))
    for number, path in enumerate(kept):
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] if number % 2 else b"")
    code, _, err = paint(run)
    assert (code, len(err)) == (0, 4), err
    assert paint(run)[1][-1].split()[1] == "0"


def test_no_folder_is_only_a_note(run, monkeypatch):
    (run.folder / "cache").write_text("")
    monkeypatch.setenv("JNST_CACHE", str(run.folder / "cache"))
    monkeypatch.delenv("JNST_COMPILATION_CACHE")
    code, _, err = run(*PICTURES, *TINY)
    assert code == 0
    assert err[0].startswith("jnst: note: compiled programs are not kept: ")
    code, _, err = run(*PICTURES, *TINY, "--quiet")
    assert (code, err) == (0, [])
