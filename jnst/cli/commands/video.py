"""`jnst video`: paints a film, or goes on with one.

Errors are exceptions, which `jnst.cli.main` turns into one line and an exit code.
"""

from collections.abc import Sequence

from ...system import program_version
from ...video.child import check_installed
from ...video.folder import FrameFolder
from ...video.frame_files import is_frames
from .. import compilation_cache
from ..console import tell
from ..film.paint import paint_film
from ..film.resume import continued_film
from ..options.film import FilmResume, parse_film


def main(argv: Sequence[str]) -> int:
    """Paints, and returns the exit code.

    Args:
        argv: the words after `video`.

    Raises:
        UsageError: for wrong words.
        ImportError: without the extra `video`.
        OSError, ValueError: if a file cannot be read or written, or is not what it should be.
    """
    asked = parse_film(argv, version=program_version())
    settled = None
    if isinstance(asked, FilmResume):
        run = FrameFolder(asked.path).read_run()
        request, settled = continued_film(asked, run), dict(run.get("settled", {}))
    else:
        request = asked
    painting = request.painting
    if not (is_frames(painting.content) and is_frames(painting.output)):
        check_installed()
    if (reason := compilation_cache.turn_on()) and not painting.quiet:
        tell(f"note: {reason}")
    return paint_film(request, settled)
