"""The types that a user's strict type checker sees."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def test_a_users_script_is_strictly_typed(tmp_path):
    pytest.importorskip("mypy", reason="mypy is not installed (the dependency group lint)")
    script = ROOT / "tests" / "typing" / "strict_user_script.py"
    options = ["--strict", "--follow-imports", "silent", "--cache-dir", str(tmp_path)]
    command = [sys.executable, "-m", "mypy", "--config-file=", *options, str(script)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
