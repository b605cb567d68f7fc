"""A job as JSON: what the page sees of it."""

import struct
from pathlib import Path
from typing import Any

from .command_words import plain
from .jobs import DONE, EXPORTS, FILM_EXPORTS, QUEUED, RUNNING, Job
from .store import Store


def view(job: Job, store: Store) -> dict[str, Any]:
    """The job as the page sees it."""
    job.update()
    error = job.error()
    base, snapshots = f"/files/jobs/{job.id}", job.snapshots(job.cell)
    cell = base if len(job.cells) == 1 else f"{base}/cells/{job.cell}"
    result = job.state != RUNNING and job.result(1)
    height, width = _png_size(job.picture(1)) if result else (None, None)
    can = {QUEUED: ["cancel", "move"], RUNNING: ["stop", "cancel"]}
    if job.state == DONE and (len(job.cells) > 1 or job.is_film):
        can[DONE] = ["delete"]
    return job.progress.to_json() | {
        "id": job.id,
        "name": job.data["name"],
        "state": job.state,
        "stopping": job.stopping,
        "error": plain(error) if error else None,
        "field": job.recipe.control(job.run.get("field")) if error else None,
        "notes": job.notes(),
        "created": job.data["created"],
        "ended": job.run.get("ended"),
        "recipe": job.recipe.to_json(),
        "content": _picture(store, job.recipe.content),
        "styles": [_picture(store, style) for style in job.recipe.styles],
        "phase": None if job.state != RUNNING else "painting" if snapshots else "starting",
        "painting": job.cell,
        "paintings": len(job.cells),
        "is_film": job.is_film,
        "preview": f"{cell}/steps/{snapshots[-1]}" if snapshots else None,
        "preview_step": snapshots[-1] if snapshots else None,
        "result": f"{base}/result?v={result}" if result else None,
        "thumb": f"{base}/thumb?v={result}" if result else None,
        "width": width,
        "height": height,
        "can": can.get(job.state, ["go-on", "delete"]),
    }


def _picture(store: Store, identifier: str | None) -> dict[str, Any] | None:
    about = store.pictures.get(identifier or "")
    return about and {key: about[key] for key in ("id", "name", "width", "height")} | {
        kind: f"/files/pictures/{identifier}/{kind}" for kind in ("thumb", "view")
    }


def details(job: Job) -> dict[str, Any]:
    """What the page asks for besides `view` when it shows this job alone."""
    base = f"/files/jobs/{job.id}"
    several = len(job.cells) > 1
    place = f"{base}/cells/{job.cell}" if several else base
    sheet = job.sheet()
    return {
        "curve": job.progress.curve(),
        "snapshots": [
            {"step": step, "url": f"{place}/steps/{step}"} for step in job.snapshots(job.cell)
        ],
        "command": job.command(),
        "sheet": f"{base}/sheet?v={sheet.stat().st_mtime_ns // 1_000_000}" if sheet else None,
        "cells": [_cell(job, k) for k in range(1, len(job.cells) + 1)] if several else [],
        "downloads": _downloads(job, 1, base),
    }


def _cell(job: Job, cell: int) -> dict[str, Any]:
    base, made = f"/files/jobs/{job.id}/cells/{cell}", job.result(cell)
    return {
        "index": cell,
        "values": job.cells[cell - 1],
        "url": f"{base}?v={made}" if made else None,
        "thumb": f"{base}/thumb?v={made}" if made else None,
        "downloads": _downloads(job, cell, base),
    }


def _downloads(job: Job, cell: int, base: str) -> dict[str, str] | None:
    if not job.result(cell):
        return None
    kinds = FILM_EXPORTS if job.is_film else EXPORTS
    return {name: f"{base}/download/{name}" for name in kinds}


def _png_size(path: Path) -> tuple[int | None, int | None]:
    """(height, width) from a PNG's header."""
    try:
        with path.open("rb") as file:
            width, height = struct.unpack(">II", file.read(24)[16:])
    except (OSError, struct.error):
        return None, None
    return height, width
