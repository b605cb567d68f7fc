"""The wheel carries the network, and finds it where it is installed."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

SCRIPT = """
import jnst, jnst.network.weights
params = jnst.load_weights("vgg16")
print(jnst.__file__)
print(jnst.find_weights("vgg16"))
print(params.network, params.layers["conv5_3"]["kernel"].shape)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (path,) = folder.glob("jnst-*.whl")
    return path


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_the_network_alone(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        embedded = archive.read("jnst/_weights/vgg16.h5")
    assert embedded == (ROOT / "weights" / "vgg16.h5").read_bytes()
    assert {"jnst/py.typed", "jnst/_weights/manifest.toml", "jnst/network/algorithms.json"} <= names
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "jnst").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == modules
    assert all(name.startswith(("jnst/", "jnst-")) for name in names)


@pytest.mark.slow
def test_an_installed_wheel_loads_its_network_and_runs(wheel, tmp_path):
    target = tmp_path / "site"
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
    subprocess.run([sys.executable, *install, str(target), str(wheel)], check=True, timeout=120)
    # The folder in front hides the working copy; the dependencies are this environment's.
    environment = os.environ | {"PYTHONPATH": str(target)}

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    module, weights, network = run("-c", SCRIPT).splitlines()
    assert Path(module).is_relative_to(target)
    assert Path(weights) == target / "jnst" / "_weights" / "vgg16.h5"
    assert network == "vgg16 (3, 3, 512, 512)"
    assert run(str(target / "bin" / "jnst"), "--version").startswith("jnst 0.")
