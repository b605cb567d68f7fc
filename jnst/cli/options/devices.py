"""The devices and processes that share the work of a command."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .words import UsageError


class Devices(NamedTuple):
    """The devices and processes of a command.

    Attributes:
        each: number of devices in each process; 0 for all.
        coordinator: host:port at which the processes meet, "" for a single process.
        processes: number of processes.
        process: number of this process, from 0.

    Example:
        >>> Devices(each=2).several, Devices().several
        (True, False)
    """

    each: int = 1
    coordinator: str = ""
    processes: int = 1
    process: int = 0

    @property
    def several(self) -> bool:
        """Whether more than one device may share the work."""
        return self.each != 1 or self.processes > 1

    @property
    def writes(self) -> bool:
        """Whether this process writes the painting and prints messages."""
        return self.process == 0


def devices_of(typed: Mapping[str, Any]) -> Devices:
    """The devices of a command.

    Raises:
        UsageError: for options that are incomplete or out of range.
    """
    names = ("coordinator", "processes", "process_id")
    missing = [name.replace("_", "-") for name in names if name not in typed]
    if len(missing) in (1, 2):
        raise UsageError(
            f"--{' and --'.join(missing)} {'is' if len(missing) == 1 else 'are'} missing: several "
            "processes need --coordinator HOST:PORT, --processes N and --process-id I"
        )
    each = typed.get("devices", 1)
    if missing:
        return Devices(each)
    coordinator, processes, process = (typed[name] for name in names)
    if not re.fullmatch(r".+:\d+", coordinator):
        raise UsageError(f"--coordinator is {coordinator}: give HOST:PORT")
    if not 0 <= process < processes:
        raise UsageError(
            f"--process-id is {process} of {processes}: they count from 0 to {processes - 1}"
        )
    return Devices(each, coordinator, processes, process)
