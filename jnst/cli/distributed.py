"""Several devices and processes: their setup in JAX, and the error when one of them is lost.

A CPU is one device unless JAX is configured otherwise before its first computation. Process 0
writes the painting; the others compute their part and print nothing. When a process is killed, the
others end with one line: at once, or after half a minute if its host is gone as well. They end by
an exception or, when JAX aborts, through the parent process that waits for this one.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import jax
import numpy as np

from ..system import check_device
from .child_process import flush_streams, guarded
from .options.devices import Devices
from .options.words import UsageError

_JOIN_SECONDS = 120
# A peer that no longer answers is given up after this time; one whose process has ended, at once.
_SILENT_SECONDS = 30
PEER_LOST = "error: another process of this run has ended: begin all of them anew"
_BROKEN = ("gloo", "nccl", "coordination", "distributed service", "heartbeat", "connection closed")


def begin(asked: Devices) -> None:
    """Sets JAX up; call it before JAX computes anything.

    Raises:
        UsageError: if there are fewer devices than asked for.
        OSError: if JAX has no device, or the other processes do not join.
    """
    if asked.each > 1 and "xla_force_host_platform_device_count" not in os.environ.get(
        "XLA_FLAGS", ""
    ):
        with contextlib.suppress(RuntimeError):  # JAX has started already
            jax.config.update("jax_num_cpu_devices", asked.each)
    if asked.processes > 1:
        guarded(ended)
        try:
            jax.distributed.initialize(
                asked.coordinator,
                asked.processes,
                asked.process,
                initialization_timeout=_JOIN_SECONDS,
                heartbeat_timeout_seconds=_SILENT_SECONDS,
                shutdown_timeout_seconds=_SILENT_SECONDS,
            )
        except (RuntimeError, ValueError) as error:
            raise OSError(
                f"the {asked.processes} processes did not meet at {asked.coordinator}: "
                f"{str(error).splitlines()[0]}"
            ) from None
    check_device()
    count = len(jax.local_devices())
    if asked.each > count:
        raise UsageError(f"--devices is {asked.each}, but there {_are(count)}: give {count} or all")


def chosen(asked: Devices) -> tuple[jax.Device, ...]:
    """The devices that share the work, those of process 0 first."""
    devices = []
    for process in range(asked.processes):
        own = [device for device in jax.devices() if device.process_index == process]
        devices += own[: asked.each] if asked.each else own
    return tuple(devices)


def agreeing(asked: Devices, callback: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Wraps the callback of a run: all processes stop once it is true in one."""
    if asked.processes == 1:
        return callback
    from jax.experimental.multihost_utils import process_allgather

    def together(progress: Any) -> bool:
        return bool(np.any(process_allgather(np.asarray(callback(progress)))))

    return together


def peer_lost(asked: Devices, error: Exception) -> bool:
    """Whether an error says that another process of the run is gone."""
    text = str(error).lower()
    return (
        asked.processes > 1
        and isinstance(error, jax.errors.JaxRuntimeError | RuntimeError)
        and any(word in text for word in _BROKEN)
    )


def ended(number: int, noise: str) -> tuple[int, str]:
    """The exit code and the line to print for a process ended by a signal, from JAX's output.

    Example:
        >>> ended(signal.SIGABRT, "Polled an error from coordination service")[0]
        1
        >>> ended(signal.SIGKILL, "")
        (137, 'error: the process that computes was ended by SIGKILL')
    """
    if os.environ.get("JNST_DEBUG"):
        sys.stderr.write(noise)
    if number != signal.SIGABRT:
        name = signal.Signals(number).name
        return 128 + number, f"error: the process that computes was ended by {name}"
    if any(word in noise.lower() for word in _BROKEN):
        return 1, PEER_LOST
    lines = [line for line in noise.splitlines() if line.strip()]
    return 1, f"error: JAX gave up: {lines[-1] if lines else 'it does not say why'}"


def leave(code: int) -> NoReturn:
    """Exits without waiting for processes that will not come."""
    flush_streams()
    os._exit(code)


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count}"
