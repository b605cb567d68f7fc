"""The process and its machine: the processor, free memory, the program's version, the one lock."""

import ctypes
import platform
import threading
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import jax
import psutil

ALONE = threading.RLock()
"""Held by a thread that changes what the whole process shares, or writes to it.

Threads that paint side by side share the filters of warnings, the limits of Pillow and the
standard streams.
"""


def trim() -> None:
    """Gives back what the C library still holds of memory that was freed.

    It holds what lies between pieces in use. Compilations leave hundreds of MB there, and windows
    some more. Where the C library is another than glibc, nothing happens.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


@cache
def processor_kind() -> str:
    """The architecture and, where the system tells, its widest vectors: what the table is kept by.

    Example:
        >>> processor_kind() == processor_kind() != ""
        True
    """
    machine = platform.machine()
    with suppress(OSError):
        flags = set(Path("/proc/cpuinfo").read_text("utf-8", "replace").split())
        for vectors in ("amx_bf16", "avx512_bf16", "avx512f", "avx2"):
            if vectors in flags:
                return f"{machine} {vectors}"
    return machine


def free_memory() -> int:
    """Bytes that may be used unless somebody says otherwise: 80 % of what is free."""
    # Where a new array goes: a thread may have a device of its own.
    (device,) = jax.device_put(0).devices()
    if device.platform != "cpu":
        known = device.memory_stats() or {}
        if "bytes_limit" in known:
            return int(0.8 * (known["bytes_limit"] - known.get("bytes_in_use", 0)))
    return int(0.8 * psutil.virtual_memory().available)


def program_version() -> str:
    """The version of jnst that is installed, "unknown" if it runs without being installed."""
    try:
        return version("jnst")
    except PackageNotFoundError:
        return "unknown"
