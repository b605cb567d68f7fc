"""The masks that a command names, as words; nothing is read here."""

import argparse
from typing import NamedTuple

from .option_groups import WHOLE
from .parser import UsageError


class MaskFiles(NamedTuple):
    """Paths of masks as they were typed, - for standard input.

    Attributes:
        content: for each style the region that is painted in it; or none.
        styles: for each style what of it counts, `WHOLE` for all; or none.
        keep: what stays as it is, or None.

    Example:
        >>> MaskFiles(("a.png",), ("none",), "b.png").named()
        {'--content-mask (a.png)': 'a.png', '--keep-mask': 'b.png'}
    """

    content: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    keep: str | None = None

    def named(self) -> dict[str, str]:
        """Every file, by what a person calls it."""
        found = {f"--content-mask ({path})": path for path in self.content}
        found |= {f"--style-mask ({path})": path for path in self.styles if path != WHOLE}
        return found | ({"--keep-mask": self.keep} if self.keep else {})


def masks_of(typed: argparse.Namespace) -> MaskFiles:
    """The masks of one painting.

    Raises:
        UsageError: for a number of masks that is not that of the styles.
    """
    content, styles = typed.content_mask or (), typed.style_mask or ()
    for name, paths in (("content", content), ("style", styles)):
        if len(paths) not in (0, len(typed.style)):
            raise UsageError(
                f"--{name}-mask names {len(paths)} files for {len(typed.style)} styles: give one "
                "for each, in their order"
                + (f", or {WHOLE} for all of a style" if name == "style" else "")
            )
    return MaskFiles(tuple(content), tuple(styles), typed.keep_mask)


def refuse_for_many(typed: argparse.Namespace, many: bool, many_contents: bool) -> None:
    """Raises UsageError for masks beside many paintings that they cannot belong to.

    Args:
        typed: the command.
        many: whether the paintings have not all the same content and the same styles.
        many_contents: whether they have not all the same content.
    """
    for name in ("content", "style"):
        if many and getattr(typed, f"{name}_mask"):
            raise UsageError(
                f"--{name}-mask belongs to one painting: give one --content, and the styles as "
                "files, one for each mask"
            )
    if typed.keep_mask and many_contents:
        raise UsageError("--keep-mask belongs to one picture: give one --content, and no folder")
