"""What is due of a batch: which paintings are finished, which are made, and from which checkpoint.

A painting stores the recipe that made it (see `jnst.cli.output.recipe`) and whether it was
interrupted.
"""

from pathlib import Path

from ...images import read_parameters
from ...network import Params
from ...storage import is_there
from ...transfer import Checkpoint, load_checkpoint
from ..options.request import Request
from ..output import recipe
from ..pictures import read_picture
from ..resume import continued_job


def is_due(request: Request, params: Params) -> bool:
    """Whether a painting must be made, damage apart."""
    try:
        return _outdated(request, params) is not None
    except (OSError, ValueError):  # which is told when its turn comes
        return True


def why(request: Request, params: Params) -> str | None:
    """Why a painting must be made, for the user: "" if it is new; None if it is finished."""
    reason = _outdated(request, params)
    if reason is None:
        try:
            read_picture(request.output, request)
        except ValueError:
            return ", which is here but damaged"
    return reason


def _outdated(request: Request, params: Params) -> str | None:
    """As `_why`, but for damage."""
    if not is_there(request.output):
        return ""
    stored = read_parameters(request.output)
    if stored.get("recipe") != recipe(request, params):
        return ", which is here by other settings or of other pictures"
    if "step" in stored:
        return f", which was stopped at step {stored['step']}"
    return None


def begun(request: Request) -> tuple[Request, Checkpoint | None]:
    """A request and the checkpoint that it goes on from, if there is one."""
    path = request.checkpoint
    if path is None or not Path(path).exists():
        return request, None
    checkpoint = load_checkpoint(path)
    return continued_job(request, path, checkpoint.notes), checkpoint
