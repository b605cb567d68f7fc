"""Pickles read as data: nothing that a file names is ever imported or called.

Python's unpickler is a machine that calls whatever a file names. This one is the same machine
without the calls. `pickletools` parses the opcodes; here they move plain values on a stack. A file
may use only the names that the reader lists, and each stands for the reader's own function, which
describes a tensor. Every other name is refused before anything else happens.
"""

import mmap
import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any, NoReturn

from .layers import Tensor, Unfit

Stream = IO[bytes] | mmap.mmap
Names = Mapping[str, Callable[..., Any] | None]
"""Full name of each global that a file may name, to the function that describes the outcome of
calling it; None if it is only a name."""

# A state dict of VGG-19 has about 3000 opcodes; the limit is one of time and memory.
_MOST_OPCODES = 100_000

_NUMBERS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT")
_STRINGS = ("STRING", "BINSTRING", "SHORT_BINSTRING")
_TEXTS = ("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8")
_BYTES = ("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8")
_VALUES = frozenset((*_NUMBERS, *_STRINGS, *_TEXTS, *_BYTES))
_CONSTANTS: Mapping[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_NOTHING = frozenset(("PROTO", "FRAME"))


@dataclass(frozen=True)
class Name:
    """A global that the file names and the reader lists; `make` is None if it is not callable."""

    text: str
    make: Callable[..., Any] | None


def load(stream: Stream, names: Names, persistent: Callable[[Any], Any] | None = None) -> Any:
    """Reads one pickle and leaves the stream just after its end.

    `persistent` converts a persistent id; without it, they are refused. So is every name that is
    not listed, and any other way to run code.
    """
    machine = _Machine(names, persistent)
    for opcode, argument, _ in islice(pickletools.genops(stream), _MOST_OPCODES):  # type: ignore[arg-type]
        if opcode.name == "STOP":
            return machine.stack.pop()
        machine.step(opcode.name, argument)
    raise Unfit("has an endless pickle; no weights do: use another file")


class _Machine:
    def __init__(self, names: Names, persistent: Callable[[Any], Any] | None) -> None:
        self.names, self.persistent = names, persistent
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def step(self, opcode: str, argument: Any) -> None:
        if opcode in _VALUES:
            self.stack.append(argument)
        elif opcode in _CONSTANTS:
            self.stack.append(_CONSTANTS[opcode])
        elif opcode in ("GET", "BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[argument])
        elif opcode in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.stack[-1]
        elif opcode == "MEMOIZE":
            self.memo[len(self.memo)] = self.stack[-1]
        elif opcode in ("GLOBAL", "INST"):
            self.stack.append(self.name(*argument.split(" ", 1)))
            if opcode == "INST":
                self.refuse("makes an object of a class")
        elif opcode in _STEPS:
            _STEPS[opcode](self)
        elif opcode not in _NOTHING:
            self.refuse(f"has the pickle opcode {opcode}")

    def name(self, *parts: Any) -> Name:
        text = ".".join(parts)
        if text not in self.names:
            self.refuse(f"names {text[:80]!r}")
        return Name(text, self.names[text])

    def refuse(self, what: str) -> NoReturn:
        raise Unfit(
            f"{what}, and loading that would run code; jnst ran none of it. Weights "
            "need only tensors: save the model's state_dict, or fetch the file from a source that "
            "you trust"
        )

    def take(self, count: int) -> list[Any]:
        """Pops the last `count` values."""
        start = len(self.stack) - count
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def take_to_mark(self) -> list[Any]:
        return self.take(len(self.stack) - self.marks.pop())


def _stack_global(machine: _Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(machine.name(module, name))


def _reduce(machine: _Machine) -> None:
    arguments, called = machine.stack.pop(), machine.stack.pop()
    if not isinstance(called, Name) or called.make is None or not isinstance(arguments, tuple):
        machine.refuse(f"calls {str(getattr(called, 'text', type(called).__name__))!r}")
    machine.stack.append(called.make(*arguments))


def _build(machine: _Machine) -> None:
    state, target = machine.stack.pop(), machine.stack[-1]
    if hasattr(target, "set_state"):
        target.set_state(state)
    # The attributes of an OrderedDict, where torch keeps versions, and of a Parameter are unused.
    elif not isinstance(target, dict | Tensor):
        machine.refuse(f"changes {str(getattr(target, 'text', type(target).__name__))!r}")


def _persistent(machine: _Machine) -> None:
    if machine.persistent is None:
        machine.refuse("has a persistent id where torch would not write one")
    machine.stack.append(machine.persistent(machine.stack.pop()))


def _set_items(machine: _Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if not isinstance(target, dict):
        machine.refuse(f"puts items into {type(target).__name__!r}")
    for key, value in zip(items[::2], items[1::2], strict=True):
        # The hash of nested tuples takes exponential time; no weights have such keys.
        if not isinstance(key, str | int):
            raise TypeError(f"a key is a {type(key).__name__}")
        target[key] = value


def _append(machine: _Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if not isinstance(target, list):
        machine.refuse(f"appends to {type(target).__name__!r}")
    target.extend(items)


def _new_dict(machine: _Machine) -> None:
    items = machine.take_to_mark()
    machine.stack.append({})
    _set_items(machine, items)


_STEPS: Mapping[str, Callable[[_Machine], None]] = {
    "MARK": lambda m: m.marks.append(len(m.stack)),
    "POP": lambda m: m.stack.__delitem__(-1),
    "POP_MARK": lambda m: m.take_to_mark().clear(),
    "DUP": lambda m: m.stack.append(m.stack[-1]),
    "EMPTY_LIST": lambda m: m.stack.append([]),
    "EMPTY_DICT": lambda m: m.stack.append({}),
    "EMPTY_TUPLE": lambda m: m.stack.append(()),
    "LIST": lambda m: m.stack.append(m.take_to_mark()),
    "TUPLE": lambda m: m.stack.append(tuple(m.take_to_mark())),
    "TUPLE1": lambda m: m.stack.append(tuple(m.take(1))),
    "TUPLE2": lambda m: m.stack.append(tuple(m.take(2))),
    "TUPLE3": lambda m: m.stack.append(tuple(m.take(3))),
    "DICT": _new_dict,
    "APPEND": lambda m: _append(m, [m.stack.pop()]),
    "APPENDS": lambda m: _append(m, m.take_to_mark()),
    "SETITEM": lambda m: _set_items(m, m.take(2)),
    "SETITEMS": lambda m: _set_items(m, m.take_to_mark()),
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce,
    "BUILD": _build,
    "BINPERSID": _persistent,
}
