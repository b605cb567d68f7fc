"""The requests for files: the page itself, pictures, paintings, snapshots, downloads."""

import re
import secrets
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from .answers import Problem
from .jobs import EXPORTS, FILM_EXPORTS, Job
from .state import Studio

PAGE = Path(__file__).parent / "page"
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+")
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".tif": "image/tiff",
    ".mp4": "video/mp4",
}
_LASTING = "private, max-age=31536000, immutable"


class FileRequests:
    """The answers to requests for files."""

    def __init__(self, studio: Studio) -> None:
        self._store, self._runner, self._reader = studio.store, studio.runner, studio.reader

    async def page(self, request: Request) -> Response:
        """A file of the page, by its name alone."""
        name = request.path_params.get("name", "index.html")
        path = PAGE / name
        if not _NAME.fullmatch(name) or path.suffix not in _KINDS or not path.is_file():
            raise Problem(404, "the page has no such file")
        return _file(path, "no-cache")

    async def picture(self, request: Request) -> Response:
        """A picture's thumbnail, its view, or the file as it was uploaded."""
        identifier, kind = request.path_params["id"], request.path_params["kind"]
        if kind in ("thumb", "view"):
            return _file(self._store.derived(identifier, kind))
        about = self._store.picture(identifier)
        # Never shown by the browser: its bytes are a stranger's.
        return FileResponse(
            self._store.folder / self._store.picture_path(identifier),
            media_type="application/octet-stream",
            filename=about["name"],
        )

    async def snapshot(self, request: Request) -> Response:
        job, cell = self._cell(request)
        step = request.path_params["step"]
        return _file(job.snapshot(cell, step))

    async def painting(self, request: Request) -> Response:
        job, cell = self._cell(request)
        return _file(job.path(cell, job.ending))

    async def sheet(self, request: Request) -> Response:
        """The sheet of a sweep."""
        job, _ = self._cell(request)
        return _file(job.sheet() or Path("sheet"))

    async def thumb(self, request: Request) -> Response:
        """A painting's thumbnail, made when it is first asked for."""
        job, cell = self._cell(request)
        return _file(await self._made(job, cell, "_thumb.jpg", "thumb"))

    async def download(self, request: Request) -> Response:
        """A painting in a format, to be saved."""
        job, cell = self._cell(request)
        kind = request.path_params["kind"]
        exports = FILM_EXPORTS if job.is_film else EXPORTS
        if kind not in exports:
            raise Problem(404, f"there is no format {kind[:40]!r}: {', '.join(exports)}")
        ending, bits = exports[kind]
        path = job.path(cell, job.ending)
        if kind not in ("png16", "mp4"):
            path = await self._made(job, cell, f"_{kind}{ending}", "export", bits=bits)
        number = f"_{cell:03}" if len(job.cells) > 1 else ""
        name = f"{job.data['name']}{number}{ending}"
        return FileResponse(_existing(path), media_type=_KINDS[ending], filename=name)

    def _cell(self, request: Request) -> tuple[Job, int]:
        job, cell = self._runner.job(request.path_params["id"]), request.path_params.get("cell", 1)
        if not 1 <= cell <= len(job.cells):
            raise Problem(404, f"there is no painting {cell} in it")
        return job, cell

    async def _made(self, job: Job, cell: int, ending: str, task: str, **options: int) -> Path:
        """A file made of a painting, again if the painting is newer."""
        source, path = _existing(job.picture(cell)), job.path(cell, ending)
        made = source.stat().st_mtime_ns
        if not path.exists() or path.stat().st_mtime_ns < made:
            if task != "thumb":
                self._store.check_room()
            # Under another name first: two may ask at the same time.
            draft = self._store.folder / "incoming" / f"{secrets.token_hex(16)}{path.suffix}"
            await self._reader.ask(task, path=source, to=draft, **options)
            draft.replace(path)
        return path


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise Problem(404, "there is no such picture (yet)")
    return path


def _file(path: Path, cache: str = _LASTING) -> Response:
    headers = {"Cache-Control": cache}
    return FileResponse(_existing(path), headers=headers, media_type=_KINDS[path.suffix])
