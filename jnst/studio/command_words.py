"""The words of the command that paints a recipe, and what the command says about them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..cli.batch.plan import plan
from ..cli.options.groups import WHOLE
from ..cli.options.parsing import parse
from ..cli.options.request import Batch
from ..cli.options.settings import config_of
from ..cli.options.words import option, option_words
from ..config import PRESETS, Config
from ..config.effects import idle_fields
from .answers import Problem
from .recipes import KINDS, Recipe

_SNAPSHOTS = 50
_PATHS = re.compile(r"\bpictures/([0-9a-f]{32})/")


def config_for(recipe: Recipe) -> Config:
    """The settings; Problem 400 for a wrong value."""
    try:
        return config_of(recipe.preset, recipe.settings, recipe.init_image)
    except (ValueError, TypeError) as error:
        raise Problem(400, str(error), field_in(str(error), recipe)) from None


def idle_settings(recipe: Recipe) -> dict[str, str]:
    """The settings without effect beside the others, and why; Problem 400 for a wrong value."""
    reasons = idle_fields(config_for(recipe), max(1, len(recipe.styles)))
    return {name: why.removeprefix(f"{option(name)} has ") for name, why in reasons.items()}


def field_in(line: str, recipe: Recipe) -> str | None:
    """The control that an error of the command is about, or None.

    >>> field_in("--content-weight is -1.0: it must be a finite number of at least 0", Recipe())
    'content_weight'
    """
    if match := _PATHS.search(line):
        parts = {"content": [recipe.content], "styles": recipe.styles}
        parts |= {"init_image": [recipe.init_image], "keep_mask": [recipe.keep_mask]}
        parts |= {"content_masks": recipe.content_masks, "style_masks": recipe.style_masks}
        return next((name for name, ids in parts.items() if match[1] in ids), None)
    for name, value in recipe.settings.items():
        if isinstance(value, list) and any(repr(v) in line for v in value if isinstance(v, str)):
            return name  # a layer, by its own name
    names = {option(name): name for name in (*KINDS, "preset", "sweep", "keep_mask", "init_image")}
    names |= {"--content": "content", "--style": "styles", "--content-mask": "content_masks"}
    names |= {"--style-mask": "style_masks"}
    for word in re.findall(r"--[a-z][a-z0-9-]*|\b[a-z_0-9]+_[a-z_0-9]+\b|^[a-z]+\b", line):
        name = names.get(word.replace("--no-", "--"), word)
        if name in names.values():
            return name
    return None


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
    while True:
        words = _words(recipe, paths) + list(files)
        try:
            request = parse(words)
            if isinstance(request, Batch):
                plan(request)
            return words
        except (ValueError, OSError) as error:
            line = str(error)
        idle = field_in(line, recipe) if "has no effect" in line else None
        if idle not in recipe.settings:
            raise Problem(400, plain(line), field_in(line, recipe))
        kept = {name: value for name, value in recipe.settings.items() if name != idle}
        recipe = replace(recipe, settings=kept)


def _words(recipe: Recipe, paths: Mapping[str, Path]) -> list[str]:
    assert recipe.content
    config, defaults = config_for(recipe), PRESETS[recipe.preset]
    words = ["--content", str(paths[recipe.content]), "--style"]
    words += [str(paths[style]) for style in recipe.styles if style]
    if recipe.preset != "default":
        words += ["--preset", recipe.preset]
    # What a sweep makes of the others, the command finds out by itself.
    idle = {} if recipe.sweep else idle_settings(recipe)
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
    for sweep in recipe.sweep:
        words += ["--sweep", f"{sweep['name']}={','.join(sweep['values'])}"]
    return words


def file_words(folder: str, config: Config) -> list[str]:
    """The words for what a job writes into its folder, relative to the studio's."""
    cell = f"{folder}/cells/{{index:03}}"
    every = max(1, round(sum(config.steps_per_scale) / _SNAPSHOTS))
    words = ["--output", f"{cell}.png", "--bits", "16", "--log", f"{cell}.jsonl"]
    words += ["--save-every", str(every), "--snapshots", f"{cell}_steps"]
    return [*words, "--checkpoint", f"{cell}.ckpt", "--checkpoint-every", "10s"]
