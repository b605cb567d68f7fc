"""Strict settings for every test, and the command in a folder of its own."""

import os
import signal
from pathlib import Path

import jax
import pytest
from command import Command

import jnst

# Checked by mypy, not run.
collect_ignore = ["typing/strict_user_script.py"]

# No silent broadcasting between arrays of different rank.
jax.config.update("jax_numpy_rank_promotion", "raise")

# What the tests compile is not the user's: nothing of it goes into the cache in the home folder.
os.environ["JNST_COMPILATION_CACHE"] = "0"

# The convolutions are chosen by the table of one kind of processor, wherever the tests run: nothing
# is measured.
os.environ["JNST_PROCESSOR"] = "x86_64 AuthenticAMD avx2"

# Most programs of the tests run once: optimising them took a sixth of all the time, and what the
# newer emitters of loops write takes LLVM twice as long where nothing is optimised. A flag that XLA
# does not know ends the process: whether later versions know the second one was not tried.
_PLAIN = ["--xla_backend_optimization_level=0"]
if jax.__version_info__ < (0, 11):
    _PLAIN.append("--xla_cpu_use_fusion_emitters=false")
_GIVEN = os.environ.get("XLA_FLAGS", "").split()
os.environ["XLA_FLAGS"] = " ".join([*_GIVEN, *(flag for flag in _PLAIN if flag not in _GIVEN)])

# Whoever starts the tests with nohup or in the background has them ignore these signals, and every
# program that the tests start and stop would ignore them too.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def params() -> jnst.Params:
    """The embedded VGG-16."""
    return jnst.load_weights("vgg16")


@pytest.fixture
def run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """The command, run in a new folder with two small pictures."""
    monkeypatch.chdir(tmp_path)
    return Command(tmp_path, capfd)
