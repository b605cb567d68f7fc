"""The peak memory of `python cli.py`, beside what it says before it compiles.

Each row is a run with nothing compiled before: by default that of the default's scales, with
VGG-16 and two steps at each scale. Its peak is the largest resident set of its process.

    python benchmarks/command_memory.py [--sides 256 384 512 768 1024] [-- more options of cli.py]
"""

import argparse
import re
import tempfile
from pathlib import Path
from typing import Any

from common.measure import environment, write_results
from common.places import PICTURES, RESULTS, ROOT
from common.processes import run_and_measure, worker_environment


def said(text: str) -> float:
    """Bytes that the line before compiling speaks of.

    >>> said("about 33 s and 1.4GB of memory"), said("868MB of memory by windows of 128 pixels")
    (1400000000.0, 868000000.0)
    """
    found = re.search(r"([\d.]+)([GM])B of memory", text)
    if not found:
        raise RuntimeError(text)
    return float(found[1]) * {"G": 1e9, "M": 1e6}[found[2]]


def run(side: int, more: list[str]) -> dict[str, Any]:
    """One run: its side, its peak and what it said, in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            str(ROOT / "cli.py"),
            "--content",
            str(PICTURES / "astronaut.jpg"),
            "--steps",
            "2",
            "--size",
            str(side),
        ]
        words += ["--style", str(PICTURES / "nocturne.jpg"), "--output", f"{folder}/painting.png"]
        told, peak = run_and_measure([*words, *more], worker_environment({"JNST_CACHE": folder}))
    return {"side": side, "peak": peak, "said": said(told)}


def table(rows: list[dict[str, Any]]) -> str:
    lines = ["| --size | peak, GB | said, GB | said over peak |", "|---|---|---|---|"]
    for row in rows:
        lines.append(
            f"| {row['side']} | {row['peak'] / 1e9:.2f} | {row['said'] / 1e9:.2f} "
            f"| {row['said'] / row['peak']:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 384, 512, 768, 1024])
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result files")
    parser.add_argument("more", nargs="*", help="more options of cli.py, after --")
    options = parser.parse_args()
    machine = environment()
    rows = []
    for side in options.sides:
        rows.append(run(side, options.more))
        print(table(rows[-1:]).splitlines()[-1], flush=True)
    told = f"python cli.py --steps 2 {' '.join(options.more)}".strip()
    payload = {"environment": machine, "more": options.more, "rows": rows}
    write_results("command_memory", payload, f"`{told}`\n\n{table(rows)}", options.results)


if __name__ == "__main__":
    main()
