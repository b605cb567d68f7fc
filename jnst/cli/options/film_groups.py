"""The options of `jnst video` that are not fields of `Config`, in groups, and their parsers."""

import argparse
from fractions import Fraction

from ...video.film import KINDS, QUALITIES
from .groups import GROUPS, LIMITS, braces
from .values import count, listed, number

_FILE = {"metavar": "FILE"}
_COUNT = {"type": count, "metavar": "N"}


def time(text: str) -> Fraction:
    """A time in seconds, or with minutes and hours.

    >>> time("1:02.5"), time("7")
    (Fraction(125, 2), Fraction(7, 1))
    """
    *above, seconds = text.split(":")
    try:
        if len(above) > 2 or not all(part.isdigit() for part in above):
            raise ValueError
        value = Fraction(seconds)
        for place, part in enumerate(reversed(above), start=1):
            value += int(part) * 60**place
        if value < 0:
            raise ValueError
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time: give seconds, such as 83.5, or 1:23.5"
        ) from None
    return value


def rate(text: str) -> Fraction:
    """A number of frames a second, such as 24, 23.976 or 30000/1001."""
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if not 0 < value <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of frames a second, such as 24")
    return value


def shots(text: str) -> tuple[int, ...]:
    """The frames that start a shot, from 1; none of them for "none"."""
    return () if text == "none" else listed(count)(text)


FILM = (
    ("start", {"type": time, "metavar": "TIME"}, "where to begin: seconds, or 1:23.5"),
    ("end", {"type": time, "metavar": "TIME"}, "where to end"),
    (
        "fps",
        {"type": rate, "metavar": "N"},
        "paint at most so many frames a second; of pictures, their rate (default: 25)",
    ),
    ("every", _COUNT, "paint only every N-th frame, shown that much longer"),
    (
        "film-quality",
        {"metavar": braces(QUALITIES)},
        "quality of the encoding, and size of the file (default: that of --quality)",
    ),
    ("no-sound", {"action": "store_false", "dest": "sound"}, "leave out the sound of the clip"),
)
STEADY = (
    (
        "temporal",
        {"type": number, "metavar": "X"},
        "weight of steadiness: 0 paints each frame by itself, 10 holds still backgrounds "
        "(default: 1)",
    ),
    (
        "long-term",
        {"type": listed(count), "metavar": "N,…"},
        "which earlier frames each is compared with: 1 is the one before, those farther back know "
        "what was hidden meanwhile (default: 1,10,20)",
    ),
    ("passes", _COUNT, "paint the clip so often, forwards and backwards in turn (default: 1)"),
    (
        "shots",
        {"type": shots, "metavar": "N,…"},
        "numbers of the frames that start a shot, from 1, or none (default: cuts are found)",
    ),
    (
        "frame-steps",
        {"type": count, "metavar": "N"},
        "steps for a frame that continues a shot (default: an eighth of the work of the first)",
    ),
)
KEPT = (
    ("frames", {"metavar": "FOLDER"}, "folder of the painted frames (default: OUTPUT_frames)"),
    (
        "resume",
        {"metavar": "FOLDER"},
        "go on from a folder of painted frames, with the options of its run",
    ),
    (
        "so-far",
        {"action": "store_true"},
        "with --resume: make a film of the frames that are there, and paint none",
    ),
)
FILM_GROUPS = {
    "files": (
        (
            "content",
            _FILE,
            "the clip: a film of any kind, a folder of frames, or frame_%%04d.png",
        ),
        *(row for row in GROUPS["files"] if row[0] == "style"),
        (
            "output",
            _FILE,
            f"where the film is written: {', '.join(KINDS)} (H.264; .webm: VP9; .mov: ProRes), or "
            "folder/ or frame_%%04d.png for pictures (default: {content}_{style}.mp4 in this "
            "folder)",
        ),
        *(row for row in GROUPS["files"] if row[0] == "bits"),
        *LIMITS,
    ),
    "film": FILM,
    "steadiness": STEADY,
    "regions, the same in all frames": GROUPS["regions"],
    "painted frames": KEPT,
    **{title: GROUPS[title] for title in ("network", "memory")},
}
"""The options of `jnst video` that are not fields of `Config`, in groups."""
