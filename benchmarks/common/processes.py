"""Fresh processes for what is measured alone, and the memory of a process.

This file imports neither JAX nor jnst: both would count in the memory of a worker that measures
something else, and the settings of the C library must be there before anything allocates.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.places import ROOT

# `python cli.py` sets this for itself: memory in pages of 2 MB.
LARGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
# Linux counts ru_maxrss in KiB, macOS in bytes.
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


def worker_environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment with the repository on the path, and these settings."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, **(settings or {})}


def run_worker(
    words: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout: float | None = None,
) -> dict[str, Any]:
    """Runs a Python script in a process of its own, and returns the JSON object it prints last.

    Args:
        words: the script and its arguments.
        environment: by default `worker_environment()`.
        folder: in which it runs, by default the current one.
        timeout: seconds after which it is killed.

    Raises:
        RuntimeError: with the last line of its standard error, if it printed no object.
    """
    done = subprocess.run(
        [sys.executable, *words],
        env=worker_environment() if environment is None else environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    printed, told = done.stdout.splitlines(), done.stderr.strip().splitlines()
    if not printed:
        raise RuntimeError(told[-1] if told else f"killed, exit code {done.returncode}")
    return dict(json.loads(printed[-1]))


def run_and_measure(words: Sequence[str], environment: Mapping[str, str]) -> tuple[str, int]:
    """Runs a Python script; its standard error, and the largest resident set of it in bytes.

    Raises:
        RuntimeError: with its standard error, if it fails.
    """
    command = [sys.executable, *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        told = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(told)
    return told, usage.ru_maxrss * _MAXRSS_BYTES


def restart_with_large_pages() -> None:
    """On Linux starts this script again with large pages, unless the variable is set already.

    The C library reads the variable when a program starts.
    """
    if sys.platform == "linux" and not LARGE_PAGES.keys() & os.environ.keys():
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | LARGE_PAGES)


def peak_memory() -> int:
    """The largest resident set of this process in bytes, since its start or the last reset."""
    return _status("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_BYTES


def resident_memory() -> int:
    """The present resident set of this process in bytes; without Linux's /proc the largest."""
    return _status("VmRSS") or peak_memory()


def reset_peak() -> None:
    """Lets `peak_memory` begin anew, where Linux allows it."""
    reset = Path("/proc/self/clear_refs")
    if reset.exists():
        reset.write_text("5")


def _status(field: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:  # not Linux
        return None
    (line,) = (line for line in lines if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024


def ended_by(
    process: subprocess.Popen[str], number: signal.Signals, seconds: float | None, patience: float
) -> int:
    """Lets a program run for some seconds, None for as long as it takes, and then sends a signal.

    Returns its exit code. AssertionError for one that is neither 0 nor the signal's, TimeoutExpired
    if it does not end within `patience` seconds.
    """
    try:
        _, told = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
        try:
            _, told = process.communicate(timeout=patience)
        finally:
            process.kill()
    code = process.returncode
    # Before the handlers are there a signal ends Python as it ends any program.
    allowed = {0, 128 + number, -number}
    assert code in allowed, f"exit code {code} after {number.name}: {told}"
    return code
