"""One painting on several devices or by several processes is the same; who is lost is told."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time

import jax
import numpy as np
import pytest
from command import PICTURES, TINY, Command

from jnst.cli.distributed import PEER_LOST
from jnst.cli.limits import check_bands
from jnst.cli.options.parsing import parse
from jnst.cli.options.words import UsageError
from jnst.compute.memory import devices_memory
from jnst.images import read_image

MAIN = "import sys; from jnst.cli import main; sys.exit(main())"
HOSTS = ("--coordinator", "127.0.0.1:9", "--processes", "2", "--process-id", "0")
ADAM = ("--optimizer", "adam")


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    return Command(tmp_path, capfd)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--devices", "0"), "0 is no number of devices: 1 or more, or all"),
        (("--devices", "two"), "'two' is not a whole number"),
        (("--devices", "5000"), "5000 is too many: 4096 at most, or all"),
        (("--devices", "99"), "--devices is 99, but there is 1: give 1 or all"),
        (("--devices", "2", "--tile", "128"), "leave out --tile"),
        (("--devices", "2", "--memory", "4GB"), "leave out --memory"),
        (("--devices", "2", "--precision", "tf32"), "leave out --precision tf32"),
        (("--processes", "2"), "--coordinator and --process-id are missing"),
        (HOSTS[:4], "--process-id is missing"),
        ((*HOSTS[:5], "2"), "--process-id is 2 of 2: they count from 0 to 1"),
        (("--coordinator", "here", *HOSTS[2:]), "--coordinator is here: give HOST:PORT"),
        ((*HOSTS, "--output", "-"), "--output - is not for several processes: give a file"),
    ],
)
def test_wrong_words_are_refused(run, words, message):
    jax.devices()  # JAX has begun: no more devices can be had
    code, _, errors = run(*PICTURES, *TINY, *words)
    assert code == 2
    assert message in errors[-1]
    assert run.files() == set()


def test_more_devices_than_bands_of_rows_are_refused():
    request = parse([*PICTURES, *TINY, "--devices", "1000"])
    # Down to relu2_1: a band has two rows of the picture at least.
    check_bands(request, 170, 85)
    with pytest.raises(UsageError, match=r"--devices gives 86, but 170 rows .* give 85 at most"):
        check_bands(request, 170, 86)


def test_devices_of_a_cpu_are_counted():
    device, kernels = jax.devices()[0], 14_710_464 * 4
    assert devices_memory("vgg16", [device]) == 0
    per_device = devices_memory("vgg16", [device] * 5) / 4
    assert per_device >= kernels
    # Measured: 1077 MB with two devices, 1476 MB with six.
    assert per_device == pytest.approx(100e6, rel=0.1)


def test_several_processes_paint_one_picture(run):
    code, _, errors = run("--content", "cat.png", "cat.png", "--style", "night.png", *HOSTS)
    assert code == 2
    assert "give one --content, no folder" in errors[-1]


def started(folder, *words):
    command = [sys.executable, "-c", MAIN, *PICTURES, *TINY, *ADAM, *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=folder, text=True, **pipes)


def free_address():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


def pair(folder, *words):
    hosts = ("--coordinator", free_address(), "--processes", "2", "--process-id")
    return [started(folder, *words, *hosts, str(number)) for number in range(2)]


@pytest.mark.slow
def test_two_devices_and_two_processes_paint_what_one_paints(run):
    """To 1e-4 of white; written with 16 bits, whose levels are 1.5e-5 apart."""
    fine = ("--bits", "16", "--output")
    assert run(*PICTURES, *TINY, *ADAM, *fine, "one.png")[0] == 0
    alone = started(run.folder, *fine, "two.png", "--devices", "2")
    alone.communicate(timeout=120)
    assert alone.returncode == 0
    first, second = pair(run.folder, *fine, "hosts.png", "--log", "log.jsonl")
    told, errors = first.communicate(timeout=120)
    quiet, noise = second.communicate(timeout=120)
    assert (first.returncode, second.returncode) == (0, 0), (errors, noise)
    assert "hosts.png" in told.splitlines()
    assert (quiet, noise) == ("", "")
    # Written once: each step is one line, and so is the painting.
    lines = map(json.loads, (run.folder / "log.jsonl").read_text().splitlines())
    assert [line["step"] for line in lines if "step" in line] == [1, 2, 3, 3]
    for name in ("two.png", "hosts.png"):
        found, expected = (read_image(run.folder / file).pixels for file in (name, "one.png"))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("killed", [0, 1])
def test_a_killed_peer_ends_the_run_with_a_line(run, killed):
    """Also the one at whose address they meet."""
    few = ("--style-layers", "relu1_1", "--content-layers", "relu1_1")
    both = pair(run.folder, *few, "--steps", "100000", "--output", "never.png")
    limit = threading.Timer(180, both[0].kill)
    limit.start()
    try:
        for line in both[0].stderr:
            if "step 1/" in line:
                break
        both[killed].send_signal(signal.SIGKILL)
        begin, left = time.monotonic(), both[1 - killed]
        _, errors = left.communicate(timeout=60)
        assert time.monotonic() - begin < 60
        assert left.returncode == 1
        lines = [line for line in errors.splitlines() if "step" not in line]
        assert lines == [f"jnst: {PEER_LOST}"]
        assert not (run.folder / "never.png").exists()
    finally:
        limit.cancel()
        for process in both:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()
