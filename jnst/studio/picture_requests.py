"""The requests about pictures: uploads and the shelf."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .answers import Problem, answer, body_chunks
from .made_by import made_by
from .state import Studio

KINDS = ("picture", "mask", "clip")
_SHELF, _UPLOADS_AT_ONCE = 200, 4


class PictureRequests:
    """The answers to requests about pictures."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._uploads = asyncio.Semaphore(_UPLOADS_AT_ONCE)

    async def put(self, request: Request) -> Response:
        """Takes an upload, of any name."""
        kind = request.query_params.get("kind", "picture")
        if kind not in KINDS:
            raise Problem(400, f"an upload is of the kind {', '.join(KINDS)}, not {kind[:40]!r}")
        async with self._uploads:
            chunks = body_chunks(request, self._studio.limits.upload_bytes)
            name = request.query_params.get("name", "")
            about, is_new = await self._studio.store.add_picture(chunks, name, kind)
        self._studio.hub.touch()
        return answer(self._picture(about), 201 if is_new else 200)

    async def shelf(self, request: Request) -> Response:
        """The shelf."""
        shown = [about for about in self._studio.store.pictures.values() if about["kind"] != "mask"]
        shown = sorted(shown, key=lambda about: about["added"], reverse=True)
        used = [self._picture(a) for a in shown if not a["example"] and not a["hidden"]]
        examples = [self._picture(a) for a in shown[::-1] if a["example"] and not a["hidden"]]
        return answer({"examples": examples, "used": used[:_SHELF]})

    async def picture(self, request: Request) -> Response:
        return answer(self._picture(self._studio.store.picture(request.path_params["id"])))

    async def delete(self, request: Request) -> Response:
        self._studio.store.hide_picture(request.path_params["id"])
        self._studio.hub.touch()
        return Response(status_code=204)

    def _picture(self, about: dict[str, Any]) -> dict[str, Any]:
        keys = ("id", "name", "kind", "width", "height", "frames", "seconds")
        urls = {kind: f"/files/pictures/{about['id']}/{kind}" for kind in ("thumb", "view")}
        maker = made_by(about["parameters"], self._studio.store.pictures)
        known = {key: about[key] for key in keys if key in about}
        return known | urls | {"made_by": maker}
