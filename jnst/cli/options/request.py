"""The requests of a command, as values: one painting, many, or a run to go on with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ...config import Config
from .groups import WHOLE
from .sweep import Sweep
from .values import Interval
from .words import STREAM


class MaskFiles(NamedTuple):
    """Paths of masks as they were typed, - for standard input.

    Attributes:
        content: for each style the region that is painted in it; or none.
        styles: for each style what of it counts, `WHOLE` for all; or none.
        keep: what stays as it is, or None.

    Example:
        >>> MaskFiles(("a.png",), ("none",), "b.png").named()
        {'--content-mask (a.png)': 'a.png', '--keep-mask': 'b.png'}
    """

    content: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    keep: str | None = None

    def named(self) -> dict[str, str]:
        """Every file, by what a person calls it."""
        found = {f"--content-mask ({path})": path for path in self.content}
        found |= {f"--style-mask ({path})": path for path in self.styles if path != WHOLE}
        return found | ({"--keep-mask": self.keep} if self.keep else {})


class Devices(NamedTuple):
    """What a command asks for.

    Attributes:
        each: how many devices in each process; 0 for all that there are.
        coordinator: host:port at which the processes meet, "" for a process alone.
        processes: how many there are.
        process: the number of this one.

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
        """Whether more than one may share the work."""
        return self.each != 1 or self.processes > 1

    @property
    def writes(self) -> bool:
        """Whether this process writes the painting and tells of it."""
        return self.process == 0


class Resume(NamedTuple):
    """A command that goes on from the checkpoint at `path`, and all of its words."""

    path: str
    words: tuple[str, ...]
    quiet: bool


@dataclass(frozen=True)
class Request:
    """What a command asks for.

    Attributes:
        content, styles, output: paths as they were typed, - for standard input and output;
            `output` derived if it was not.
        preset: its name.
        config: the preset with the options that were typed.
        network: "vgg16" or "vgg19"; None for whichever `weights` hold.
        weights: path of a weight file, or None.
        preprocess: "caffe" or "torchvision" if the input of `weights` was named, else None.
        offline: whether a download is forbidden.
        init_image: path of the picture to start from, or None.
        masks: paths of masks.
        max_pixels, max_file_size: of the pictures that are read.
        bits: 8 or 16 for each channel of the output.
        bucket: what the side that the size leaves free is rounded up to a multiple of.
        save_every: steps between two snapshots, 0 for none.
        snapshots: folder of the snapshots.
        log: path of the log, or None.
        checkpoint: path of the checkpoint, or None.
        checkpoint_every: how often it is written.
        resume: path of the checkpoint that the run goes on from, or None.
        memory: bytes that may be used, or None for what is free.
        tile: pixels of the windows, 0 for the whole picture at once, or None if it was not typed.
        devices: what shares the work.
        quiet: whether only errors are told.
        notes: what a person should know about the command before it runs.
    """

    content: str
    styles: tuple[str, ...]
    output: str
    preset: str
    config: Config
    network: str | None
    weights: str | None
    preprocess: str | None
    offline: bool
    init_image: str | None
    masks: MaskFiles
    max_pixels: int
    max_file_size: int
    bits: int
    bucket: int
    save_every: int
    snapshots: str
    log: str | None
    checkpoint: str | None
    checkpoint_every: Interval
    resume: str | None
    memory: int | None
    tile: int | None
    devices: Devices
    quiet: bool
    notes: tuple[str, ...]

    @property
    def sheet(self) -> str:
        """Path of the contact sheet."""
        return beside(self.output, "_sheet.png")


def beside(output: str, ending: str) -> str:
    """A path next to `output`, with its name up to the suffix and another ending.

    >>> beside("art/cat.jpg", "_steps"), beside("-", "_steps")
    ('art/cat_steps', 'painting_steps')
    """
    path = Path("painting" if output == STREAM else output)
    return str(path.with_name(path.stem + ending))


class Batch(NamedTuple):
    """A command that asks for many paintings.

    Attributes:
        words: those that every painting shares.
        contents, styles: as typed: files, folders and patterns.
        combine: "every-pair", "pairs" or "blend".
        sweeps: options and the values to try, each with each.
        templates: the typed ones of the options in `TEMPLATED`, by name.
        bucket: what the free side of a painting is rounded up to a multiple of.
        overwrite: whether finished paintings and foreign files are replaced.
        quiet: whether only results and errors are told.
    """

    words: tuple[str, ...]
    contents: tuple[str, ...]
    styles: tuple[str, ...]
    combine: str
    sweeps: tuple[Sweep, ...]
    templates: Mapping[str, str]
    bucket: int
    overwrite: bool
    quiet: bool
