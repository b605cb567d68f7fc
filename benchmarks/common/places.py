"""Folders of the repository that the benchmarks read and write."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
RESULTS = BENCHMARKS / "results"
PICTURES = ROOT / "examples" / "images"
