"""The benchmark of the start: its table, and one trial of it with small pictures."""

import json
import subprocess
import sys

import pytest
from scripts import ROOT, load


def test_the_table_has_a_line_for_each_case():
    startup = load("startup")
    row = {"case": "one scale", "state": "warm", "first step": 3.456}
    row |= dict.fromkeys(startup.STAGES, 0.25)
    last = startup.table([row], 256).splitlines()[-1]
    assert last == "| one scale, warm | 3.46 | 4 |" + " 0.25 |" * len(startup.STAGES)


@pytest.mark.slow
def test_a_trial_finds_the_second_run_quicker_than_the_first(tmp_path):
    done = subprocess.run(
        [sys.executable, "benchmarks/startup.py", "--size", "64", "--repeats", "1",
         "--cases", "one scale", "--results", tmp_path],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    rows = json.loads((tmp_path / "startup.json").read_text())["rows"]
    assert [(r["case"], r["state"]) for r in rows] == [("one scale", "cold"), ("one scale", "warm")]
    cold, warm = rows
    assert warm["compile"] < cold["compile"]
    assert 0 < warm["import"] < warm["announced"] < warm["first step"]
    assert done.returncode == (0 if all(row["met"] for row in rows) else 1)
    assert "| one scale, cold |" in (tmp_path / "startup.md").read_text()
