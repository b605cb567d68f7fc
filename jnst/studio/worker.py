"""The process of a job: runs the command once, and writes down how it ended.

    python -m jnst.studio.worker JOB ATTEMPT WORDS…

It holds the job's lock as long as it lives, so that a server started later knows whether it is
still painting. `run.json` says which attempt ran, and once it is over its exit code, the command's
last error, and the field that this is about; where the code is missing and nobody holds the lock,
the process was killed.
"""

import fcntl
import importlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from .store import read_record, write_record

LOCK, RUN, MESSAGES = "lock", "run.json", "messages.txt"
_LOCK_SECONDS = 20.0
# On a full disk, this room is left for the record of how it ended.
_RESERVE, _RESERVED = "reserve", 50_000
_TERMINATED = 128 + signal.SIGTERM


def main() -> int:
    """Runs the command and returns its exit code; 0 where another process has the attempt."""
    program = importlib.import_module("jnst.__main__")
    program.begin_with_large_pages()  # which may start this process anew, before it holds anything
    job, attempt = Path(sys.argv[1]), int(sys.argv[2])
    sys.argv = ["jnst", *sys.argv[3:]]
    signal.signal(signal.SIGTERM, _terminated)
    with (job / LOCK).open("w") as lock:
        if not locked(lock.fileno(), _LOCK_SECONDS):
            return 0
        if read_record(job / RUN).get("attempt", 0) >= attempt:
            return 0
        os.ftruncate(2, 0)
        run: dict[str, Any] = {"attempt": attempt, "pid": os.getpid(), "began": time.time()}
        write_record(job / RUN, run)
        (job / _RESERVE).write_bytes(bytes(_RESERVED))
        code = 1
        try:
            code = program.run(hear=lambda line, field: run.update(error=line, field=field))
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            (job / _RESERVE).unlink(missing_ok=True)
            run |= {"ended": time.time(), "code": code}
            write_record(job / RUN, run)
    return code


def _terminated(*_: object) -> None:
    raise SystemExit(_TERMINATED)


def locked(file: int, seconds: float = 0.0) -> bool:
    """Takes the lock of an open file; False if another process has it all this time."""
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
