"""The process and its machine: the processor, free memory, the program's version, a global lock."""

import ctypes
import os
import platform
import sys
import threading
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

ALONE = threading.RLock()
"""Lock for threads that change process-wide state: warning filters, Pillow's limits, streams."""


def trim() -> None:
    """Returns freed memory from glibc's heap to the system: hundreds of MB after compilations."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


@cache
def processor_kind() -> str:
    """The architecture and, if known, vendor and widest vectors: the key of the algorithm table.

    Such as "x86_64 GenuineIntel avx512_bf16". Vendors execute the same instructions at different
    rates, and where direct convolutions are fast, Winograd's tiles gain less.
    """
    parts = [platform.machine()]
    with suppress(OSError):
        words = Path("/proc/cpuinfo").read_text("utf-8", "replace").split()
        if "vendor_id" in words:
            parts.append(words[words.index("vendor_id") + 2])
        vectors = ("amx_bf16", "avx512_bf16", "avx512f", "avx2")
        parts += [name for name in vectors if name in words][:1]
    return " ".join(parts)


def check_device() -> None:
    """Raises OSError, with the remedy, if JAX has no device of the kind that it was told to use."""
    import jax

    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:
        asked = jax.config.jax_platforms  # type: ignore[attr-defined]
        if not asked:
            raise OSError(f"JAX finds no device: {error}") from None
        raise OSError(
            f"JAX finds no device for JAX_PLATFORMS={asked}: unset it, or install JAX for that "
            "device (pip install 'jnst[cuda]' or 'jnst[tpu]')"
        ) from None


def free_memory() -> int:
    """Default memory budget in bytes: 80 % of the free memory."""
    import jax  # which takes a second, and --version need not wait for it

    # The device of a new array: `jax.default_device` may differ between threads.
    (device,) = jax.device_put(0).devices()
    if device.platform != "cpu":
        stats = device.memory_stats() or {}
        if "bytes_limit" in stats:
            return int(0.8 * (stats["bytes_limit"] - stats.get("bytes_in_use", 0)))
    return int(0.8 * psutil.virtual_memory().available)


def total_memory() -> int:
    """All memory of the machine in bytes, free or not."""
    return int(psutil.virtual_memory().total)


def bar_size() -> dict[str, int]:
    """Options of tqdm for a terminal on standard error that does not know its size.

    It says 0 columns or rows, in which tqdm would show nothing.
    """
    with suppress(OSError, ValueError):
        columns, rows = os.get_terminal_size(sys.stderr.fileno())
        return {} if columns and rows else {"ncols": columns or 80, "nrows": rows or 24}
    return {}


def program_version() -> str:
    """The installed version of jnst, "unknown" if it is not installed."""
    try:
        return version("jnst")
    except PackageNotFoundError:
        return "unknown"
