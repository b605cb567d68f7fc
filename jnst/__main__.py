"""The command as a program: `jnst`, `python -m jnst` and `python cli.py`."""

import gc
import os
import sys
from typing import Any

from .cli.console import fill_closed_streams
from .cli.help import shown_at_once


def run(**options: Any) -> int:
    """Runs the command line of this process and returns its exit code; see `jnst.cli.command`."""
    fill_closed_streams()
    if shown_at_once(sys.argv[1:]):
        return 0
    begin_with_large_pages()
    # What an import makes is there to stay: to look through it for garbage takes a fifth of the
    # time until the first step.
    gc.disable()
    from .cli.command import main

    gc.freeze()
    gc.enable()
    return main(**options)


def begin_with_large_pages() -> None:
    """Starts this program once more, with memory in pages of 2 MB where Linux gives them.

    Each step takes and returns some hundred MB, and the kernel hands them out page by page: in
    pages of 4 kB that takes a good part of the step. The C library reads its settings when a
    program starts, hence again; where they are set already, or JNST_LARGE_PAGES=0, they stay.
    """
    if sys.platform != "linux" or "GLIBC_TUNABLES" in os.environ or not sys.executable:
        return
    if os.environ.get("JNST_LARGE_PAGES") != "0":
        os.environ["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


if __name__ == "__main__":
    sys.exit(run())
