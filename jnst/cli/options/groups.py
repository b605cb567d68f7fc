"""The options of the command line that are not fields of `Config`, in groups."""

from typing import Any

from ...images.opening import MAX_FILE_SIZE, MAX_PIXELS
from ...network.architecture import LAYERS
from ...network.preprocessing import INPUTS
from .values import count, devices, interval, size_in_bytes, tile, whole

NETWORKS = tuple(LAYERS)
WHOLE = "none"
"""Given instead of a style's mask: the whole picture counts."""


def add_files(group: Any) -> None:
    """Adds the options of pictures, snapshots and the log."""
    group.add_argument(
        "--content",
        metavar="FILE",
        nargs="+",
        action="extend",
        help="the photograph to paint, or several: files, folders, quoted patterns",
    )
    group.add_argument(
        "--style",
        metavar="FILE",
        nargs="+",
        action="extend",
        help="the pictures to paint like: files, folders, quoted patterns",
    )
    group.add_argument(
        "--output",
        metavar="FILE",
        help="the painting, .png, .jpg, .webp or .tif, or a folder; {content}, {style}, {preset}, "
        "{size}, {seed} and {index} are filled in, also in --log, --checkpoint and --snapshots "
        "(default: {content}_{style}.png, here)",
    )
    group.add_argument("--bits", type=whole, metavar="N", help="8, or 16 for .png and .tif")
    group.add_argument("--init-image", metavar="FILE", help="the picture that --init file means")
    group.add_argument(
        "--save-every",
        type=whole,
        metavar="N",
        help="save snapshots at steps 1, 1+N, 1+2N, …, and in the end OUTPUT_sheet.png with all",
    )
    group.add_argument(
        "--snapshots", metavar="FOLDER", help="where snapshots go (default: OUTPUT_steps)"
    )
    group.add_argument(
        "--log", metavar="FILE", help="the losses of each step, one JSON object a line"
    )
    add_limits(group)


def add_limits(group: Any) -> None:
    """Adds the options that raise the limits of `read_image`."""
    group.add_argument(
        "--max-pixels",
        type=count,
        metavar="N",
        help=f"refuse pictures of more pixels (default: {MAX_PIXELS})",
    )
    group.add_argument(
        "--max-file-size",
        type=count,
        metavar="N",
        help=f"refuse picture files of more bytes (default: {MAX_FILE_SIZE // 10**9}G)",
    )


def add_masks(group: Any) -> None:
    """Adds the options of masks."""
    group.add_argument(
        "--content-mask",
        metavar="FILE",
        nargs="+",
        action="extend",
        help="where each --style acts: a gray picture for each, white inside, black outside, of "
        "the content's proportions (default: everywhere, in their blend)",
    )
    group.add_argument(
        "--style-mask",
        metavar="FILE",
        nargs="+",
        action="extend",
        help=f"which part of each --style is looked at, {WHOLE} for all of it",
    )
    group.add_argument(
        "--keep-mask",
        metavar="FILE",
        help="white stays exactly as it is in the content, gray is faded into the painting",
    )


def add_many(group: Any) -> None:
    """Adds the options of several paintings by one command."""
    modes = group.add_mutually_exclusive_group()
    for name, text in (
        ("every-pair", "a painting of each content in each style"),
        ("pairs", "the first content in the first style, the second in the second, …"),
        (
            "blend",
            "a painting of each content in the blend of all styles, as --style-weights says; a "
            "folder is one style, its pictures averaged",
        ),
    ):
        modes.add_argument(f"--{name}", action="store_const", const=name, dest="combine", help=text)
    group.add_argument(
        "--sweep",
        metavar="NAME=X,Y,…",
        action="append",
        help="try each of these values of an option below, with each of every other --sweep: a "
        "painting of each, {sweep} and {NAME} in its name, and a sheet of all",
    )
    group.add_argument(
        "--style-blend",
        type=whole,
        metavar="N",
        help="N paintings from the first of two styles to the second, and a sheet of all",
    )
    group.add_argument(
        "--overwrite",
        action="store_true",
        help="paint also what is finished, and replace files that jnst did not make",
    )
    group.add_argument(
        "--bucket",
        type=whole,
        metavar="N",
        help="round the side that --size does not give up to a multiple of N: the content is "
        "mirrored at its borders, and the painting cut back, so that pictures of nearly the same "
        "shape share one compilation (default: 16 for many paintings, 1 for one)",
    )


def add_checkpoints(group: Any) -> None:
    """Adds the options that save and resume a run."""
    group.add_argument(
        "--checkpoint", metavar="FILE", help="keep the whole state of the run in this file"
    )
    group.add_argument(
        "--checkpoint-every",
        type=interval,
        metavar="60s|N",
        help="how often: a time, or a number of steps (default: 60s); and always at the end",
    )
    group.add_argument(
        "--resume",
        metavar="FILE",
        help="go on from a checkpoint, with all of its options; --steps N gives the last scale "
        "more steps",
    )


def add_network(group: Any) -> None:
    """Adds the options that choose the network."""
    group.add_argument(
        "--network",
        metavar=braces(NETWORKS),
        help="the network that looks (default: vgg16, built in; vgg19 is downloaded once)",
    )
    group.add_argument("--weights", metavar="FILE", help="a weight file of your own")
    group.add_argument(
        "--preprocess",
        choices=tuple(INPUTS),
        help="what --weights of unknown origin expect (for the known ones it is known)",
    )
    group.add_argument(
        "--offline", action="store_true", help="download nothing (so does JNST_OFFLINE=1)"
    )


def add_memory(group: Any) -> None:
    """Adds the options that limit the memory."""
    group.add_argument(
        "--memory",
        type=size_in_bytes,
        metavar="4GB",
        help="use no more: large pictures are computed by windows, with the same result, and "
        "L-BFGS remembers less where it must (default: 80%% of what is free)",
    )
    group.add_argument(
        "--tile",
        type=tile,
        metavar="N",
        help="compute by windows of N pixels, 128 or more; 0: the whole picture at once (default: "
        "as --memory allows)",
    )


def add_devices(group: Any) -> None:
    """Adds the options that share the work between devices."""
    group.add_argument(
        "--devices",
        type=devices,
        metavar="N|all",
        help="share the work between N devices (default: 1): one painting by bands of its rows, of "
        "many each makes its own, in turn; a CPU counts as N, which saves no time",
    )
    group.add_argument(
        "--coordinator",
        metavar="HOST:PORT",
        help="share it with other processes, begun with the same command here or on other hosts; "
        "they meet at this address of process 0, which alone writes",
    )
    group.add_argument("--processes", type=whole, metavar="N", help="how many there are")
    group.add_argument(
        "--process-id", type=whole, metavar="I", help="the number of this one, from 0"
    )


def braces(names: Any) -> str:
    """The choices of an option, for its help.

    >>> braces(["zoom", "none"])
    '{zoom,none}'
    """
    return "{" + ",".join(names) + "}"
