"""A folder, or a pattern, as one style of a blend: its pictures share what is said of it."""

from collections.abc import Sequence

from .parser import option, without
from .run_options import config_of


def shared_out(words: Sequence[str], counts: Sequence[int]) -> list[str]:
    """The words with a weight, scale and size for each picture, where they had one for each style.

    The pictures of a folder share its weight evenly, so that their statistics are averaged, and
    have its scale and size. Weights of which there is one count for each style alike.

    Args:
        words: of a command, without its pictures.
        counts: for each style how many pictures it stands for.

    Example:
        >>> shared_out(["--style-weights", "3", "1", "--style-scale", "0.5"], [2, 1])
        ['--style-scale', '0.5', '--style-weights', '1.5', '1.5', '1']
        >>> shared_out([], [2, 1]), shared_out([], [5])
        (['--style-weights', '0.5', '0.5', '1'], [])
    """
    words, styles = list(words), len(counts)
    if styles == 1 or sum(counts) == styles:
        return words
    config = config_of(words)[1]
    for field in ("style_weights", "style_scale", "style_size"):
        values, weighs = getattr(config, field), field == "style_weights"
        if weighs and len(values) == 1:
            values = values * styles
        if len(values) == styles:
            parts = [
                f"{value / count if weighs else value:g}"
                for value, count in zip(values, counts, strict=True)
                for _ in range(count)
            ]
            words = [*without(words, option(field)), option(field), *parts]
    return words
