"""The guard: an ASGI middleware that every request and every response passes."""

import asyncio
import hashlib
import hmac
import ipaddress
import re
import socket
import sys
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .answers import Problem, refusal

HEADER = "X-Jnst-Studio"
COOKIE = "jnst_studio"
_READS = ("GET", "HEAD")
_SEND_SECONDS = 30.0
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::([0-9]{1,5}))?", re.IGNORECASE)

_RESPONSE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Guard:
    """Refuses what does not come from the studio's own page, and adds the safety headers.

    Args:
        app: what answers the requests that pass.
        host: the address that the server is bound to.
        port: its port.
        token: the secret that every client must know, or None on the loopback address.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, token: str | None) -> None:
        self._app, self._host, self._port, self._token = app, host, port, token
        # The browser keeps a digest: whoever sees the cookie does not see the token.
        self._cookie = _digest(token) if token else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        begun = False

        async def guarded_send(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                pairs = [(k.lower().encode(), v.encode()) for k, v in _RESPONSE_HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *pairs]
            # A client that does not read must not hold its answer for ever.
            async with asyncio.timeout(_SEND_SECONDS):
                await send(message)

        try:
            try:
                headers = Headers(scope=scope)
                if moved := self._token_checked(scope, headers):
                    await guarded_send({"type": "http.response.start", "status": 303} | moved)
                    return await guarded_send({"type": "http.response.body"})
                self._check(scope, headers)
                await self._app(scope, receive, guarded_send)
            except Problem as problem:
                await refusal(problem)(scope, receive, guarded_send)
        except TimeoutError:
            pass  # the connection ends with the unfinished response
        except Exception as error:
            print(f"jnst: error: {scope['path']}: {error!r}", file=sys.stderr)
            if not begun:
                line = f"unexpected {type(error).__name__}: {error}"
                await refusal(Problem(500, line))(scope, receive, guarded_send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        """Raises Problem 403 for a request that another page could have sent."""
        method, origin = scope["method"], headers.get("origin")
        if method in _READS:
            home = scope["path"] == "/" and headers.get("sec-fetch-mode", "navigate") == "navigate"
            if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not home:
                raise Problem(403, "another page may not read from the studio")
            return
        if origin != f"http://{headers['host']}":
            raise Problem(403, f"only the studio's own page may change anything, not {origin}")
        if headers.get(HEADER) != "1":
            raise Problem(403, f"the header {HEADER}: 1 is missing")

    def _token_checked(self, scope: Scope, headers: Headers) -> dict[str, Any] | None:
        """Checks Host and token; returns the headers of a redirection that sets the cookie."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_own(hosts[0]):
            raise Problem(403, f"the studio is not at {', '.join(hosts)[:80]!r}")
        if not self._token:
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])
        if scope["path"] == "/" and _equal(_digest(given[0]), self._cookie):
            cookie = f"{COOKIE}={self._cookie}; HttpOnly; SameSite=Strict; Path=/"
            return {"headers": [(b"location", b"/"), (b"set-cookie", cookie.encode())]}
        try:
            known = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            known = None
        if not (known and _equal(known.value, self._cookie)):
            raise Problem(401, "open the address with ?token=… that the studio printed")
        return None

    def _is_own(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        if not match or int(match[2] or 80) != self._port:
            return False
        name = match[1].strip("[]").lower()
        if name in ("127.0.0.1", "localhost", "::1", self._host):
            return True
        # A name can be made to point here by whoever owns it; an address can't.
        everywhere = self._host in ("0.0.0.0", "::")
        return everywhere and (is_address(name) or name == socket.gethostname().lower())


def is_address(name: str) -> bool:
    """Whether a host is written as a number.

    >>> is_address("192.168.0.7"), is_address("::1"), is_address("studio.example")
    (True, True, False)
    """
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def _digest(token: str) -> str:
    return hashlib.sha256(f"jnst studio {token}".encode(errors="replace")).hexdigest()


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode())
