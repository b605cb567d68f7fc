"""The notebook: what is stored, and what comes out when it is run afresh at a small size."""

import base64
import io
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

from jnst import cli

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "cnn_and_nst.ipynb"
PICTURES = 12


@pytest.fixture(scope="module")
def stored() -> NotebookNode:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    return notebook


@pytest.fixture(scope="module")
def executed(stored: NotebookNode) -> NotebookNode:
    """The notebook run from the repository's root, whole, in a fresh kernel."""
    return _run(stored, ROOT)


def _run(notebook: NotebookNode, folder: Path, cells: int | None = None) -> NotebookNode:
    fresh = nbformat.from_dict(notebook)
    fresh.cells = [cell for cell in fresh.cells if cell.cell_type == "code"][:cells]
    for cell in fresh.cells:
        cell.outputs, cell.execution_count = [], None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JNST_NOTEBOOK_SIZE", "64")
        patch.setenv("JNST_NOTEBOOK_STEPS", "16")
        patch.setenv("JNST_OFFLINE", "1")
        patch.delenv("JNST_CACHE", raising=False)
        resources = {"metadata": {"path": str(folder)}}
        NotebookClient(fresh, timeout=240, kernel_name="python3", resources=resources).execute()
    return fresh


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _printed(notebook: NotebookNode, name: str) -> str:
    """What the cell of that id wrote to standard output."""
    (cell,) = (cell for cell in _code(notebook) if cell.id == name)
    return "".join(o.text for o in cell.outputs if o.output_type == "stream")


def _numbers(notebook: NotebookNode, name: str, pattern: str) -> list[list[float]]:
    """The numbers that a pattern's groups catch in what a cell printed, match by match."""
    printed = _printed(notebook, name)
    found = [[float(n) for n in match.groups()] for match in re.finditer(pattern, printed)]
    assert found, f"{name} printed {printed!r}"
    return found


def _pictures(notebook: NotebookNode) -> list[np.ndarray]:
    outputs = [output for cell in _code(notebook) for output in cell.outputs]
    coded = [o.data["image/jpeg"] for o in outputs if "image/jpeg" in o.get("data", {})]
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(text)))) for text in coded]


def test_stored_whole_and_in_order(stored: NotebookNode) -> None:
    cells = _code(stored)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells), [cell.id for cell in cells if not cell.outputs]
    assert NOTEBOOK.stat().st_size < 3_000_000


def test_stored_without_errors_or_noise(stored: NotebookNode) -> None:
    for cell in _code(stored):
        for output in cell.outputs:
            assert output.output_type in ("stream", "display_data"), (cell.id, output.output_type)
            assert output.get("name") != "stderr", (cell.id, output.text)


def test_stored_without_absolute_paths(stored: NotebookNode) -> None:
    absolute = re.compile(r"(?<![\w.:/])/(?:home|Users|root|tmp|usr|opt|var|mnt|work)\b|\b[A-Z]:\\")
    for cell in stored.cells:
        texts = [cell.source, *(str(o.get("text", "")) for o in cell.get("outputs", []))]
        assert not any(absolute.search(text) for text in texts), cell.id


def test_stored_pictures(stored: NotebookNode) -> None:
    pictures = _pictures(stored)
    assert len(pictures) == PICTURES
    for picture in pictures:
        assert picture.shape[1] <= 1400
        assert picture.std() > 10, "a picture is blank"
    alternatives = [
        output.metadata["image/jpeg"]["alt"]
        for cell in _code(stored)
        for output in cell.outputs
        if "image/jpeg" in output.get("data", {})
    ]
    assert all(alternatives)


def test_stored_transfer_is_the_full_one(stored: NotebookNode) -> None:
    assert _printed(stored, "setup").startswith("pictures of 224 pixels, 151 steps")


def test_links_of_the_contents_lead_to_headings(stored: NotebookNode) -> None:
    prose = "\n".join(cell.source for cell in stored.cells if cell.cell_type == "markdown")
    headings = {
        line.removeprefix("## ").replace(" ", "-")
        for line in prose.splitlines()
        if line.startswith("## ")
    }
    assert set(re.findall(r"\]\(#(.+)\)", prose)) == headings


def test_commands_at_the_end_exist(
    stored: NotebookNode, capsys: pytest.CaptureFixture[str]
) -> None:
    (cell,) = (cell for cell in stored.cells if cell.id == "next")
    block = cell.source.split("```")[1].replace("\\\n", " ")
    commands = [line.split()[2:] for line in block.strip().splitlines()]
    assert len(commands) == 4
    for words in commands:
        assert all((ROOT / word).is_file() for word in words if word.startswith("examples/"))
        paints = words[0].startswith("-")
        assert cli.main(["--help", "all"] if paints else [words[0], "--help"]) == 0
        known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
        assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.slow
def test_layers_agree(executed: NotebookNode) -> None:
    assert _printed(executed, "flip").count("True") == 2
    assert "agrees to 1e-07" in _printed(executed, "check")
    assert "DOES NOT AGREE to 1e-07" in _printed(executed, "check-fails")
    assert "agrees to 1e-06" in _printed(executed, "content-loss")
    assert "agrees to 1e-07" in _printed(executed, "polar")
    rows = _numbers(executed, "three-times", r"([\d.]+) ms +largest relative difference (\S+)")
    (loops, _), (_, im2col_error), (jax, jax_error) = rows
    assert max(im2col_error, jax_error) < 1e-5
    assert jax < loops / 5


@pytest.mark.slow
def test_worked_example(executed: NotebookNode) -> None:
    terms, total = _printed(executed, "arithmetic").split(" = ")[1:]
    products = [term.split("·") for term in terms.split(" + ")]
    assert len(products) == 9
    assert sum(int(a) * int(b) for a, b in products) == int(total)


@pytest.mark.slow
def test_receptive_fields(executed: NotebookNode) -> None:
    seen = _numbers(executed, "receptive", r"sees +(\d+) pixels across, +(\d+) channels")
    published = [[3, 64], [10, 128], [24, 256], [60, 512], [76, 512], [132, 512]]
    assert seen == published


@pytest.mark.slow
def test_losses_fall(executed: NotebookNode) -> None:
    for start, end in _numbers(executed, "reconstruction", r": ([\d.]+) → ([\d.]+) in"):
        assert end < 0.6 * start
    for start, end in _numbers(executed, "textures", r": ([\d.]+) → ([\d.]+)\n"):
        assert end < 0.9 * start
    ((start, end),) = _numbers(executed, "config", r"total: +([\d.]+) → ([\d.]+)")
    assert end < 0.7 * start


@pytest.mark.slow
def test_gram_forgets_places(executed: NotebookNode) -> None:
    ((content,),) = _numbers(executed, "shuffle", r"shuffled self: ([\d.]+)")
    ((style,),) = _numbers(executed, "shuffle", r"style loss between them: (\S+)")
    assert content > 0.5
    assert style < 1e-9


@pytest.mark.slow
def test_pictures_afresh(executed: NotebookNode, stored: NotebookNode) -> None:
    pictures = _pictures(executed)
    assert len(pictures) == PICTURES
    assert all(picture.std() > 10 for picture in pictures)
    counts = [[len(cell.outputs) > 0 for cell in _code(each)] for each in (executed, stored)]
    assert counts[0] == counts[1]


@pytest.mark.slow
def test_starts_from_its_own_folder(stored: NotebookNode) -> None:
    started = _run(stored, NOTEBOOK.parent, cells=1)
    assert _printed(started, "setup").startswith("pictures of 64 pixels, 16 steps")
