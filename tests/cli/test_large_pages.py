"""That the program begins once more with large pages, where it should and nowhere else."""

import os
import sys

import pytest

from jnst import __main__ as program


@pytest.fixture
def started(monkeypatch):
    """What would be executed instead, and with which setting."""
    calls = []
    monkeypatch.setattr(
        os, "execv", lambda *call: calls.append((*call, os.environ.get("GLIBC_TUNABLES")))
    )
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "orig_argv", ["python", "-X", "dev", "cli.py", "--size", "9"])
    # Set and removed: whatever the test does to it is undone.
    monkeypatch.setenv("GLIBC_TUNABLES", "")
    monkeypatch.delenv("GLIBC_TUNABLES")
    monkeypatch.delenv("JNST_LARGE_PAGES", raising=False)
    return calls


def test_the_same_command_again(started):
    program.begin_with_large_pages()
    words = [sys.executable, "-X", "dev", "cli.py", "--size", "9"]
    assert started == [(sys.executable, words, "glibc.malloc.hugetlb=1")]
    program.begin_with_large_pages()
    assert len(started) == 1


@pytest.mark.parametrize(
    ("name", "value"), [("GLIBC_TUNABLES", "glibc.malloc.check=1"), ("JNST_LARGE_PAGES", "0")]
)
def test_who_has_chosen_is_left_alone(started, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    program.begin_with_large_pages()
    assert started == []


def test_other_systems_are_left_alone(started, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    program.begin_with_large_pages()
    assert started == []
