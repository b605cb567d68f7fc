"""`jnst curves`: the losses of a run, drawn from its log."""

from collections.abc import Sequence

from ...figures.curves import loss_curves
from ...figures.panels import save_figure
from ...files import prove_writable
from ..console import show
from ..options.parser import Parser
from .filters import check_figure_path


def main(argv: Sequence[str]) -> int:
    """Draws the curves, prints the picture's path, and returns 0.

    Args:
        argv: the words after `curves`.

    Raises:
        UsageError: for wrong words; the message suggests the nearest valid ones.
        OSError, ValueError: if the file is not a readable log, or the picture cannot be written.
    """
    parser = Parser(
        prog="jnst curves",
        description="Draws the losses of a run, term by term.",
        allow_abbrev=False,
    )
    parser.add_argument("--log", metavar="FILE", required=True, help="written by jnst … --log FILE")
    parser.add_argument(
        "--output", metavar="FILE", required=True, help="the picture to write, .png or .svg"
    )
    typed = parser.parse_args(list(argv))
    check_figure_path(typed.output, (typed.log,))
    prove_writable(typed.output)
    save_figure(loss_curves(typed.log), typed.output)
    show(typed.output)
    return 0
