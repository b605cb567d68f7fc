"""`jnst studio`: the options, and the server's start and end."""

import contextlib
import secrets
import socket
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from ..cli.options.parser import Parser
from ..cli.options.values import size_in_bytes
from ..cli.options.words import UsageError, option

_SHORTEST_TOKEN = 16
_NUMBERS = (
    ("port", int, "8765", "of the page's address; 0 takes any that is free"),
    ("at-once", int, "1", "paintings at a time"),
    ("most-jobs", int, "100", "paintings that may wait"),
    ("most-bytes", size_in_bytes, "20GB", "what the folder may take"),
    ("most-upload", size_in_bytes, "200MB", "a picture's file"),
    ("max-pixels", int, "64000000", "a picture's pixels"),
)
"""Names, kinds, defaults and helps of options."""
# Until a process that a killed studio was just about to start has let go of it.
_LOCK_SECONDS = 1.0
_MISSING = "the studio needs another package: pip install 'jnst[studio]'"


def main(argv: Sequence[str]) -> int:
    """Serves the studio until it is stopped, and returns 0.

    Args:
        argv: the words after `studio`.

    Raises:
        UsageError: for wrong words.
        ImportError: without the extra `studio`.
        OSError: if the folder cannot be written or another studio has it, or the port is in use.
    """
    typed = make_parser().parse_args(list(argv))
    for name in ("most_jobs", "at_once", "max_pixels"):
        if getattr(typed, name) < 1:
            raise UsageError(f"{option(name)} is {getattr(typed, name)}: give at least 1")
    if not 0 <= typed.port < 2**16:
        raise UsageError(f"--port is {typed.port}: give a number up to 65535, or 0 for any")
    if sys.platform == "win32":
        raise OSError("the studio needs Linux or macOS")
    try:
        import uvicorn

        from .app import Limits, make_app
        from .guard import is_loopback
        from .protocol import PatientProtocol
        from .worker import locked
    except ImportError as error:
        raise ImportError(_MISSING) from error
    token = secrets.token_urlsafe(24) if typed.token == "" else typed.token
    if token is None and not is_loopback(typed.host):
        raise UsageError(f"--host {typed.host} can be reached from outside: add --token")
    if token and len(token) < _SHORTEST_TOKEN:
        raise UsageError(f"--token is too short: give {_SHORTEST_TOKEN} characters, or none")
    folder = Path(typed.folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock, _bound(typed.host, typed.port) as bound:
        if not locked(lock.fileno(), _LOCK_SECONDS):
            raise OSError(f"another studio is open in {folder}: close it, or name another folder")
        port = bound.getsockname()[1]
        limits = Limits(
            upload_bytes=typed.most_upload,
            pixels=typed.max_pixels,
            all_bytes=typed.most_bytes,
            waiting=typed.most_jobs,
            at_once=typed.at_once,
        )
        app = make_app(folder, limits, host=typed.host, port=port, token=token)
        host = f"[{typed.host}]" if ":" in typed.host else typed.host
        address = f"http://{host}:{port}/" + (f"?token={token}" if token else "")
        print(address, flush=True)
        print(f"jnst: the studio is open, in {folder}; Ctrl-C closes it", file=sys.stderr)
        config = uvicorn.Config(
            app,
            http=PatientProtocol,
            ws="none",
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=400,
            timeout_graceful_shutdown=2,
        )
        if typed.open:
            webbrowser.open(address)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[bound])
    return 0


def make_parser() -> Parser:
    """The parser of `jnst studio`."""
    parser = Parser(
        prog="jnst studio",
        description="Opens a page in which pictures are chosen, painted and kept.",
        epilog="The folder holds everything; the studio can be closed, or killed, at any moment.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "folder", nargs="?", default="studio", help="pictures and paintings (default: studio)"
    )
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    for name, kind, default, text in _NUMBERS:
        shown = "N" if kind is int else default
        text = f"{text} (default: {default})"
        parser.add_argument(f"--{name}", type=kind, default=default, metavar=shown, help=text)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="an address of this machine, for other devices; takes --token (default: 127.0.0.1)",
    )
    parser.add_argument(
        "--token",
        nargs="?",
        const="",
        metavar="TEXT",
        help="a secret in the page's address, without which nobody gets in (default: a random one)",
    )
    return parser


def _bound(host: str, port: int) -> socket.socket:
    """A socket at the address; OSError with a hint if it is taken."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise OSError(f"{host}:{port} can't be used ({error}): choose another --port") from None
