"""The entry point `main`: runs a command line and returns its exit code.

Exit codes: 0 done; 1 a file, the network or the computation failed; 2 the command is wrong;
128 + n stopped by signal n. Every failure is reported in one line on standard error.
"""

import codecs
import importlib
import io
import logging
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial

from ..config import save_config
from ..images import read_parameters
from ..system import program_version
from ..transfer import load_checkpoint
from ..video.film import is_film, read_film_parameters
from ..wording import field_of
from . import compilation_cache, distributed
from .batch.run import run as run_batch
from .console import explain, fill_closed_streams, show, tell
from .options.devices import Devices
from .options.film import parse_film
from .options.parser import SUBCOMMANDS
from .options.parsing import parse
from .options.request import Batch, Resume, Save
from .options.words import UsageError
from .output import command_words
from .paint import load_network, paint
from .resume import continued


def main(
    argv: Sequence[str] | None = None,
    hear: Callable[[str, str | None], None] = lambda line, field: None,
) -> int:
    """Runs a command and returns its exit code.

    Args:
        argv: the words after the program's name; default: those of this process.
        hear: called with the line and the field (`jnst.wording.field_of`) of each error.
    """

    def reported(error: Exception) -> str:
        line = explain(error)
        hear(line, field_of(error))
        return line

    words = list(sys.argv[1:] if argv is None else argv)
    devices: Devices | None = None
    fill_closed_streams()
    logging.getLogger("jax").setLevel(logging.ERROR)
    if isinstance(sys.stdout, io.TextIOWrapper):
        codecs.register_error("name", _as_named)
        sys.stdout.reconfigure(errors="name")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = partial(_tell_warning, False)
            if words and words[0] in SUBCOMMANDS:
                return int(importlib.import_module(SUBCOMMANDS[words[0]]).main(words[1:]))
            command = parse(words, version=program_version())
            if isinstance(command, str):
                return _rerun(command)
            if isinstance(command, Save):
                save_config(command.path, command.config, command.preset)
                if command.then is None:
                    show(command.path)
                    return 0
                command = command.then
            warnings.showwarning = partial(_tell_warning, command.quiet)
            devices = command.devices
            distributed.begin(devices)
            if reason := compilation_cache.turn_on():
                _tell_warning(command.quiet, reason)
            if isinstance(command, Resume):
                checkpoint = load_checkpoint(command.path)
                return paint(continued(command, checkpoint.notes), checkpoint)
            if isinstance(command, Batch):
                shared_devices = distributed.chosen(devices) if devices.several else ()
                return run_batch(command, paint, load_network, reported, shared_devices)
            return paint(command)
    except SystemExit as end:
        return int(end.code or 0)
    except KeyboardInterrupt:
        tell("stopped at once")
        return 130
    except Exception as error:
        if os.environ.get("JNST_DEBUG"):
            raise
        if devices is not None and distributed.peer_lost(devices, error):
            tell(distributed.PEER_LOST)
            distributed.leave(1)
        tell(f"error: {reported(error)}")
        return 2 if isinstance(error, UsageError) else 1


def _as_named(error: UnicodeError) -> tuple[str | bytes, int]:
    """A byte of a file's name that is no text, as it is in the name; the code of any other sign
    that standard output lacks, which must not fail a finished run."""
    assert isinstance(error, UnicodeEncodeError)
    code = ord(error.object[error.start])
    if 0xDC80 <= code <= 0xDCFF:
        return bytes([code - 0xDC00]), error.start + 1
    return codecs.backslashreplace_errors(error)


def _tell_warning(quiet: bool, message: Warning | str, *_: object) -> None:
    if not compilation_cache.took_care_of(message) and not quiet:
        tell(f"note: {message}")


def _rerun(path: str) -> int:
    """Prints the command in a painting, which anybody may have written: quoted anew, if it is one
    of jnst's."""
    read = read_film_parameters if is_film(path) else read_parameters
    command = read(path).get("command")
    if not command:
        raise ValueError(f"{path} does not say by which command it was made")
    try:
        if not command.isprintable():
            raise ValueError("it has control characters")
        words = shlex.split(command)
        match words:
            case ["jnst", *options]:
                pass
            case ["python", program, *options] if program.endswith("cli.py"):
                pass
            case _:
                raise ValueError("it is none of jnst")
        # No painting names these: jnst writes the options that a file of settings stands for.
        if {"--help", "-h", "--version", "--config"} & {word.split("=")[0] for word in options}:
            raise ValueError("it is none of jnst")
        if options[:1] == ["video"]:
            parse_film(options[1:])
        else:
            parse(options)
    except ValueError as error:
        raise ValueError(f"the command in {path} is not shown: {error}") from None
    show(command_words(sys.argv[0], options))
    return 0
