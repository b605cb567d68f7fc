"""JSON answers, the error that becomes one, and request bodies read within limits."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

_JSON_BYTES = 64_000
_CHUNK_SECONDS = 20.0
# After half a minute a body must have come at this many bytes a second.
_PATIENCE_SECONDS, _SLOWEST = 30.0, 10_000


class Problem(Exception):
    """A refused request: its status, one line for the user, and the control that it is about."""

    def __init__(self, status: int, line: str, field: str | None = None) -> None:
        super().__init__(line)
        self.status, self.line, self.field = status, " ".join(line.split()), field


def answer(data: Any, status: int = 200) -> Response:
    """A JSON response, in ASCII: lone surrogates in a text have no bytes in UTF-8."""
    return Response(json.dumps(data), status, media_type="application/json")


def refusal(problem: Problem) -> Response:
    """The response for a problem; it ends the connection, whose body may not have been read."""
    response = answer({"error": problem.line, "field": problem.field}, problem.status)
    response.headers["Connection"] = "close"
    return response


async def body_chunks(request: Request, most: int) -> AsyncIterator[bytes]:
    """The body of a request, chunk by chunk.

    Raises:
        Problem: 413 for more than `most` bytes, 408 for a client that is too slow, 400 for one that
            goes away or announces a length that is no number.
    """
    too_large = Problem(413, f"this is larger than {most:,} bytes: send less")
    announced = request.headers.get("content-length", "0")
    if not announced.isdigit():
        raise Problem(400, "Content-Length is no number")
    if int(announced) > most:
        raise too_large
    begun, size, chunks = time.monotonic(), 0, aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(_CHUNK_SECONDS):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Problem(408, "the data stopped coming: send it again") from None
        except ClientDisconnect:
            raise Problem(400, "the connection was closed before all data had come") from None
        size += len(chunk)
        seconds = time.monotonic() - begun
        if size > most:
            raise too_large
        if seconds > _PATIENCE_SECONDS and size < _SLOWEST * seconds:
            raise Problem(408, "the data comes too slowly: send it again")
        yield chunk


async def read_json(request: Request, *known: str) -> dict[str, Any]:
    """The JSON object in the body of a request, with no key but the known ones.

    Raises:
        Problem: 415 for another content type, 413 for a large body, 400 for anything but an object
            of these keys.
    """
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        raise Problem(415, "send JSON, with Content-Type: application/json")
    body = b"".join([chunk async for chunk in body_chunks(request, _JSON_BYTES)])
    try:
        data = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Problem(400, f"the body is no JSON: {error}") from None
    if not isinstance(data, dict):
        raise Problem(400, "the body is no JSON object: send {…}")
    for key in data:
        if key not in known:
            raise Problem(400, f"unknown key {key[:40]!r}: known are {', '.join(known)}")
    return data


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")
