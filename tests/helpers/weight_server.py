"""A web server on this machine that serves one content well, badly, slowly or not at all.

A path such as "/cut,missing,good" says how its first, second, and every later request is answered.
"""

import http.server
import re
import threading
from collections import Counter

HTML = b"<!DOCTYPE html><title>Please log in</title>"


class Handler(http.server.BaseHTTPRequestHandler):
    """One method for each way to answer."""

    def do_GET(self):
        plan = self.path.strip("/").split(",")
        turn = self.server.turns[self.path]
        self.server.turns[self.path] += 1
        self.server.seen.append((self.path, self.headers.get("Range")))
        getattr(self, plan[min(turn, len(plan) - 1)])()

    def start(self, length, *, ranges=True, kind="application/octet-stream", shift=0):
        """Sends the head; returns where the answer starts, as the range that was asked for."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked and ranges else 0
        if asked and ranges:
            self.send_response(206)
            first = start + shift
            self.send_header("Content-Range", f"bytes {first}-{length - 1}/{length}")
        else:
            self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length - start))
        self.end_headers()
        return start

    def good(self):
        content = self.server.content
        self.wfile.write(content[self.start(len(content)) :])

    def whole(self):
        self.start(len(self.server.content), ranges=False)
        self.wfile.write(self.server.content)

    def wrong(self):
        content = self.server.content[::-1]
        self.wfile.write(content[self.start(len(content)) :])

    def cut(self, content=None):
        content = content or self.server.content
        start = self.start(len(content))
        self.wfile.write(content[start : (start + len(content)) // 2])

    def wrongcut(self):
        self.cut(self.server.content[::-1])

    def nothing(self):
        self.start(len(self.server.content))

    def slow(self):
        content = self.server.content
        start = self.start(len(content))
        step = (len(content) - start) // 10
        for first in range(start, len(content), step):
            self.wfile.write(content[first : first + step])
            self.server.released.wait(0.1)

    def stall(self):
        self.cut()
        self.wfile.flush()
        self.server.released.wait(20)

    def silent(self):
        self.server.released.wait(20)

    def missing(self):
        self.send_error(404)

    def busy(self):
        self.send_error(503)

    def login(self):
        self.send_response(302)
        self.send_header("Location", "/page")
        self.end_headers()

    def page(self):
        self.start(len(HTML), ranges=False, kind="text/html; charset=utf-8")
        self.wfile.write(HTML)

    def other(self):
        self.start(len(self.server.content) + 7, ranges=False)
        self.wfile.write(self.server.content)

    def unannounced(self):
        """No length, and the end of the connection comes early."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.content[:-10])

    def endless(self):
        self.send_response(200)
        self.end_headers()
        for _ in range(4):
            self.wfile.write(self.server.content)

    def shifted(self):
        content = self.server.content
        start = self.start(len(content), shift=1)
        self.wfile.write(content[start:])

    def unsatisfiable(self):
        self.send_error(416)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Runs while entered; `seen` is the list of (path, Range) of all requests."""

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.seen, self.turns = content, [], Counter()
        self.released = threading.Event()

    def handle_error(self, request, client_address):
        """A client that hangs up is part of the game."""

    def url(self, path):
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"

    def __enter__(self):
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self.shutdown()
        self._thread.join()
        self.server_close()
