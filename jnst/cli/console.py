"""The console: messages on standard error, results on standard output, and progress."""

import contextlib
import os
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TextIO

from ..system import ALONE, bar_size
from ..wording import duration_words

if TYPE_CHECKING:
    from ..transfer import Progress

_LINE_SECONDS = 30.0


def fill_closed_streams() -> None:
    """Puts the null device in place of standard streams that are closed; call it first of all.

    A file that is opened later would have their number, and get what libraries write to them.
    `sys.stdin` and `sys.stdout` stay None: where a picture is asked of them, that is an error.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number, inheritable=False)
                os.close(null)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115


_HEARD: ContextVar[list[str] | None] = ContextVar("heard", default=None)


@contextlib.contextmanager
def heard() -> Iterator[list[str]]:
    """Within the block, in this thread, messages go into the list, and results nowhere."""
    messages: list[str] = []
    token = _HEARD.set(messages)
    try:
        yield messages
    finally:
        _HEARD.reset(token)


def tell(*messages: str) -> None:
    """Writes message lines to standard error, uninterrupted by other threads."""
    if (listener := _HEARD.get()) is not None:
        listener.extend(messages)
        return
    with ALONE:
        for message in messages:
            _print(f"jnst: {message}", sys.stderr)


def show(*results: str) -> None:
    """Writes lines to standard output, uninterrupted by other threads."""
    if _HEARD.get() is not None:
        return
    with ALONE:
        for result in results:
            _print(result, sys.stdout)


def _print(text: str, stream: TextIO | None) -> None:
    """Prints, above a progress bar; a closed terminal must not lose a painting."""
    if stream is None:
        return
    # Imported where a bar is shown, and not before.
    bars = sys.modules.get("tqdm")
    try:
        with bars.tqdm.external_write_mode(stream) if bars else contextlib.nullcontext():
            print(text, file=stream, flush=True)
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def explain(error: Exception) -> str:
    """One line that says what went wrong and, if known, what to do."""
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in text:
        advice = text if isinstance(error, MemoryError) else ""
        return f"out of memory: {advice or 'use a smaller --tile, --memory or --size'}"
    if isinstance(error, OSError | ValueError | FloatingPointError | ImportError):
        return text
    return f"unexpected {type(error).__name__}: {text} (JNST_DEBUG=1 shows where)"


class ProgressLine:
    """A progress bar on a terminal; elsewhere a line at the first and last step and twice a minute.

    Args:
        unit: the word for what is counted, for the lines.
        total, done: how many there are, and how many are done already.
        quiet: show nothing.
    """

    def __init__(self, unit: str, total: int, quiet: bool, done: int = 0) -> None:
        self._unit, self._total, self._quiet = unit, total, quiet
        self._told = -_LINE_SECONDS
        shows_bar = not quiet and sys.stderr.isatty()
        self._bar: Any = _progress_bar(total, done) if shows_bar else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            with contextlib.suppress(OSError):
                self._bar.close()

    def show(self, done: int, status: str, *, last: bool) -> None:
        """Shows how many are done, and a status beside it; the last one in any case."""
        if self._bar is not None:
            with contextlib.suppress(OSError):  # the terminal was closed
                self._bar.set_description_str(status, refresh=False)
                self._bar.update(done - self._bar.n)
            return
        now = time.monotonic()
        if not self._quiet and (last or now - self._told >= _LINE_SECONDS):
            self._told = now
            tell(f"{self._unit} {done}/{self._total}, {status}")


class Display(ProgressLine):
    """The progress of a painting.

    Args:
        steps: number of steps at each scale.
        operations: cost of a step at each scale; weighs the remaining steps.
        quiet: show nothing.
    """

    def __init__(self, steps: Sequence[int], operations: Sequence[float], quiet: bool) -> None:
        super().__init__("step", sum(steps), quiet)
        self._steps, self._operations = steps, operations
        self._ticks: deque[tuple[float, int]] = deque(maxlen=16)
        self._scale = 0
        # Seconds from the end of a scale to the first step of the next, for most of which it
        # compiles; and when that began.
        self._to_begin, self._end = 0.0, time.monotonic()

    def update(self, progress: "Progress") -> None:
        """Shows a finished chunk of steps."""
        now = time.monotonic()
        if progress.scale != self._scale:
            # The first step of a scale also compiles: the clock starts after it.
            self._ticks.clear()
            self._scale, self._to_begin = progress.scale, now - self._end
        self._end = now
        self._ticks.append((now, progress.step))
        last = progress.step == progress.steps
        self.show(progress.step, self._status(progress), last=last)

    def _status(self, progress: "Progress") -> str:
        parts = [f"loss {float(progress.losses.total[-1]):.6g}"]
        (start, first_step), (now, step) = self._ticks[0], self._ticks[-1]
        if step > first_step:
            seconds = (now - start) / (step - first_step)
            parts.append(f"{seconds:.2g} s/step")
            seconds_left = seconds * self._steps_left(progress)
            seconds_left += self._to_begin * (progress.scales - progress.scale)
            if seconds_left > 0:
                parts.append(f"{duration_words(seconds_left)} left")
        if progress.scales > 1:
            parts.insert(0, f"{progress.width}x{progress.height}")
        return ", ".join(parts)

    def _steps_left(self, progress: "Progress") -> float:
        """The remaining steps, in units of a step at the current scale."""
        current = progress.scale - 1
        later_work = sum(
            steps * operations
            for steps, operations in zip(
                self._steps[progress.scale :], self._operations[progress.scale :], strict=True
            )
        )
        current_steps = sum(self._steps[: progress.scale]) - progress.step
        return current_steps + (later_work / self._operations[current] if later_work else 0.0)


def _progress_bar(total: int, done: int) -> Any:
    """A bar on standard error, whose description is what is told beside it."""
    from tqdm import tqdm

    layout = "{n_fmt}/{total_fmt} |{bar:20}| {desc}"
    settings: dict[str, Any] = {"bar_format": layout, "mininterval": 0.1, "desc": "compiling"}
    return tqdm(total=total, initial=done, file=sys.stderr, **settings, **bar_size())
