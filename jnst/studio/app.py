"""The application: every address, and what answers there."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from .answers import Problem, answer, refusal
from .controls import describe_page
from .events import EventStream
from .file_requests import FileRequests
from .guard import Guard
from .job_requests import JobRequests
from .picture_requests import PictureRequests
from .recipes import ID, MOST_PAINTINGS, MOST_STYLES
from .state import EXAMPLES, Limits, Studio


class _Identifier(Convertor[str]):
    regex = ID.pattern

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("id", _Identifier())


def _routes(studio: Studio) -> list[Route]:
    """Every address of the studio."""
    files, pictures, jobs = FileRequests(studio), PictureRequests(studio), JobRequests(studio)

    async def controls(request: Request) -> Response:
        limits = {"styles": MOST_STYLES, "sweep": MOST_PAINTINGS}
        return answer(describe_page() | {"folder": str(studio.store.folder), "limits": limits})

    async def events(request: Request) -> EventStream:
        return EventStream(studio.hub, request.headers.get("last-event-id", ""), jobs.news)

    async def space(request: Request) -> Response:
        await studio.store.measure()
        return answer(studio.store.space())

    async def empty_trash(request: Request) -> Response:
        used = {i for job in studio.runner.jobs.values() for i in job.recipe.pictures}
        await studio.store.empty_trash(used)
        studio.hub.touch()
        return Response(status_code=204)

    job, saved = "/api/jobs/{id:id}", "/files/jobs/{id:id}"
    read = [
        ("/", files.page),
        ("/page/{name}", files.page),
        ("/files/pictures/{id:id}/{kind}", files.picture),
        ("/api/controls", controls),
        ("/api/pictures", pictures.shelf),
        ("/api/pictures/{id:id}", pictures.picture),
        ("/api/jobs", jobs.gallery),
        (job, jobs.job),
        ("/api/space", space),
        ("/api/events", events),
        (f"{saved}/sheet", files.sheet),
    ]
    for place in (saved, f"{saved}/cells/{{cell:int}}"):
        read += [
            (f"{place}/steps/{{step:int}}", files.snapshot),
            (f"{place}/thumb", files.thumb),
            (f"{place}/download/{{kind}}", files.download),
        ]
    read += [
        (f"{saved}/result", files.painting),
        (f"{saved}/cells/{{cell:int}}", files.painting),
    ]
    write = [
        ("POST", "/api/check", jobs.check),
        ("PUT", "/api/pictures", pictures.put),
        ("DELETE", "/api/pictures/{id:id}", pictures.delete),
        ("POST", "/api/jobs", jobs.add),
        ("POST", f"{job}/stop", jobs.stop),
        ("POST", f"{job}/go-on", jobs.go_on),
        ("POST", f"{job}/cancel", jobs.cancel),
        ("POST", f"{job}/restore", jobs.restore),
        ("DELETE", job, jobs.delete),
        ("PUT", "/api/queue", jobs.arrange),
        ("DELETE", "/api/trash", empty_trash),
    ]
    every = [("GET", path, endpoint) for path, endpoint in read] + write
    return [Route(path, endpoint, methods=[method]) for method, path, endpoint in every]


def make_app(
    folder: Path,
    limits: Limits,
    *,
    host: str = "127.0.0.1",
    port: int,
    token: str | None = None,
    examples: Path = EXAMPLES,
) -> ASGIApp:
    """The ASGI application of a studio in a folder."""
    studio = Studio(folder, limits, examples)

    async def refused(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            line = {404: "there is nothing at this address", 405: "not in this way"}
            return refusal(Problem(error.status_code, line.get(error.status_code, error.detail)))
        if isinstance(error, Problem):
            return refusal(error)
        return refusal(Problem(500, f"unexpected {type(error).__name__}: {error}"))

    app = Starlette(
        routes=_routes(studio),
        lifespan=lambda _: studio.open(),
        exception_handlers={HTTPException: refused, Problem: refused, Exception: refused},
    )
    app.router.redirect_slashes = False
    return Guard(app, host, port, token)
