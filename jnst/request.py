"""What a command asks for, as values."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .config import Config
from .device_options import Devices
from .mask_options import MaskFiles
from .parser import STREAM
from .typed_words import Interval


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
