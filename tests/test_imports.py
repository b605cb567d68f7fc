"""Which room may import what, read from the source; and that importing does nothing else."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "jnst"
FILES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def imported(name):
    """(library roots, package modules) that a file imports, wherever in it."""
    path = FILES[name]
    package = path.relative_to(PACKAGE).parent.parts
    roots, modules = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            inside = ".".join((*base, *(node.module.split(".") if node.module else ())))
            for alias in node.names:
                full = f"{inside}.{alias.name}".lstrip(".")
                modules.add(full if full in FILES or f"{full}.__init__" in FILES else inside)
            continue
        else:
            continue
        roots |= {n.split(".")[0] for n in names if n.split(".")[0] != "jnst"}
        modules |= {n.removeprefix("jnst").lstrip(".") for n in names if n.split(".")[0] == "jnst"}
    return roots, modules


ROOTS = {name: imported(name)[0] for name in FILES}
MODULES = {name: imported(name)[1] for name in FILES}
OPS = {name for name in FILES if name.startswith("ops.")}
REFERENCE = {name for name in FILES if name.startswith("reference.")}


def files_that_import(library):
    return {name for name, roots in ROOTS.items() if library in roots}


def test_the_walk_sees_every_way_of_importing():
    assert {"jax", "flax"} <= ROOTS["network.vgg"]
    assert "jaxtyping" in ROOTS["arrays"]
    assert {"arrays", "ops"} <= MODULES["network.vgg"]
    assert "optimize.lbfgs" in MODULES["optimize.optimizer"]
    assert "ops.window" in MODULES["ops.conv"]
    assert "arrays" in MODULES["ops.conv"]


def test_each_library_has_its_one_place():
    assert files_that_import("flax") == {"network.vgg"}
    assert files_that_import("optax") == {"optimize.optimizer"}
    images = {name for name in FILES if name.startswith("images.")}
    assert files_that_import("PIL") | files_that_import("tifffile") <= images
    assert files_that_import("h5py") <= {
        "transfer.checkpoint",
        *(name for name in FILES if name.startswith("network.formats.")),
    }
    assert files_that_import("psutil") == {"system"}
    assert files_that_import("torch") == set()


def test_the_reference_knows_numpy_alone():
    assert REFERENCE
    for name in REFERENCE:
        assert ROOTS[name] - set(sys.stdlib_module_names) <= {"numpy"}, name
        assert all(m.startswith("reference") for m in MODULES[name]), name
    users = {n for n, modules in MODULES.items() if any(m.startswith("reference") for m in modules)}
    assert users <= REFERENCE


def test_the_layers_know_arrays_and_each_other():
    assert OPS
    for name in OPS:
        assert {m.split(".")[0] for m in MODULES[name]} <= {"arrays", "ops"}, name


# A room imports from itself and from rooms of the lines above it, never from those beside it.
ROOMS = (
    ("storage",),
    ("arrays", "files", "system", "wording"),
    ("config", "ops", "images"),
    ("network", "optimize"),
    ("losses", "figures"),
    ("compute",),
    ("transfer",),
    ("video",),
    ("cli",),
    ("studio",),
)
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}


def room_of(name):
    """The room, or the file beside the rooms, that a module belongs to."""
    return name.split(".")[0]


def test_every_file_has_a_room():
    assert {room_of(name) for name in FILES} == {
        *LEVEL,
        "reference",
        "public",
        "__init__",
        "__main__",
    }


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("__init__")])
def test_every_face_says_what_its_room_does(name):
    assert ast.get_docstring(ast.parse(FILES[name].read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "name", sorted(FILES.keys() - REFERENCE - {"__init__", "__main__", "public"})
)
def test_no_import_runs_up(name):
    room = room_of(name)
    for module in MODULES[name]:
        other = room_of(module)
        assert other == room or LEVEL[other] < LEVEL[room], f"{name} imports {module}"


def test_there_is_no_circle():
    done = set()

    def visit(name, path):
        assert name not in path, " -> ".join((*path, name))
        if name in done:
            return
        for module in MODULES[name]:
            target = module if module in FILES else f"{module}.__init__".lstrip(".")
            # What a face gives, its own files may take from it.
            if target in FILES and not name.startswith(target.removesuffix("__init__")):
                visit(target, (*path, name))
        done.add(name)

    for name in FILES:
        visit(name, ())


def test_importing_creates_nothing_and_loads_no_plots(tmp_path):
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONPATH": str(PACKAGE.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    rooms = ", ".join(f"jnst.{name}" for name in LEVEL)
    code = (
        "import sys, socket\n"
        "def refuse(*_): raise AssertionError('network')\n"
        "socket.socket.connect = refuse\n"
        f"import jnst, {rooms}\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert list(tmp_path.iterdir()) == []
    heavy = {"matplotlib", "torch", "onnx", "requests", "tqdm", "starlette"}
    assert not heavy & set(found.stdout.split())
