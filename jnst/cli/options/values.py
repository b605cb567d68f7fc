"""Parsers of the values of options: numbers, sizes, times; for argparse, with its errors."""

import argparse
import hashlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from ...compute.tiles.cutting import SMALLEST_TILE


class Interval(NamedTuple):
    """An interval in seconds or in steps; the other field is 0."""

    seconds: float = 0.0
    steps: int = 0


def whole(text: str) -> int:
    """A whole number, of either sign."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def count(text: str) -> int:
    """A number above 0, in which K, M and G stand for thousands, millions and billions.

    >>> count("2.5M")
    2500000
    """
    match = re.fullmatch(r"(\d+|\d*\.\d+)([KMG]?)", text, re.IGNORECASE)
    number = float(match[1]) * _UNITS[match[2].upper()] if match else 0.0
    number = round(number) if number < _LARGEST_COUNT else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, such as 400M or 5000")
    return number


def size_in_bytes(text: str) -> int:
    """A number of bytes.

    >>> size_in_bytes("4GB"), size_in_bytes("500m")
    (4000000000, 500000000)
    """
    try:
        return count(re.sub("b$", "", text, flags=re.IGNORECASE))
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size, such as 4GB") from None


def tile(text: str) -> int:
    """The side of a window in pixels, or 0."""
    size = whole(text)
    if size and size < SMALLEST_TILE:
        raise argparse.ArgumentTypeError(
            f"{size} is too small: {SMALLEST_TILE} pixels or more, or 0 for the whole picture"
        )
    return size


def devices(text: str) -> int:
    """A number of devices, 0 for all."""
    number = 0 if text == "all" else whole(text)
    if number < 1 and text != "all":
        raise argparse.ArgumentTypeError(f"{text} is no number of devices: 1 or more, or all")
    if number > _MOST_DEVICES:
        raise argparse.ArgumentTypeError(f"{text} is too many: {_MOST_DEVICES} at most, or all")
    return number


_LARGEST_COUNT = 2.0**63
_MOST_DEVICES = 4096
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}


def interval(text: str) -> Interval:
    """A time or a number of steps.

    >>> interval("90s"), interval("50")
    (Interval(seconds=90.0, steps=0), Interval(seconds=0.0, steps=50))
    """
    match = re.fullmatch(r"(\d+|\d*\.\d+)s|0*([1-9]\d*)", text)
    if not match:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a time, such as 60s, nor a number of steps, such as 50"
        )
    return Interval(seconds=float(match[1])) if match[1] else Interval(steps=int(match[2]))


class Shard(NamedTuple):
    """The share of one process, which starts with the same command as the others.

    A painting goes by a hash of its file, so that more pictures, or fewer, move none of the others.

    Attributes:
        number: of the share, from 0.
        of: the number of processes.

    Example:
        >>> [Shard(i, 3).takes("out/cat_night.png") for i in range(3)]
        [False, False, True]
    """

    number: int = 0
    of: int = 1

    def takes(self, output: str) -> bool:
        """Whether the painting that becomes this file belongs to the share."""
        digest = hashlib.blake2b(output.encode(errors="surrogateescape"), digest_size=8).digest()
        return int.from_bytes(digest) % self.of == self.number


def shard(text: str) -> Shard:
    """A share of many paintings.

    >>> shard("0/3")
    Shard(number=0, of=3)
    """
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no share of the paintings, such as 0/3")
    found = Shard(int(match[1]), int(match[2]))
    if found.number >= found.of:
        raise argparse.ArgumentTypeError(
            f"{text} is no share: they count from 0 to one below their number, as 0/2 and 1/2"
        )
    return found


def number(text: str) -> float:
    """A number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


READERS: dict[type, tuple[Callable[[str], Any], str]] = {
    int: (whole, "N"),
    float: (number, "X"),
    str: (str, "NAME"),
}
"""For each type of a field, its parser and its metavar in the help."""


def listed(read: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    """A parser of values separated by commas.

    >>> listed(whole)("1, 2,3")
    (1, 2, 3)
    """
    return lambda text: tuple(read(part.strip()) for part in text.split(",") if part.strip())
