"""The options of the command: words in, a checked `Request`, `Batch` or `Resume` out.

Nothing is painted here, and no picture is read. Wrong words raise a `UsageError`, whose message is
one line for the user.
"""

from .parsing import parse as parse
from .request import Batch as Batch
from .request import Request as Request
from .request import Resume as Resume
from .words import UsageError as UsageError

__all__ = ["Batch", "Request", "Resume", "UsageError", "parse"]
