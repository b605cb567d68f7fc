"""Which file may import what, read from the source; and that importing does nothing else."""

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
    assert {"jax", "flax", "jaxtyping"} <= ROOTS["vgg"]
    assert {"arrays", "ops"} <= MODULES["vgg"]
    assert "lbfgs" in MODULES["optimizer"]
    assert "ops.window" in MODULES["ops.conv"]
    assert "arrays" in MODULES["ops.conv"]


def test_each_library_has_its_one_place():
    assert files_that_import("flax") == {"vgg"}
    assert files_that_import("optax") == {"optimizer"}
    images = {"images", "icc", *(name for name in FILES if name.startswith("image_"))}
    assert files_that_import("PIL") | files_that_import("tifffile") <= images
    assert files_that_import("h5py") <= {
        "checkpoint",
        *(name for name in FILES if name.startswith("formats.")),
    }
    assert files_that_import("psutil") == {"memory"}
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


# What each file may import from the package; nothing imports the other way.
MAY_IMPORT = {
    "arrays": set(),
    "style_loss": {"arrays"},
    "root_trace": {"arrays"},
    "moments": {"arrays", "products", "root_trace"},
    "slices": {"arrays", "style_loss"},
    "losses": {"arrays", "moments", "products", "slices", "style_loss"},
    "products": {"arrays"},
    "normalize": {"arrays"},
    "whole": {"losses"},
    "color": {"color_spaces"},
    "color_spaces": set(),
    "schedule": set(),
    "config": {"architecture", "color", "config_checks", "losses", "schedule"},
    "config_checks": set(),
    "presets": {"config", "config_checks"},
    "effects": {"presets", "schedule"},
    "run_toml": {"atomic", "config_checks", "presets"},
    "architecture": set(),
    "preprocessing": {"arrays"},
    "vgg": {"architecture", "arrays", "ops", "preprocessing"},
    "trial": {"architecture", "ops"},
    "figures": {"atomic", "trial", "weights"},
    "algorithms": {"architecture", "figures", "tile_plan", "trial"},
    "plan": {"algorithms", "config", "ops", "vgg"},
    "regions": {"architecture", "tile_plan"},
    "preserve": {"architecture", "arrays", "tile_plan"},
    "objective": {
        *("architecture", "arrays", "config", "losses", "normalize", "preserve", "regions"),
        "vgg",
    },
    "targets": {
        *("architecture", "arrays", "config", "losses", "objective", "preserve", "regions"),
        *("style_loss", "vgg"),
    },
    "tile_plan": {"architecture"},
    "tile_passes": {
        *("architecture", "arrays", "objective", "ops", "preprocessing", "regions", "tile_plan"),
        "vgg",
    },
    "memory": {
        *("algorithms", "architecture", "config", "host_map", "losses", "sizes", "tile_plan"),
    },
    "memory_choice": {"config", "memory", "tile_plan", "whole"},
    "tile_variation": {"arrays", "objective"},
    "state_home": {"config", "memory"},
    "host_map": set(),
    "keep": {"arrays", "optimize"},
    "bleed": set(),
    "masks": {"bleed", "config", "images", "keep", "regions", "sizes"},
    "tiles": {
        "arrays",
        "config",
        "host_map",
        "losses",
        "preserve",
        "objective",
        "regions",
        "targets",
        "tile_passes",
        "tile_plan",
        "tile_variation",
        "vgg",
        "whole",
    },
    "devices": {
        *("architecture", "arrays", "config", "losses", "objective", "ops", "preprocessing"),
        *("preserve", "regions", "targets", "tile_plan", "vgg", "whole"),
    },
    "batch": {"parser", "sweep_words"},
    "sweep_words": {"parser", "presets"},
    "sweep": {"run_options", "effects", "parser", "presets", "sweep_words"},
    "sweep_sheet": {"panels"},
    "margins": {"config", "images", "sizes"},
    "line_search": set(),
    "lbfgs": {"arrays", "line_search"},
    "method": set(),
    "preconditioner": set(),
    "optimizer": {"lbfgs", "method", "preconditioner"},
    "optimize": {"method", "optimizer"},
    "minimize": {"method", "optimize", "optimizer"},
    "next_scale": {"bleed", "config", "images", "method", "optimizer", "sizes"},
    "sizes": {"architecture", "config", "images"},
    "checkpoint": {"atomic", "config", "objective"},
    "progress": {"checkpoint", "config", "minimize", "objective"},
    "diagnosis": {"architecture", "arrays", "objective", "vgg"},
    "short_of_memory": {"config", "memory", "tile_plan", "whole"},
    "alone": set(),
    "side_by_side": set(),
    "workplace": {"request", "memory", "vgg"},
    "image_file": {"alone"},
    "image_samples": {"image_file"},
    "image_tiff": {"image_file", "image_samples"},
    "image_reader": {"icc", "image_file", "image_samples", "image_tiff"},
    "guardian": set(),
    "device_options": {"guardian", "parser"},
    "inputs": {"architecture", "checkpoint", "config", "images", "sizes", "vgg"},
    "starts": {"color", "config", "vgg"},
    "ahead": set(),
    "compilation_cache": {"weights"},
    "way": {
        *("ahead", "bleed", "config", "devices", "diagnosis", "host_map", "keep", "method"),
        *("minimize", "next_scale", "objective", "optimize", "optimizer", "plan", "regions"),
        *("state_home", "targets", "tiles", "vgg", "whole"),
    },
    "transfer": {
        *("architecture", "bleed", "checkpoint", "color", "config", "devices", "images"),
        *("inputs", "masks", "minimize", "next_scale", "starts"),
        *("objective", "optimizer", "presets", "progress", "sizes", "targets", "tile_plan"),
        *("vgg", "way"),
    },
}


@pytest.mark.parametrize("name", list(MAY_IMPORT))
def test_imports_run_one_way(name):
    assert MODULES[name] <= MAY_IMPORT[name]


def test_there_is_no_circle():
    done = set()

    def visit(name, path):
        assert name not in path, " -> ".join((*path, name))
        if name not in done:
            for module in MODULES[name]:
                target = module if module in FILES else f"{module}.__init__".lstrip(".")
                # A package's own files may name the package that re-exports them.
                if target in FILES and target.split(".")[0] != name.split(".")[0]:
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
    code = (
        "import sys, socket\n"
        "def refuse(*_): raise AssertionError('network')\n"
        "socket.socket.connect = refuse\n"
        "import jnst\n"
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
    assert not {"matplotlib", "torch", "onnx", "pooch", "tqdm"} & set(found.stdout.split())
