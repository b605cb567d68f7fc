"""What looks.py tells: curves of content against style, who lies above whom, and blind sheets.

A row is one painting: {"pair", "preset", "strength", "kept", "style", "seconds", …}.
"""

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from jnst.images import fit_size, resize_picture, write_image

Row = dict[str, Any]
Points = Sequence[tuple[float, float]]
# Okabe and Ito's colours, told apart by colour-blind eyes.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = "osD^v<>P"
GAP = 16
SCORES = ("kept", "style")


def gap(ours: Points, theirs: Points) -> float | None:
    """How far one curve lies above another: the mean difference in style at equal content kept.

    Between their points the curves are straight lines; it counts the range of content that both
    reach. None if there is none.

    Args:
        ours, theirs: (content kept, style) of each painting, in any order.
    """
    curves = [np.array(sorted(points)).T for points in (ours, theirs)]
    low, high = max(x[0] for x, _ in curves), min(x[-1] for x, _ in curves)
    if not low < high:
        return None
    places = np.linspace(low, high, 101)
    above, below = (np.interp(places, *curve) for curve in curves)
    return float(np.mean(above - below))


def points(rows: Iterable[Row], pair: str, preset: str) -> list[tuple[float, float]]:
    """The curve of one preset on one pair, from the least strength to the largest."""
    ours = [row for row in rows if (row["pair"], row["preset"]) == (pair, preset)]
    return [(row["kept"], row["style"]) for row in sorted(ours, key=lambda row: row["strength"])]


def names(rows: Iterable[Row], what: str) -> list[str]:
    return list(dict.fromkeys(row[what] for row in rows))


def with_earlier(payload: Row, earlier: Row, source: Path) -> Row:
    """The payload of a run that adds to earlier results: theirs come first, without their seconds.

    Raises:
        ValueError: if they are of another size, network or number of steps.
    """
    for what in ("size", "network"):
        if payload[what] != earlier[what]:
            raise ValueError(f"--add: {source} has {what} {earlier[what]}, not {payload[what]}")
    for preset, steps in payload["steps"].items():
        if (known := earlier["steps"].get(preset, steps)) != steps:
            raise ValueError(f"--add: in {source} {preset} made {known} steps, not {steps}")
    joined = {what: earlier[what] | payload[what] for what in ("steps", "steps_share")}
    # Another machine may have painted them.
    return payload | joined | {"rows": [row | {"seconds": None} for row in earlier["rows"]]}


def replaced(rows: Sequence[Row], fresh: Sequence[Row]) -> list[Row]:
    """The rows, followed by the fresh ones, which take the place of those of the same painting."""

    def painting(row: Row) -> tuple[Any, ...]:
        return row["pair"], row["preset"], row["strength"]

    again = set(map(painting, fresh))
    return [row for row in rows if painting(row) not in again] + list(fresh)


def standings(rows: Sequence[Row]) -> dict[str, dict[str, dict[str, Any]]]:
    """Of each preset against each other: on how many pairs it lies above, of how many, how far."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for one in names(rows, "preset"):
        found[one] = {}
        for other in names(rows, "preset"):
            curves = [
                (points(rows, pair, one), points(rows, pair, other)) for pair in names(rows, "pair")
            ]
            gaps = [gap(*both) for both in curves if one != other and all(both)]
            met = [value for value in gaps if value is not None]
            if met:
                above = sum(value > 0 for value in met)
                found[one][other] = {"above": above, "of": len(met), "gap": fmean(met)}
    return found


def inner(rows: Iterable[Row]) -> list[Row]:
    """The rows with their scores without a rim, of those that have them."""
    return [row | row["inner"] for row in rows if "inner" in row]


def table(payload: Row) -> str:
    """Everything in Markdown: each preset, each against each other, and each painting."""
    rows, presets = payload["rows"], names(payload["rows"], "preset")
    lines = [_heading(payload), "", "| preset | steps | content kept | style | seconds |"]
    lines += ["|---|---:|---:|---:|---:|", *(_means(payload, name) for name in presets)]
    lines += ["", "On how many pairs, of those where both reach the same content, the row's curve"]
    lines[-1] += " lies above the column's, and by how much of style on average:"
    lines += _standings(rows)
    if within := inner(rows):
        lines += ["", "The same without a rim of 5 % of the longer side, in which the edge of the"]
        lines[-1] += " painting stands, and the strips that are painted after it:"
        lines += _standings(within)
    strengths = sorted({row["strength"] for row in rows})
    lines += ["", "Content kept and style of each painting, by its strength:", ""]
    lines += [f"| pair | preset | {' | '.join(f'{s:g}' for s in strengths)} |"]
    lines += ["|---|---|" + "---:|" * len(strengths)]
    for pair in names(rows, "pair"):
        for preset in presets:
            ours = {r["strength"]: r for r in rows if (r["pair"], r["preset"]) == (pair, preset)}
            cells = [_scores(ours.get(strength)) for strength in strengths]
            lines += [f"| {pair} | {preset} | {' | '.join(cells)} |"]
    return "\n".join(lines)


def _heading(payload: Row) -> str:
    shares = payload["steps_share"].items()
    fewer = ", ".join(f"{preset} {share:g}" for preset, share in shares if share != 1)
    trial = f" **A trial: of its steps made {fewer}.**" if fewer else ""
    return (
        f"Longer side {payload['size']} px, painted by {payload['network']}, judged by a VGG-16 of "
        f"other weights and an AlexNet.{trial} Content kept: 1 for the photograph in the style's "
        "colours, 0 for the style itself; style: the other way round; more is better. Networks "
        "judge textures, not pictures. At strength 1, means over the pairs; seconds are medians "
        "over all strengths of a whole painting in one process, of the last run alone, where the "
        "first of each shape also compiles. –: not painted, or no content that both reach."
    )


def _means(payload: Row, preset: str) -> str:
    ours = [row for row in payload["rows"] if row["preset"] == preset]
    at_one = [row for row in ours if row["strength"] == 1]
    cells = [f"{fmean(r[what] for r in at_one):.2f}" if at_one else "–" for what in SCORES]
    seconds = _seconds(payload["rows"], preset)
    cells += [f"{seconds:.3g}" if seconds is not None else "–"]
    return f"| {preset} | {payload['steps'][preset]} | {' | '.join(cells)} |"


def _seconds(rows: Iterable[Row], preset: str) -> float | None:
    times = [row["seconds"] for row in rows if row["preset"] == preset]
    return median(known) if (known := [t for t in times if t is not None]) else None


def _standings(rows: Sequence[Row]) -> list[str]:
    presets = names(rows, "preset")
    lines = ["", f"| | {' | '.join(presets)} |", "|---|" + "---:|" * len(presets)]
    for one, others in standings(rows).items():
        cells = [_standing(others.get(other)) for other in presets]
        lines.append(f"| {one} | {' | '.join(cells)} |")
    return lines


def _standing(found: dict[str, Any] | None) -> str:
    return f"{found['above']} of {found['of']}, {found['gap']:+.2f}" if found else "–"


def _scores(row: Row | None) -> str:
    return f"{row['kept']:.2f}, {row['style']:.2f}" if row else "–"


def plot(rows: Sequence[Row]) -> Figure:
    """A panel for each pair, a curve for each preset, a large mark at strength 1."""
    pairs, presets = names(rows, "pair"), names(rows, "preset")
    columns = min(4, len(pairs))
    lines = -(-len(pairs) // columns)
    figure = Figure(figsize=(max(7, 3.6 * columns), 3.4 * lines + 1), layout="constrained")
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for panel in panels.flat[len(pairs) :]:
        panel.set_axis_off()
    for panel, pair in zip(panels.flat, pairs, strict=False):
        panel.plot([0, 1], [1, 0], ":", color="#bbbbbb")  # from one anchor to the other
        for number, preset in enumerate(presets):
            look = {"color": COLOURS[number % 8], "marker": MARKERS[number % 8]}
            curve = np.array(points(rows, pair, preset)).reshape(-1, 2)
            panel.plot(*curve.T, **look, markersize=4, label=_label(rows, preset))
            one = [r for r in rows if (r["pair"], r["preset"], r["strength"]) == (pair, preset, 1)]
            panel.plot(*([r[what] for r in one] for what in SCORES), **look, markersize=9)
        panel.set_title(pair, fontsize=10)
        panel.grid(color="#eeeeee")
    figure.supxlabel("content kept (more is better)", fontsize=10)
    figure.supylabel("style (more is better)", fontsize=10)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    return figure


def _label(rows: Sequence[Row], preset: str) -> str:
    seconds = _seconds(rows, preset)
    return preset if seconds is None else f"{preset}, {seconds:.3g} s"


def blind_sheet(content: Any, style: Any, left: Any, right: Any) -> Any:
    """Two pictures at full size side by side on white, above them the content and the style."""
    height, width = left.shape[:2]
    small = [
        resize_picture(p, *fit_size(*p.shape[:2], max(64, width // 2))) for p in (content, style)
    ]
    top = max(len(picture) for picture in small)
    sheet = np.ones((top + height + 3 * GAP, 2 * width + 3 * GAP, 3), np.float32)
    beside = (GAP, width + 2 * GAP)
    for pictures, row in ((small, GAP), ((left, right), top + 2 * GAP)):
        for picture, column in zip(pictures, beside, strict=True):
            sheet[row : row + len(picture), column : column + picture.shape[1]] = picture
    return sheet


def write_blind(
    pairs: dict[str, tuple[Any, Any]], paintings: dict[str, dict[str, Any]], folder: Path, seed: int
) -> Path:
    """Writes a sheet for each pair, and beside their folder the key; returns the key's path.

    Args:
        pairs: name of each pair to its content and style.
        paintings: name of each pair to the paintings of two presets, by the preset's name.
        folder: of the sheets, named by numbers alone; made if it is not there.
        seed: of the order of pairs, and of who stands on the left.
    """
    rng = random.Random(seed)
    order = list(pairs)
    rng.shuffle(order)
    folder.mkdir(parents=True, exist_ok=True)
    key: dict[str, Any] = {"seed": seed, "sheets": {}}
    for number, pair in enumerate(order, start=1):
        sides = list(paintings[pair])
        rng.shuffle(sides)
        sheet = blind_sheet(*pairs[pair], *(paintings[pair][name] for name in sides))
        write_image(folder / f"{number}.png", sheet)
        key["sheets"][str(number)] = {"pair": pair, "left": sides[0], "right": sides[1]}
    path = folder.with_name(f"{folder.name}-key.json")
    path.write_text(json.dumps(key, indent=1) + "\n")
    return path


def reveal(key: Path, choices: Path) -> str:
    """Who was chosen: a line for each choice, and the count.

    Args:
        key: as `write_blind` wrote it.
        choices: a text file with lines such as `3 left`; several people may choose on one sheet.

    Raises:
        ValueError: for a line that says something else.
    """
    sheets = json.loads(key.read_text("utf-8"))["sheets"]
    chosen, lines = Counter({name: 0 for name in _two(sheets)}), []
    for number, line in enumerate(choices.read_text("utf-8").splitlines(), start=1):
        words = line.lower().split()
        if not words:
            continue
        if len(words) != 2 or words[0] not in sheets or words[1] not in ("left", "right"):
            raise ValueError(
                f"{choices}, line {number}: {line!r}; write as in '1 left' or '1 right'"
            )
        sheet = sheets[words[0]]
        chosen[sheet[words[1]]] += 1
        lines.append(f"{words[0]}, {sheet['pair']}: {sheet[words[1]]}")
    counts = ", ".join(f"{name} {count}" for name, count in chosen.most_common())
    return "\n".join([*lines, f"chosen: {counts}"])


def _two(sheets: dict[str, dict[str, str]]) -> list[str]:
    return sorted({sheet[side] for sheet in sheets.values() for side in ("left", "right")})
