"""The words of the command that paints a recipe, and what the command says about them."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..cli.batch.plan import plan
from ..cli.options.film import parse_film
from ..cli.options.groups import WHOLE
from ..cli.options.parsing import parse
from ..cli.options.request import Batch
from ..cli.options.settings import config_of
from ..cli.options.sweep import cells, read_sweeps
from ..cli.options.words import option, option_words
from ..config import PRESETS, Config
from ..config.effects import idle_fields
from ..wording import field_of
from .answers import Problem
from .recipes import Recipe

_SNAPSHOTS = 50


def config_for(recipe: Recipe) -> Config:
    """The settings; Problem 400 for a wrong value."""
    with _refusing(recipe):
        return config_of(recipe.preset, recipe.settings, recipe.init_image)


@contextlib.contextmanager
def _refusing(recipe: Recipe) -> Iterator[None]:
    """Turns an error of the command into Problem 400, at the control that it is about."""
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        raise Problem(400, plain(str(error)), recipe.control(field_of(error))) from None


def idle_settings(recipe: Recipe) -> dict[str, str]:
    """The settings without effect in any of the paintings, and why; Problem 400 for a wrong one."""
    with _refusing(recipe):
        reasons = [
            idle_fields(
                config_of(
                    cell.values.pop("preset", recipe.preset),
                    {**recipe.settings, **cell.values},
                    recipe.init_image,
                ),
                max(1, len(recipe.styles)),
            )
            for cell in cells(read_sweeps(_sweep_words(recipe), recipe.settings))
        ]
    return {
        # A control can't be left out.
        name: why.removeprefix(f"{option(name)} has ").replace(": leave it out, or ", ": ")
        for name, why in reasons[0].items()
        if all(name in others for others in reasons)
    }


def plain(line: str) -> str:
    """An error line without the folders of the studio's pictures."""
    return re.sub(r"(?:[\w/.\\-]*/)?pictures/[0-9a-f]{32}/", "", line)


def checked_words(
    recipe: Recipe, paths: Mapping[str, Path], files: Sequence[str] = ()
) -> list[str]:
    """The words of the command that paints a recipe, as the command itself has checked them.

    Settings without effect are left out, which the command would refuse.

    Args:
        recipe: complete.
        paths: of each picture, by its id.
        files: the words of the files to write, see `file_words`.

    Raises:
        Problem: 400 with the command's one line.
    """
    words = _words(recipe, paths) + list(files)
    with _refusing(recipe):
        if recipe.film is not None:
            parse_film(words[1:])
            return words
        request = parse(words)
        if isinstance(request, Batch):
            plan(request)
    return words


def _words(recipe: Recipe, paths: Mapping[str, Path]) -> list[str]:
    assert recipe.content
    config, defaults = config_for(recipe), PRESETS[recipe.preset]
    words = ["video"] if recipe.film is not None else []
    words += ["--content", str(paths[recipe.content]), "--style"]
    words += [str(paths[style]) for style in recipe.styles if style]
    if len(recipe.styles) > 1 and recipe.film is None:  # a film blends its styles anyway
        words.append("--blend")
    if recipe.preset != "default":
        words += ["--preset", recipe.preset]
    idle = idle_settings(recipe)
    for name in recipe.settings:
        value = getattr(config, name)
        if value != getattr(defaults, name) and name not in idle:
            words += option_words(name, value)
    if recipe.init_image:
        words += ["--init-image", str(paths[recipe.init_image])]
    if recipe.keep_mask:
        words += ["--keep-mask", str(paths[recipe.keep_mask])]
    if recipe.content_masks:
        words += ["--content-mask", *(str(paths[mask]) for mask in recipe.content_masks)]
    if any(recipe.style_masks):
        masks = (str(paths[mask]) if mask else WHOLE for mask in recipe.style_masks)
        words += ["--style-mask", *masks]
    for sweep in _sweep_words(recipe):
        words += ["--sweep", sweep]
    for name, value in (recipe.film or {}).items():
        words += option_words(name, value)
    return words


def _sweep_words(recipe: Recipe) -> list[str]:
    return [f"{sweep['name']}={','.join(sweep['values'])}" for sweep in recipe.sweep]


def file_words(folder: str, recipe: Recipe) -> list[str]:
    """The words for what a job writes into its folder, relative to the studio's."""
    config = config_for(recipe)
    if recipe.film is not None:
        return ["--output", f"{folder}/cells/001.mp4", "--frames", f"{folder}/cells/001_frames"]
    cell = f"{folder}/cells/{{index:03}}"
    every = max(1, round(sum(config.steps_per_scale) / _SNAPSHOTS))
    words = ["--output", f"{cell}.png", "--bits", "16", "--log", f"{cell}.jsonl"]
    words += ["--save-every", str(every), "--snapshots", f"{cell}_steps"]
    return [*words, "--checkpoint", f"{cell}.ckpt", "--checkpoint-every", "10s"]
