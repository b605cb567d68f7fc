"""The process beside the server that decodes pictures and estimates times: asked, and watched."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from .answers import Problem

_SECONDS = 60.0
_LONGEST_ANSWER = 1_000_000


class Reader:
    """A child process, `jnst.studio.helper`, that starts when it is first asked something.

    It answers one question at a time. A picture that exhausts its memory or time ends the child
    alone: the next question starts another.

    Args:
        memory: bytes of address space that the child may take, or 0 for no limit.
        max_pixels: of a picture.
    """

    def __init__(self, memory: int, max_pixels: int) -> None:
        self._words = ["-m", "jnst.studio.helper", str(memory), str(max_pixels)]
        self._process: asyncio.subprocess.Process | None = None
        self._alone = asyncio.Lock()

    async def ask(self, task: str, **arguments: Any) -> dict[str, Any]:
        """The child's answer.

        Raises:
            Problem: 400 with the child's one line, or one that says how the child ended; 507 for a
                full disk.
        """
        question = json.dumps({"task": task} | arguments, default=os.fspath) + "\n"
        async with self._alone:
            try:
                process = await self._running()
                assert process.stdin
                assert process.stdout
                process.stdin.write(question.encode())
                async with asyncio.timeout(_SECONDS):
                    await process.stdin.drain()
                    line = await process.stdout.readline()
            except TimeoutError:
                await self.close()
                raise Problem(400, "this takes too long to read: make it smaller") from None
            except (OSError, ValueError):
                line = b""
            except asyncio.CancelledError:
                # The answer to an abandoned question must not be taken for the next one's.
                await self.close()
                raise
            if not line.endswith(b"\n"):
                await self.close()
                raise Problem(400, "this takes too much memory to read: make it smaller")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Problem(507 if answer.get("full") else 400, answer["error"], answer.get("field"))
        return answer

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=_LONGEST_ANSWER,
                env=environment(),
                start_new_session=True,
            )
        return self._process

    async def close(self) -> None:
        """Ends the child."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def environment() -> dict[str, str]:
    """The environment of the studio's children: they find the same jnst as the server."""
    home = str(Path(__file__).resolve().parents[2])
    paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
