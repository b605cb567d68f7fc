"""Griffe extension: doctests in docstrings are shown as code."""

import re
from typing import Any

import griffe

_DOCTEST = re.compile(r"^([ ]*)>>> .*(?:\n\1[^\n]+)*", re.MULTILINE)


def fenced(text: str) -> str:
    """The text with a code fence around each doctest, which ends at a blank line."""
    return _DOCTEST.sub(lambda found: f"{found[1]}```pycon\n{found[0]}\n{found[1]}```", text)


class Doctests(griffe.Extension):
    """Puts the fences into every docstring."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called by griffe for each module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)
