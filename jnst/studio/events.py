"""Live news for the pages: one stream of server-sent events each, which holds no queue.

Every change has a number. A stream remembers only the number of what it has sent, and sends the
jobs that changed since as they are now: a slow page skips what is past, and costs no memory.
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Iterable
from typing import Any

from starlette.types import Receive, Scope, Send

from .answers import Problem

MOST_STREAMS = 24
_PAUSE_SECONDS, _BEAT_SECONDS = 0.25, 15.0
_REMEMBERED = 1000


class Hub:
    """The numbers of the latest changes."""

    def __init__(self) -> None:
        self.boot, self.number = secrets.token_hex(4), 1
        self._changed: dict[str, int] = {}
        self._news = asyncio.Event()
        self.streams = 0

    def touch(self, *identifiers: str) -> None:
        """Something about these jobs has changed, or without any about the queue or the shelf."""
        self.number += 1
        for identifier in identifiers:
            self._changed.pop(identifier, None)
            self._changed[identifier] = self.number
        while len(self._changed) > _REMEMBERED:
            del self._changed[next(iter(self._changed))]
        self._news.set()
        self._news = asyncio.Event()

    def since(self, number: int) -> Iterable[str] | None:
        """The jobs that changed after a number; None if that is forgotten."""
        oldest = min(self._changed.values(), default=0)
        if len(self._changed) >= _REMEMBERED and number < oldest:
            return None
        return [identifier for identifier, at in self._changed.items() if at > number]

    async def wait(self, number: int) -> bool:
        """Waits for a change after a number; False if there is none for a while."""
        if self.number > number:
            return True
        try:
            async with asyncio.timeout(_BEAT_SECONDS):
                await self._news.wait()
        except TimeoutError:
            return False
        return True


class EventStream:
    """The response of `/api/events`.

    Args:
        hub: where the numbers are.
        known: the `Last-Event-ID` of a page that comes back, or "".
        describe: from the ids that changed, or None for everything, to the data of an event.
    """

    def __init__(
        self, hub: Hub, known: str, describe: Callable[[Iterable[str] | None], dict[str, Any]]
    ) -> None:
        if hub.streams >= MOST_STREAMS:
            raise Problem(429, f"{MOST_STREAMS} pages watch the studio already: close one")
        self._hub, self._describe = hub, describe
        boot, _, number = known.partition("-")
        self._seen = int(number) if boot == hub.boot and number.isdecimal() else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._hub.streams += 1
        writing = asyncio.create_task(self._write(send))
        try:
            gone = asyncio.create_task(_gone(receive))
            await asyncio.wait({writing, gone}, return_when=asyncio.FIRST_COMPLETED)
            gone.cancel()
        finally:
            self._hub.streams -= 1
            writing.cancel()

    async def _write(self, send: Send) -> None:
        headers = {"content-type": "text/event-stream", "cache-control": "no-store"}
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": pairs})
        seen, text = self._seen, "retry: 1000\n\n"
        while True:
            number = self._hub.number
            if seen is None or number > seen:
                changed = None if seen is None else self._hub.since(seen)
                data = json.dumps({"full": changed is None} | self._describe(changed))
                text += f"id: {self._hub.boot}-{number}\nevent: changes\ndata: {data}\n\n"
                seen = number
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
            await asyncio.sleep(_PAUSE_SECONDS)
            text = "" if await self._hub.wait(seen) else ": here\n\n"


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
