"""The requests of a command, as values: one painting, many, a run to resume, settings to save."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

from ...config import Config
from ...images.opening import MAX_FILE_SIZE, MAX_PIXELS
from .devices import Devices
from .groups import WHOLE
from .settings import config_of
from .sweep import Sweep
from .templates import as_template, filled, literal, names
from .values import Interval, Shard
from .words import STREAM, option_words


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


@dataclass(frozen=True)
class Request:
    """A command that asks for one painting; paths are as typed, - for standard input and output."""

    content: str
    styles: tuple[str, ...]
    output: str = ""
    preset: str = "default"
    # The fields of Config that were typed or come from a file of settings, and what they mean.
    changes: Mapping[str, Any] = field(default_factory=dict)
    config: Config = field(default_factory=Config)
    network: str | None = None  # None if it was not typed, see `architecture`
    weights: str | None = None
    preprocess: str | None = None  # of unknown weights: "caffe" or "torchvision"
    offline: bool = False
    init_image: str | None = None
    masks: MaskFiles = MaskFiles()  # noqa: RUF009
    max_pixels: int = MAX_PIXELS
    max_file_size: int = MAX_FILE_SIZE
    bits: int = 8
    bucket: int = 1  # the side that the size leaves free is rounded up to a multiple of this
    save_every: int = 0  # steps; 0: no snapshots
    snapshots: str = ""  # see `snapshot_folder`
    log: str | None = None
    checkpoint: str | None = None
    checkpoint_every: Interval | None = None  # None: every minute
    resume: str | None = None  # the checkpoint that the run continues
    memory: int | None = None  # bytes; None: what is free
    share: int | None = None  # bytes, where several paintings are made at once
    tile: int | None = None  # pixels; 0: the whole picture at once; None: as memory allows
    # Tile and history that the memory decided when the run began.
    settled: Mapping[str, int] = field(default_factory=dict)
    devices: Devices = Devices()  # noqa: RUF009
    quiet: bool = False
    notes: tuple[str, ...] = ()  # to tell before the run
    new_folder: bool = False  # the output was named as a folder, to be made if it is not there

    @property
    def architecture(self) -> str:
        """The network; of a weight file not yet read VGG-19, which has every layer of VGG-16."""
        return self.network or ("vgg19" if self.weights else "vgg16")

    @property
    def sheet(self) -> str:
        """Path of the contact sheet."""
        return beside(self.output, "_sheet.png")

    @property
    def snapshot_folder(self) -> str:
        """Path of the folder of the snapshots."""
        return self.snapshots or beside(self.output, "_steps")

    def set_to(self, preset: str, changes: Mapping[str, Any]) -> "Request":
        """The request with another preset and other changes; UsageError for wrong ones."""
        config = config_of(preset, changes, self.init_image)
        return replace(self, preset=preset, changes=changes, config=config)

    def named(self, typed: Mapping[str, str], index: int = 1, **labels: str) -> "Request":
        """The request with file names from templates.

        Args:
            typed: the templates of output, log, checkpoint and snapshots that were given.
            index: the painting's number.
            labels: fields of the templates besides those of `names`.

        Raises:
            UsageError: for an unknown field or a broken template.
        """
        own = names(
            self.content, self.styles, self.preset, self.config.size, self.config.seed, index
        )
        paths = {name: filled(name, text, own | labels) for name, text in typed.items()}
        return replace(self, **paths)  # type: ignore[arg-type]

    def words(self) -> list[str]:
        """The words of a command that makes the same painting.

        Checkpoints and devices are left out: they decide nothing about how it looks.

        >>> Request("in/cat.jpg", ("-x.png",), "cat_-x.png", changes={"size": 9}, bits=16).words()
        ['--content', 'in/cat.jpg', '--style', './-x.png', '--size', '9', '--bits', '16']
        """
        masks = self.masks
        values: dict[str, Any] = {"content": _plain(self.content)}
        values |= {"style": tuple(map(_plain, self.styles)), "init_image": self.init_image}
        values |= {"content_mask": masks.content, "style_mask": masks.styles}
        values |= {"keep_mask": masks.keep}
        values = {name: value for name, value in values.items() if value}
        if self.preset != "default":
            values["preset"] = self.preset
        values |= self.changes
        plain = self.named({"output": as_template(None)}).output
        for spec in fields(self):
            value = getattr(self, spec.name)
            if spec.name in _TOLD and value != (plain if spec.name == "output" else spec.default):
                values[spec.name] = literal(_plain(value)) if spec.name in _NAMES else value
        return [word for name, value in values.items() for word in option_words(name, value)]

    def to_json(self) -> str:
        """The values that a run needs to be resumed."""
        skipped = ("config", "devices", "notes", "resume")
        specs = (spec for spec in fields(self) if spec.name not in skipped)
        return json.dumps({spec.name: getattr(self, spec.name) for spec in specs})

    @classmethod
    def from_json(cls, text: str) -> "Request":
        """The request of `to_json`; TypeError or ValueError for one of another version."""
        values = {name: _tuples(value) for name, value in json.loads(text).items()}
        changes = {name: _tuples(value) for name, value in values["changes"].items()}
        every = values.pop("checkpoint_every")
        request = cls(
            **values | {"masks": MaskFiles(*values["masks"])},
            checkpoint_every=every and Interval(*every),
        )
        return request.set_to(request.preset, changes)


_NAMES = ("output", "log", "snapshots")
_TOLD = (
    *("network", "weights", "preprocess", "offline", "max_pixels", "max_file_size", "bits"),
    *("bucket", "save_every", "memory", "tile", *_NAMES),
)


def _plain(path: str) -> str:
    """The path, spelt so that it is not taken for an option."""
    return f"./{path}" if path.startswith("-") and path != STREAM else path


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def beside(output: str, ending: str) -> str:
    """A path next to `output`, with its stem and another ending.

    >>> beside("art/cat.jpg", "_steps"), beside("-", "_steps")
    ('art/cat_steps', 'painting_steps')
    """
    return os.path.splitext("painting" if output == STREAM else output)[0] + ending  # noqa: PTH122


class Batch(NamedTuple):
    """A command that asks for many paintings.

    Attributes:
        request: what the paintings share; pictures, file names and config are each one's own.
        contents, styles: as typed: files, folders and patterns.
        combine: "every-pair", "pairs" or "blend".
        sweeps: options and the values to try, in all combinations.
        templates: the typed values of the options in `TEMPLATED`, by name.
        overwrite: whether finished paintings and files not made by jnst are replaced.
        devices: the devices that share the paintings.
        shard: the share of the paintings that this process makes.
        cluster: address of a Dask scheduler, or local:N; "" for none.
        send_back: whether pictures and paintings are sent.
    """

    request: Request
    contents: tuple[str, ...]
    styles: tuple[str, ...]
    combine: str
    sweeps: tuple[Sweep, ...]
    templates: Mapping[str, str]
    overwrite: bool
    devices: Devices
    shard: Shard = Shard()
    cluster: str = ""
    send_back: bool = False

    @property
    def quiet(self) -> bool:
        """Whether only results and errors are printed."""
        return self.request.quiet


class Resume(NamedTuple):
    """A command that resumes a run.

    Attributes:
        path: of the checkpoint.
        values: the fields of `Request` that were typed beside it.
        templates: as of `Batch`.
        changes: the fields of `Config` that were typed.
        devices: the devices that share the work.
    """

    path: str
    values: Mapping[str, Any]
    templates: Mapping[str, str]
    changes: Mapping[str, Any]
    devices: Devices

    @property
    def quiet(self) -> bool:
        """Whether only the result and errors are printed."""
        return bool(self.values.get("quiet"))


class Save(NamedTuple):
    """A command that writes its settings to a file, and then runs another command, if any."""

    path: str
    preset: str
    config: Config
    then: Request | Batch | Resume | None
