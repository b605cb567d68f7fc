"""A folder with two small pictures, and the command run in it; for the tests of the command."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jnst import cli

PICTURES = ("--content", "cat.png", "--style", "night.png")
TINY = ["--size", "32", "--scales", "1", "--steps", "3"]
TINY += ["--content-layers", "relu2_2", "--style-layers", "relu1_1", "relu2_1"]


class Command:
    """The command, in a current folder with cat.png, 48x32, and night.png, 40x40."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capfd = folder, capfd
        rng = np.random.default_rng(1)
        for name, shape in (("cat.png", (32, 48, 3)), ("night.png", (40, 40, 3))):
            Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(folder / name)

    def __call__(self, *words: str) -> tuple[int, list[str], list[str]]:
        """Exit code, lines of standard output, lines of standard error."""
        code = cli.main(words)
        seen = self._capfd.readouterr()
        return code, seen.out.splitlines(), seen.err.splitlines()

    def files(self, known: Sequence[str] = ("cat.png", "night.png")) -> set[str]:
        """All files and folders but the known."""
        found = {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}
        return found - set(known)
