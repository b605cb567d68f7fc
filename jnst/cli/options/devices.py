"""The options of devices and hosts, checked."""

import re
from collections.abc import Mapping
from typing import Any

from .request import Devices, Request
from .words import UsageError


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


def check_shared(request: Request) -> None:
    """Raises UsageError for options that devices sharing one picture do not support."""
    if not request.devices.several:
        return
    option = "--devices" if request.devices.processes == 1 else "--coordinator"
    if request.tile is not None or request.memory is not None:
        other = "--memory" if request.tile is None else "--tile"
        raise UsageError(f"{option} keeps bands of the picture on the devices: leave out {other}")
    if request.config.precision != "float32":
        raise UsageError(
            f"{option} computes in float32: leave out --precision {request.config.precision}"
        )
