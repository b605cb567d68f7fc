"""The options of many paintings: what each needs, and what it does not go with."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .request import MaskFiles, Request
from .sweep import Sweep
from .words import UsageError, option

OF_MANY = frozenset(("shard", "cluster", "send_back"))
"""Fields of the options that one painting cannot have."""


def check_not_of_many(typed: Mapping[str, Any]) -> None:
    """Raises UsageError for an option that one painting cannot have."""
    for name in sorted(OF_MANY & typed.keys()):
        raise UsageError(
            f"{option(name)} is for many paintings, and this is one: give several --content, a "
            "folder, --every-pair or --sweep"
        )


def check_cluster(typed: Mapping[str, Any], request: Request) -> None:
    """Raises UsageError for an address that is none, or options that no worker can follow."""
    if "cluster" not in typed:
        if "send_back" in typed:
            raise UsageError("--send-back is for the workers of --cluster ADDRESS")
        return
    address = typed["cluster"]
    if not re.fullmatch(r"local:[1-9]\d{0,3}|(?!local:).+:\d+", address):
        raise UsageError(f"--cluster is {address}: give HOST:PORT of a scheduler, or local:N")
    if request.devices.several:
        raise UsageError("--devices is for this machine: start a worker of --cluster for each")
    for name in ("checkpoint", "log", "save_every"):
        if "send_back" in typed and name in typed:
            raise UsageError(f"{option(name)} needs a folder that the workers share: leave it out")


def check_style_blend(typed: Mapping[str, Any], sweeps: Sequence[Sweep]) -> None:
    """Raises UsageError unless `--style-blend` has two styles, and nothing else weighs them."""
    count = typed.get("style_blend")
    if count is None:
        return
    if count < 2:
        raise UsageError(f"--style-blend is {count}: give a number of paintings of at least 2")
    if len(typed["style"]) != 2 or typed.get("combine") not in (None, "blend"):
        raise UsageError(
            f"--style-blend goes from one style to another: give two, not {len(typed['style'])}, "
            "and neither --pairs nor --every-pair"
        )
    if "style_weights" in {*typed, *(sweep.name for sweep in sweeps)}:
        raise UsageError("--style-blend sets --style-weights itself: give one of the two")


def refuse_masks(masks: MaskFiles, *, many: bool, many_contents: bool) -> None:
    """Raises UsageError for masks that many paintings cannot share.

    Args:
        masks: of the command.
        many: whether the paintings differ in content or styles.
        many_contents: whether they differ in content.
    """
    for name, paths in (("content", masks.content), ("style", masks.styles)):
        if many and paths:
            raise UsageError(
                f"--{name}-mask belongs to one painting: give one --content, and the styles as "
                "files, one for each mask",
                f"{name}_masks",
            )
    if masks.keep and many_contents:
        text = "--keep-mask belongs to one picture: give one --content, and no folder"
        raise UsageError(text, "keep_mask")
