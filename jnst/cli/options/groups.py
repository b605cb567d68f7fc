"""The options of the command line that are not fields of `Config`, in groups."""

from typing import Any

from ...images.opening import MAX_FILE_SIZE, MAX_PIXELS
from ...network.architecture import LAYERS
from ...network.preprocessing import INPUTS
from .values import count, devices, interval, shard, size_in_bytes, tile, whole

NETWORKS = tuple(LAYERS)
WHOLE = "none"
"""Given instead of a style's mask: the whole picture counts."""


def braces(names: Any) -> str:
    """The choices of an option, for its help.

    >>> braces(["zoom", "none"])
    '{zoom,none}'
    """
    return "{" + ",".join(names) + "}"


_FILE = {"metavar": "FILE"}
_FILES = {"metavar": "FILE", "nargs": "+", "action": "extend"}
_NUMBER = {"type": whole, "metavar": "N"}
_COUNT = {"type": count, "metavar": "N"}
_FLAG = {"action": "store_true"}

LIMITS = (
    ("max-pixels", _COUNT, f"refuse pictures with more pixels (default: {MAX_PIXELS})"),
    (
        "max-file-size",
        _COUNT,
        f"refuse picture files of more bytes (default: {MAX_FILE_SIZE // 10**9}G)",
    ),
)
"""The options that raise the limits of `read_image`: names, settings for argparse, help."""

MODES = (
    ("every-pair", "paint each content in each style"),
    ("pairs", "paint the first content in the first style, the second in the second, …"),
    (
        "blend",
        "paint each content in the blend of all styles, weighted by --style-weights; a folder "
        "counts as one style, the average of its pictures",
    ),
)
"""The options that say how contents and styles are combined, of which one is given at most."""

GROUPS = {
    "files": (
        ("content", _FILES, "the photograph, or several: files, folders, quoted patterns"),
        ("style", _FILES, "the painting to paint like, or several: files, folders, patterns"),
        (
            "output",
            _FILE,
            "where the painting is written: .png, .jpg, .webp or .tif, or a folder. {content}, "
            "{style}, {preset}, {size}, {seed} and {index} are filled in, here and in --log, "
            "--checkpoint and --snapshots (default: {content}_{style}.png in this folder)",
        ),
        ("bits", _NUMBER, "bits per channel: 8, or 16 for .png and .tif (default: 8)"),
        ("init-image", _FILE, "the picture to start from, for --init file"),
        (
            "save-every",
            _NUMBER,
            "write a snapshot every N steps, from step 1 on, and at the end a sheet of them, "
            "OUTPUT_sheet.png",
        ),
        ("snapshots", {"metavar": "FOLDER"}, "folder of the snapshots (default: OUTPUT_steps)"),
        ("log", _FILE, "write the losses of each step, as one JSON object per line"),
        *LIMITS,
    ),
    "regions": (
        (
            "content-mask",
            _FILES,
            "where each --style is painted: one gray picture per style, white inside and black "
            "outside, of the content's proportions (default: everywhere)",
        ),
        (
            "style-mask",
            _FILES,
            f"which part of each --style counts: one gray picture per style, or {WHOLE} for all",
        ),
        (
            "keep-mask",
            _FILE,
            "white stays exactly as in the content, black is painted, gray fades between them",
        ),
    ),
    "many paintings": (
        (
            "sweep",
            {"metavar": "NAME=X,Y,…", "action": "append"},
            "paint once for each value of an option below, and for each combination with other "
            "--sweep; {sweep} and {NAME} are filled in in file names. A sheet shows all",
        ),
        ("style-blend", _NUMBER, "N paintings from the first of two styles to the second"),
        ("overwrite", _FLAG, "repaint what is finished, and replace files not made by jnst"),
        (
            "bucket",
            _NUMBER,
            "round the side that --size leaves free up to a multiple of N, by mirroring the "
            "content at its borders; the painting is cut back. Pictures of similar shape then "
            "share one compilation (default: 16 for many paintings, 1 for one)",
        ),
        (
            "shard",
            {"type": shard, "metavar": "I/N"},
            "make share I, counted from 0, of N: for N processes that run the same command, on any "
            "machines",
        ),
        (
            "cluster",
            {"metavar": "ADDRESS|local:N"},
            "let the workers of a Dask cluster paint: the address of its scheduler, such as "
            "tcp://host:8786, or N workers on this machine (jnst[cluster])",
        ),
        (
            "send-back",
            _FLAG,
            "send the pictures to the workers of --cluster and the paintings back, where they have "
            "no folder in common with this machine",
        ),
    ),
    "checkpoints": (
        ("checkpoint", _FILE, "write the state of the run to this file, to continue from it"),
        (
            "checkpoint-every",
            {"type": interval, "metavar": "60s|N"},
            "how often: seconds or steps (default: 60s); always at the end",
        ),
        (
            "resume",
            _FILE,
            "continue from a checkpoint, with the options of its run; --steps N changes the steps "
            "of the last scale",
        ),
    ),
    "network": (
        (
            "network",
            {"metavar": braces(NETWORKS)},
            "network that computes the features (default: vgg16, built in; vgg19 is downloaded "
            "once)",
        ),
        ("weights", _FILE, "weight file to use instead"),
        (
            "preprocess",
            {"choices": tuple(INPUTS)},
            "input that the network of --weights was trained on, for files that jnst does not know",
        ),
        ("offline", _FLAG, "download nothing (JNST_OFFLINE=1 does the same)"),
    ),
    "memory": (
        (
            "memory",
            {"type": size_in_bytes, "metavar": "4GB"},
            "memory limit: above it, large pictures are computed in windows, with the same "
            "result, and L-BFGS keeps a shorter history (default: 80%% of what is free)",
        ),
        (
            "tile",
            {"type": tile, "metavar": "N"},
            "compute in windows of N pixels, at least 128; 0: the whole picture at once (default: "
            "what --memory allows)",
        ),
    ),
    "devices": (
        (
            "devices",
            {"type": devices, "metavar": "N|all"},
            "use N devices (default: 1): a single painting is split into bands of rows, many "
            "paintings are distributed. A CPU can count as several, which saves no time",
        ),
        (
            "coordinator",
            {"metavar": "HOST:PORT"},
            "share one painting with other processes, on this or other hosts, started with the "
            "same command: the address of process 0, which writes the painting",
        ),
        ("processes", _NUMBER, "number of these processes"),
        ("process-id", {"type": whole, "metavar": "I"}, "number of this process, from 0"),
    ),
}
"""Titles of the groups, and the options of each: names, settings for argparse, help."""


def add_options(group: Any, options: Any) -> None:
    """Adds options, such as `LIMITS`, to a parser or a group of it."""
    for name, settings, text in options:
        group.add_argument(f"--{name}", help=text, **settings)
