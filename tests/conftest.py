"""Strict settings for every test, and the command in a folder of its own."""

from pathlib import Path

import jax
import pytest
from command import Command

# No silent broadcasting between arrays of different rank.
jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture
def run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """The command, run in a new folder with two small pictures."""
    monkeypatch.chdir(tmp_path)
    return Command(tmp_path, capfd)
