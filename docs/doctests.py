"""Griffe extension: doctests in docstrings are shown as code, and several names as names."""

import inspect
import re
from typing import Any

import griffe

from jnst.config import Config

_DOCTEST = re.compile(r"^([ ]*)>>> .*(?:\n\1[^\n]+)*", re.MULTILINE)

# "height, width: in pixels", of which griffe would take the second for the type of the first.
_NAMES = re.compile(r"^ +\w+(?:, \w+)+:", re.MULTILINE)


def fenced(text: str) -> str:
    """The text with a code fence around each doctest, which ends at a blank line."""
    return _DOCTEST.sub(lambda found: f"{found[1]}```pycon\n{found[0]}\n{found[1]}```", text)


def joined(text: str) -> str:
    """The text with a no-break space between the names of one entry."""
    return _NAMES.sub(lambda found: found[0].replace(", ", ",\N{NO-BREAK SPACE}"), text)


class Doctests(griffe.Extension):
    """Prepares every docstring."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called by griffe for each module, class, function and attribute."""
        if obj.path == "jnst.config.config.Config" and obj.docstring:
            # The text of each field is in the docstring only when the class has been made.
            obj.docstring.value = inspect.getdoc(Config) or ""
        if obj.docstring:
            obj.docstring.value = joined(fenced(obj.docstring.value))
