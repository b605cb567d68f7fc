"""The options of devices and hosts, checked."""

import argparse
import re
from collections.abc import Sequence

from .parser import build_parser
from .request import Devices
from .words import UsageError

OPTIONS = ("--devices", "--coordinator", "--processes", "--process-id")
"""Options that decide where a painting is computed, not how it looks."""


def devices_of(typed: argparse.Namespace) -> Devices:
    """The devices of a command.

    Raises:
        UsageError: for options that are incomplete or out of range.
    """
    hosts = {name: getattr(typed, name) for name in ("coordinator", "processes", "process_id")}
    missing = [name.replace("_", "-") for name, value in hosts.items() if value is None]
    if len(missing) in (1, 2):
        raise UsageError(
            f"--{' and --'.join(missing)} {'is' if len(missing) == 1 else 'are'} missing: several "
            "processes need --coordinator HOST:PORT, --processes N and --process-id I"
        )
    count = 1 if typed.devices is None else typed.devices
    devices = Devices(count)
    if not missing:
        if not re.fullmatch(r".+:\d+", typed.coordinator):
            raise UsageError(f"--coordinator is {typed.coordinator}: give HOST:PORT")
        if not 0 <= typed.process_id < typed.processes:
            raise UsageError(
                f"--process-id is {typed.process_id} of {typed.processes}: they count from 0 to "
                f"{typed.processes - 1}"
            )
        devices = Devices(count, typed.coordinator, typed.processes, typed.process_id)
    return devices


def check_shared(typed: argparse.Namespace, found: Devices) -> None:
    """Raises UsageError for options that devices sharing one picture do not support."""
    if not found.several:
        return
    option = "--devices" if found.processes == 1 else "--coordinator"
    if typed.tile is not None or typed.memory is not None:
        other = "--memory" if typed.tile is None else "--tile"
        raise UsageError(f"{option} keeps bands of the picture on the devices: leave out {other}")
    if getattr(typed, "precision", "float32") != "float32":
        raise UsageError(f"{option} computes in float32: leave out --precision {typed.precision}")


def typed_devices(argv: Sequence[str]) -> Devices:
    """The devices of a command line, whose other options are ignored."""
    return devices_of(build_parser().parse_known_args(list(argv))[0])
