"""The compilation cache: JAX's programs on disk, so that only the first run of a size compiles.

Only the command turns it on; importing jnst writes nothing. The programs lie in the folder
`compiled` of jnst's cache folder, one subfolder per kind of processor: a program compiled for
another may crash this one. Anyone who can write there can run code here, so the folder must belong
to this user alone. Above `MOST_BYTES` the least recently used programs are removed.
"""

import contextlib
import hashlib
import os
import platform
import stat
from pathlib import Path

import jax

from ..network.weights import cache_folder

MOST_BYTES = 256 << 20
_SWITCH = "JNST_COMPILATION_CACHE"


def turn_on() -> str:
    """Makes JAX cache its compiled programs; call it before anything is compiled.

    The environment variable JNST_COMPILATION_CACHE=0 turns it off. A folder that JAX was given
    already (JAX_COMPILATION_CACHE_DIR) stays.

    Returns:
        Why the cache is off; "" if it is on, or if the environment decided otherwise.
    """
    if os.environ.get(_SWITCH) == "0" or _in_use():
        return ""
    try:
        folder = _own_folder(_own_folder(cache_folder() / "compiled") / _machine())
    except OSError as error:
        reason = error.strerror or error
        return f"compiled programs are not kept: {error.filename or ''}: {reason}"
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_compilation_cache_max_size", MOST_BYTES)
    # Cache small programs too: together they take as long to compile as a large one.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    return ""


def took_care_of(warning: Warning | str) -> bool:
    """Whether a warning is about a cached program that can't be read or written.

    Such a run compiles as if the cache were empty. The cache is then emptied: a file cut short by
    a full disk or a killed process would otherwise fail each time.
    """
    text = str(warning)
    if "persistent compilation cache" not in text and "maximum cache size" not in text:
        return False
    folder = _in_use()
    if folder and Path(folder).parent == cache_folder() / "compiled":
        for program in (*Path(folder).glob("*-cache"), *Path(folder).glob("*-atime")):
            with contextlib.suppress(OSError):
                program.unlink()
    return True


def _in_use() -> str | None:
    return jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]


def _own_folder(folder: Path) -> Path:
    """Makes the folder for this user alone; raises OSError if it belongs to another user."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise OSError(0, "this is not a folder: remove it", str(folder))
    if hasattr(os, "getuid"):
        if status.st_uid != os.getuid():
            raise OSError(0, "this folder belongs to another user: remove it", str(folder))
        if stat.S_IMODE(status.st_mode) != 0o700:
            folder.chmod(0o700)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(0, "nothing can be written there", str(folder))
    return folder


def _machine() -> str:
    """A hash of this kind of processor: equal where the same compiled programs run.

    >>> len(_machine()), _machine() == _machine()
    (16, True)
    """
    specs = [platform.machine(), platform.processor(), platform.system()]
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
        specs += sorted({s for s in lines if s.split(":")[0].strip() in ("model name", "flags")})
    return hashlib.sha256("\n".join(specs).encode()).hexdigest()[:16]
