"""The requests of a command, as values: one painting, many, or a run to resume."""

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
        content: for each style, the region of the content painted in it; or empty.
        styles: for each style, the part of it that counts, `WHOLE` for all; or empty.
        keep: the part of the content that stays as it is, or None.

    Example:
        >>> MaskFiles(("a.png",), ("none",), "b.png").named()
        {'--content-mask (a.png)': 'a.png', '--keep-mask': 'b.png'}
    """

    content: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    keep: str | None = None

    def named(self) -> dict[str, str]:
        """Every file, by the option that names it."""
        files = {f"--content-mask ({path})": path for path in self.content}
        files |= {f"--style-mask ({path})": path for path in self.styles if path != WHOLE}
        return files | ({"--keep-mask": self.keep} if self.keep else {})


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


class Resume(NamedTuple):
    """A command that resumes from the checkpoint at `path`, with all of its words."""

    path: str
    words: tuple[str, ...]
    quiet: bool


@dataclass(frozen=True)
class Request:
    """A command that asks for one painting.

    Attributes:
        content, styles, output: paths as typed, - for standard input and output; `output` is
            derived if it was not typed.
        preset: name of the preset.
        config: the preset with the options that were typed.
        network: "vgg16" or "vgg19"; None for whichever `weights` hold.
        weights: path of a weight file, or None.
        preprocess: "caffe" or "torchvision" if the input of `weights` was named, else None.
        offline: whether a download is forbidden.
        init_image: path of the picture to start from, or None.
        masks: paths of masks.
        max_pixels, max_file_size: limits of the pictures that are read.
        bits: 8 or 16, per channel of the output.
        bucket: the side that the size leaves free is rounded up to a multiple of this.
        save_every: steps between two snapshots, 0 for none.
        snapshots: folder of the snapshots.
        log: path of the log, or None.
        checkpoint: path of the checkpoint, or None.
        checkpoint_every: how often it is written.
        resume: path of the checkpoint that the run resumes from, or None.
        memory: bytes that may be used, or None for what is free.
        tile: pixels of the windows, 0 for the whole picture at once, or None if it was not typed.
        devices: the devices that share the work.
        quiet: whether only the result and errors are printed.
        notes: messages to the user about the command before it runs.
        new_folder: whether the output was named as a folder, which is made if it is not there.
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
    new_folder: bool = False

    @property
    def sheet(self) -> str:
        """Path of the contact sheet."""
        return beside(self.output, "_sheet.png")


def beside(output: str, ending: str) -> str:
    """A path next to `output`, with its stem and another ending.

    >>> beside("art/cat.jpg", "_steps"), beside("-", "_steps")
    ('art/cat_steps', 'painting_steps')
    """
    path = Path("painting" if output == STREAM else output)
    return str(path.with_name(path.stem + ending))


class Batch(NamedTuple):
    """A command that asks for many paintings.

    Attributes:
        words: the words that every painting shares.
        contents, styles: as typed: files, folders and patterns.
        combine: "every-pair", "pairs" or "blend".
        sweeps: options and the values to try, in all combinations.
        templates: the typed values of the options in `TEMPLATED`, by name.
        bucket: the free side of a painting is rounded up to a multiple of this.
        overwrite: whether finished paintings and files not made by jnst are replaced.
        quiet: whether only results and errors are printed.
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
