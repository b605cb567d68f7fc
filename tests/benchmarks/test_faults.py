"""Disks that are full, closed or gone: each case of benchmarks/faults.py, as its table says."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
import faults  # noqa: E402

sys.path.remove(str(BENCHMARKS))

FULL, READ_ONLY = "No space left on device", "Read-only file system"
# Exit code, where the painting is, the last checkpoint, and some words of the last lines.
EXPECTED = {
    "disk full after the first step": (1, "tmp", 1, [f"out.png' cannot be written: {FULL}"]),
    "disk turns read-only after the first step": (
        *(1, "tmp", 1),
        [f"out.png' cannot be written: {READ_ONLY}; the painting is"],
    ),
    "files may not grow beyond 1 kB": (
        *(1, None, None),
        ["error: the painting is lost: '", "out.png' cannot be written: File too large, and '"],
    ),
    "folder vanishes after the first step": (1, "tmp", 1, ["warning: no checkpoint at step 2: "]),
    "disk read-only from the start": (1, None, None, ["no file can be made in", READ_ONLY]),
    "file of that name marked read-only": (1, None, None, ["out.png' is marked read-only"]),
    "folder does not exist": (1, None, None, ["no' does not exist; make it first"]),
    "output is the content": (2, None, None, ["--output would overwrite --content, cat.png"]),
    "output is a link to the content": (2, None, None, ["--output would overwrite --content"]),
    "output is a second name of the content": (2, None, None, ["would overwrite --content"]),
    "output is a link to elsewhere": (0, "disk", 4, []),
    "output is a device": (2, None, None, ["'/dev/full' has no known ending"]),
    "spaces and other letters in the path": (0, "disk", 4, []),
}


@pytest.fixture(scope="module")
def mounts() -> bool:
    return bool(faults.can_mount())


def test_every_case_is_here() -> None:
    assert isinstance(faults, ModuleType)
    assert EXPECTED.keys() == faults.CASES.keys()


@pytest.mark.skipif(sys.platform != "linux", reason="file systems as Linux has them")
@pytest.mark.parametrize("name", faults.CASES)
def test_what_happened(name: str, mounts: bool, tmp_path: Path) -> None:
    case = faults.CASES[name]
    if case.root and not mounts:
        pytest.skip("this takes the right to mount")
    outcome = faults.observe(case, tmp_path)
    code, folder, checkpoint, words = EXPECTED[name]
    assert outcome.code == code, outcome.err
    assert outcome.litter == []
    assert outcome.checkpoint == checkpoint
    if folder is None:
        assert outcome.painting is None
        assert list((tmp_path / "tmp").iterdir()) == []
    else:
        assert outcome.painting is not None
        assert outcome.painting.is_relative_to(tmp_path / folder)
    told = "\n".join(outcome.err)
    assert all(line.startswith("jnst: ") for line in outcome.err)
    for word in words:
        assert word in told
