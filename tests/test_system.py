"""The kind of processor; the devices that JAX has, and those that it was told to use."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from command import PICTURES, TINY, Command

from jnst import load_weights
from jnst.system import check_device, processor_kind

ROOT = Path(__file__).parents[1]
TOLD = "JAX finds no device for JAX_PLATFORMS=abacus: unset it, or install JAX for that device"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("vendor_id\t: GenuineIntel\nflags\t: fpu avx2 avx512f amx_bf16", "GenuineIntel amx_bf16"),
        ("vendor_id\t: AuthenticAMD\nflags\t: fpu avx2", "AuthenticAMD avx2"),
        ("Features\t: fp asimd", ""),
        (None, ""),
    ],
)
def test_kind_of_the_processor(
    monkeypatch: pytest.MonkeyPatch, text: str | None, kind: str
) -> None:
    def read(*_: object) -> str:
        if text is None:
            raise FileNotFoundError
        return text

    monkeypatch.setattr(Path, "read_text", read)
    assert processor_kind.__wrapped__() == f"{platform.machine()} {kind}".rstrip()


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        [*PICTURES, *TINY],
        ["filters", "--image", "cat.png", "--output", "f.png"],
        ["filters", "--kind", "vgg", "--output", "f.png"],
    ],
)
def test_a_device_that_is_not_there_is_told_in_a_line(run: Command, words: list[str]) -> None:
    found = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *words],
        env=os.environ | {"JAX_PLATFORMS": "abacus"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    (line,) = found.stderr.splitlines()
    assert line.startswith(f"jnst: error: {TOLD} (pip install 'jnst[cuda]'")
    assert run.files() == set()


# JAX's error for a name that it does not know, and for CUDA without its plug-in.
@pytest.mark.parametrize("error", [RuntimeError("Unable to initialize"), AssertionError()])
def test_from_python_too(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse() -> None:
        raise error

    monkeypatch.setattr(jax, "devices", refuse)
    with pytest.raises(OSError, match=f"JAX finds no device: {error}"):
        check_device()
    monkeypatch.setattr(type(jax.config), "jax_platforms", "abacus")
    with pytest.raises(OSError, match=TOLD):
        load_weights("vgg16")
