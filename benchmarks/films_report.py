"""What films.py tells: a line for each film, the table of all of them, and sheets of frames.

A row is one film, from `films.row_of`: the seconds and errors of its frames and of its stills.
"""

import json
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from common.measure import write_results
from PIL import Image


class Judge(Protocol):
    """The source's frames, and the differences that are left along its motion."""

    frames: list[np.ndarray]

    def difference(self, pictures: list[np.ndarray], t: int, other: int) -> np.ndarray: ...


HEAD = (
    "| clip | style | px | frames | source | one by one | film | film / one by one "
    "| style, one by one | style, film | against frame 1 (source) | brightness "
    "| s a frame | of a still |\n"
    "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
)
NOTES = (
    "E_warp and the error against frame 1 times 10⁴. Film / one by one: over the same pairs. "
    "Brightness: change of the mean from the first to the last frame, less the source's."
)


def line_of(row: dict[str, Any]) -> str:
    """A row of the table."""
    change = row["brightness"][-1] - row["brightness"][0]
    change -= row["brightness_source"][-1] - row["brightness_source"][0]
    later, alone = np.median(row["seconds"][2:]), np.median(row["seconds_apart"][1:])
    cells = [
        row["clip"], row["picture"], str(row["size"]), str(row["frames"]),
        f"{1e4 * row['e_warp_source']:.1f}", f"{1e4 * row['e_warp_apart']:.1f}",
        f"{1e4 * row['e_warp']:.1f}", f"{row['e_warp_early'] / row['e_warp_apart']:.2f}",
        f"{np.mean(row['style_apart']):.4f}", f"{np.mean(row['style'][1:]):.4f}",
        f"{1e4 * row['drift']:.0f} ({1e4 * row['drift_source']:.0f})", f"{change:+.3f}",
        f"{later:.1f}", f"{later / alone:.2f}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def sheets(folder: Path, judge: Judge, film: list[np.ndarray], stills: list[np.ndarray]) -> None:
    """Crops of consecutive frames, source above film above stills, and differences times 4."""
    height, width, _ = film[0].shape
    side = min(height, width, 180)
    top, left = (height - side) // 2, (width - side) // 2
    count = min(6, len(film))
    rows = [judge.frames[:count], film[:count], stills[:count], film[-count:]]
    rows += [
        [4 * judge.difference(pictures, t, t - 1) for t in range(1, min(count, len(pictures)))]
        for pictures in (film, stills)
    ]
    sheet = np.zeros((len(rows) * side, count * side, 3), np.float32)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            cell = picture[top : top + side, left : left + side]
            sheet[i * side : (i + 1) * side, j * side : (j + 1) * side] = cell
    pixels = np.rint(255 * np.clip(sheet, 0, 1)).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "sheet.png")


def write(folder: Path, machine: dict[str, Any], results: Path) -> None:
    """The table of all films in the folder, of this run and of earlier ones."""
    rows = [json.loads(path.read_text()) for path in sorted(folder.glob("*/row.json"))]
    text = "\n".join([HEAD, *map(line_of, rows), "", NOTES])
    scores = folder / "masks.json"
    found = json.loads(scores.read_text()) if scores.exists() else {}
    for rule, score in found.items():
        text += (
            f"\nReliability masks of the synthetic clip ({rule}): precision "
            f"{score['precision']:.2f}, recall {score['recall']:.2f}."
        )
    payload = {"environment": machine, "masks": found, "rows": rows}
    write_results("films", payload, text, results)
