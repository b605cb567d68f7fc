"""Pickles that would run a command, in every file that has a pickle: refused, and nothing runs."""

import contextlib
import pickle
import struct
import time

import foreign_files as foreign
import numpy as np
import pytest
from foreign_files import number, text
from small_vgg import make_small, random_layers
from small_vgg import refused as is_refused

from jnst.network.formats import read_weight_file

MARK = "this-file-must-not-be.txt"
COMMAND = text(f"echo hello > {MARK}")
WRITE = f"open({MARK!r}, 'w').close()"


def call(name, arguments):
    """GLOBAL and REDUCE, as pickle writes them up to protocol 3."""
    return b"c" + name.replace(" ", "\n").encode() + b"\n(" + arguments + b"tR"


def stack_call(module, name, arguments):
    """STACK_GLOBAL and REDUCE, as pickle writes them from protocol 4 on."""
    return text(module) + text(name) + b"\x93(" + arguments + b"tR"


INNER = b"\x80\x02" + call("os system", COMMAND) + b"."

# These write the file when Python's own unpickler reads them: `test_payload_is_alive`.
ALIVE = {
    "os.system": (call("os system", COMMAND), "os.system"),
    "posix.system": (call("posix system", COMMAND), "posix.system"),
    "posix.system, stacked": (stack_call("posix", "system", COMMAND), "posix.system"),
    "subprocess.getoutput": (call("subprocess getoutput", COMMAND), "subprocess.getoutput"),
    "subprocess.call, stacked": (
        stack_call("subprocess", "call", b"](" + text("touch") + text(MARK) + b"e"),
        "subprocess.call",
    ),
    "eval": (call("builtins eval", text(WRITE)), "builtins.eval"),
    "exec": (call("builtins exec", text(WRITE)), "builtins.exec"),
    "exec of Python 2": (call("__builtin__ exec", text(WRITE)), "__builtin__.exec"),
    "os.mknod": (call("os mknod", text(MARK)), "os.mknod"),
    "os.makedirs": (call("os makedirs", text(MARK)), "os.makedirs"),
    "getattr": (
        call("builtins getattr", call("importlib import_module", text("os")) + text("system"))
        + b"("
        + COMMAND
        + b"tR",
        "builtins.getattr",
    ),
    "runpy": (call("runpy _run_code", text(WRITE) + b"}"), "runpy._run_code"),
    "timeit": (
        call("timeit timeit", text(WRITE) + text("pass") + b"cbuiltins\nprint\n" + number(1)),
        "timeit.timeit",
    ),
    "pickle in a pickle": (
        call("pickle loads", b"B" + struct.pack("<I", len(INNER)) + INNER),
        "pickle.loads",
    ),
    "INST": (b"(" + COMMAND + b"ios\nsystem\n", "os.system"),
    "OBJ": (b"(czipfile\nZipFile\n" + text(MARK) + text("w") + b"o", "zipfile.ZipFile"),
    "NEWOBJ": (b"cfunctools\npartial\n(cos\nsystem\n" + COMMAND + b"t\x81)R", "functools.partial"),
    "dotted name": (
        b"\x80\x04"
        + stack_call("collections", "OrderedDict.fromkeys.__class__", b"")[:-3]
        + b"0"
        + call("os system", COMMAND),
        "collections.OrderedDict.fromkeys.__class__",
    ),
    "attribute of an OrderedDict": (
        b"ccollections\nOrderedDict\n)R}" + text("x") + call("os system", COMMAND) + b"sb",
        "os.system",
    ),
    "key of a dictionary": (
        b"}" + text("conv1_1.weight") + call("os system", COMMAND) + b"s",
        "os.system",
    ),
    "thrown away": (call("os system", COMMAND) + b"0}", "os.system"),
}

# What torch's own unpickler, or a careless allow-list, could be made to do.
SUBTLE = {
    "storage called": (b"ctorch\nFloatStorage\n)R", "calls 'torch.FloatStorage'"),
    "text called": (text("os.system") + b"(" + COMMAND + b"tR", "calls 'str'"),
    "dictionary called": (b"}" + b"(" + COMMAND + b"tR", "calls 'dict'"),
    "ndarray called": (b"cnumpy\nndarray\n)R", "calls 'numpy.ndarray'"),
    "function changed": (
        b"ctorch._utils\n_rebuild_tensor_v2\nN}" + text("__defaults__") + b")s\x86b",
        "changes 'torch._utils._rebuild_tensor_v2'",
    ),
    "class changed": (
        b"ccollections\nOrderedDict\nN}" + text("__init__") + b"Ns\x86b",
        "changes 'collections.OrderedDict'",
    ),
    "list changed": (b"]}b", "changes 'list'"),
    "items into a class": (b"ccollections\nOrderedDict\n" + text("a") + b"Ns", "puts items into"),
    "append to a class": (b"ccollections\nOrderedDict\nNa", "appends to 'Name'"),
    "extension registry": (b"\x82\x01", "has the pickle opcode EXT1"),
    "class made": (b"ccollections\nOrderedDict\n)\x81", "has the pickle opcode NEWOBJ"),
    "buffer from outside": (b"\x97", "has the pickle opcode NEXT_BUFFER"),
    "persistent id of text": (b"Pos.system\n", "has the pickle opcode PERSID"),
    "torch.load": (
        call("torch.serialization load", text(MARK)),
        "names 'torch.serialization.load'",
    ),
    "torch.hub": (call("torch.hub load", text("a/b")), "names 'torch.hub.load'"),
    "numpy.load": (call("numpy load", text(MARK)), "names 'numpy.load'"),
    "whole model": (b"ctorchvision.models.vgg\nVGG\n)\x81}b", "names 'torchvision.models.vgg.VGG'"),
    "TorchScript": (b"c__torch__.vgg\nVGG\n)\x81}b", "names '__torch__.vgg.VGG'"),
}


def in_npy(path, pickled):
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }".ljust(117) + b"\n"
    path.write_bytes(
        b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header + b"\x80\x02" + pickled + b"."
    )
    return path


def bare(path, pickled):
    path.write_bytes(b"\x80\x02" + pickled + b".")
    return path


FILES = {"zip": foreign.torch_zip, "old": foreign.torch_old, "npy": in_npy, "pickle": bare}


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_small(monkeypatch)


def refused(path, message):
    is_refused(path, message)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("payload", [p for p, _ in ALIVE.values()], ids=ALIVE)
def test_payload_is_alive(tmp_path, payload):
    """Else the tests below would show nothing."""
    with contextlib.suppress(TypeError, AttributeError):  # of what comes after the command
        pickle.loads(b"\x80\x02" + payload + b".")
    deadline = time.monotonic() + 10
    while not (tmp_path / MARK).exists():
        assert time.monotonic() < deadline, "the command did not run"
        time.sleep(0.01)


@pytest.mark.parametrize("write", FILES.values(), ids=FILES)
@pytest.mark.parametrize(("payload", "name"), ALIVE.values(), ids=ALIVE)
def test_no_command_runs(tmp_path, write, payload, name):
    message = f"names {name!r}, and loading that would run code; jnst ran none of it.* state_dict"
    refused(write(tmp_path / "v.pth", payload), message)


@pytest.mark.parametrize("write", FILES.values(), ids=FILES)
@pytest.mark.parametrize(("payload", "message"), SUBTLE.values(), ids=SUBTLE)
def test_no_trick_works(tmp_path, write, payload, message):
    if write is in_npy and "torch" in message:
        message = "names '(__)?torch"
    refused(write(tmp_path / "v.pth", payload), f"{message}.*, and loading that would run code")


@pytest.mark.parametrize("write", [foreign.torch_zip, foreign.torch_old])
@pytest.mark.parametrize(
    "identity",
    [
        text("module") + b"ctorch\nFloatStorage\n" + text("source") + text("cpu") + number(4),
        text("storage") + text("FloatStorage") + text("0") + text("cpu") + number(4),
        text("storage") + b"ccollections\nOrderedDict\n" + text("0") + text("cpu") + number(4),
        text("storage") + b"ctorch\nFloatStorage\n" + b"}" + text("cpu") + number(4),
        text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + text("4"),
        b"",
    ],
    ids=["module", "type as text", "another class", "key", "count", "empty"],
)
def test_false_persistent_id(tmp_path, write, identity):
    refused(write(tmp_path / "v.pth", b"(" + identity + b"tQ"), "is damaged or cut short .*; fetch")


def test_persistent_id_that_names_a_command(tmp_path):
    opcodes = b"(" + text("storage") + call("os system", COMMAND) + b"tQ"
    refused(foreign.torch_old(tmp_path / "v.pth", opcodes), "names 'os.system'")


def test_persistent_id_before_the_tensors(tmp_path):
    refused(bare(tmp_path / "v.pth", b"(tQ"), "has a persistent id where torch would not write one")


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (1, (4, 4, 3, 3), (36, 9, 3, 1)),
        (-1, (4, 4, 3, 3), (36, 9, 3, 1)),
        (0, (4, 4, 3, 3), (37, 9, 3, 1)),
        (0, (4, 4, 3, 3), (1 << 30, 9, 3, 1)),
        (0, (4, 4, 3, 3), (-36, 9, 3, 1)),
    ],
)
@pytest.mark.parametrize("old", [True, False])
def test_tensor_that_reaches_beyond_its_storage(tmp_path, old, offset, shape, strides):
    """It would show what else is in the memory of the process."""
    state = foreign.state_dict(random_layers("vgg16"), "vgg16")
    opcodes = foreign.state_opcodes(state, old=old)
    right = number(0) + foreign.numbers((4, 4, 3, 3)) + foreign.numbers((36, 9, 3, 1))
    wrong = number(offset) + foreign.numbers(shape) + foreign.numbers(strides)
    opcodes = opcodes.replace(right, wrong, 1)
    arrays = list(state.values())
    if old:
        path = foreign.torch_old(tmp_path / "v.pth", opcodes, arrays)
    else:
        path = foreign.torch_zip(tmp_path / "v.pth", opcodes, [a.tobytes() for a in arrays])
    refused(path, "reaches beyond its storage")


def test_pickled_objects_in_an_npz(tmp_path):
    with (tmp_path / "v.npz").open("wb") as stream:
        np.savez(stream, conv1_1_W=np.array([{}], object))
    with pytest.raises(ValueError, match=r"v\.npz"):
        read_weight_file(tmp_path / "v.npz")


@pytest.mark.parametrize("write", FILES.values(), ids=FILES)
@pytest.mark.parametrize(
    "pickled",
    [
        b"Nr\xff\xff\xff\x7f",  # a memo of two thousand million entries
        b")" + b"2\x86" * 60 + b"}" + b"2N0s",  # a tuple of 2^60, as a key: its hash takes for ever
        b"}" + b")" + b"2\x86" * 60 + b"Ns",
        b"\x8e" + struct.pack("<Q", 1 << 62),  # bytes without end
        b"X\xff\xff\xff\xff",  # a text of 4 GB
        b"\x8b\xff\xff\xff\x7f",  # a number of 2 GB
        b"(" * 1000 + b"t" * 999,
        b"}q\0" + (b"0}" + text("a") + b"h\0sq\0") * 3000,
        b"ccollections\nOrderedDict\n(](" + (b")" + b"2\x86" * 60 + b"N\x86") + b"etR",
        b"](" + b"N" * 10_000 + b"eq\0(" + (b"ctorch\nSize\nh\0\x85R") * 10_000 + b"t",
        b"I" + b"9" * 10_000 + b"\n",
        b"0" * 9,
        b"u",
        b"g7\n",
        b"\xff",
        b"",
    ],
)
def test_pickle_that_would_exhaust_or_break_the_machine(tmp_path, write, pickled):
    refused(
        write(tmp_path / "v.pth", pickled),
        "; fetch it again|use a file of one of these|save the model's state_dict",
    )


def test_dictionary_that_holds_itself_many_times(tmp_path):
    wide = b"}(" + b"".join(text(str(i)) + b"N" for i in range(300)) + b"uq\0"
    for _ in range(60):
        wide += b"0}(" + b"".join(text(str(i)) + b"h\0" for i in range(300)) + b"uq\0"
    refused(bare(tmp_path / "v.pth", wide), "holds more than 10,000 things; no VGG does")


def test_endless_pickle(tmp_path):
    refused(bare(tmp_path / "v.pth", b"N0" * 60_000), "has an endless pickle")
