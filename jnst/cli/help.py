"""The help of the command: one screen of what most need, and all options or a group of them.

Only standard Python and the settings are imported here, so that it is there at once.
"""

import argparse
from collections.abc import Sequence
from typing import Any

from ..config import PRESETS
from ..system import program_version
from ..wording import nearest, plain_name
from .console import show

_COMMAND = ("files", "regions", "many paintings", "checkpoints", "network", "memory", "devices")
_CONFIG = ("preset", "picture", "objective", "optimisation", "other")
GROUPS = (*_COMMAND, *_CONFIG)
"""Titles of the groups of options, in their order."""

_FRONT = (
    ("--content FILE …", "the photograph, several, or a folder of them"),
    ("--style FILE …", "the painting to paint like; several are blended"),
    ("--output FILE", ".png, .jpg, .webp, .tif, or a folder"),
    ("--size N", "pixels of the longer side"),
    ("--quality NAME", "draft, normal, or fine for the wall"),
    ("--strength X", "0.25 much photograph, 4 much painting"),
    ("--style-scale X", "above 1 larger strokes, below 1 smaller"),
    ("--style-weights X …", "the share of each of several styles"),
    ("--color NAME", "luminance-lab: the photograph's"),
    ("--keep-mask FILE", "where it is white, the photograph stays as it is"),
    ("--every-pair", "a painting in each style instead of a blend"),
    ("--sweep NAME=X,Y,…", "a painting of each value of an option, and a sheet"),
    ("--preset NAME", "a published method, such as gatys2016"),
    ("--network NAME", "vgg16, built in, or vgg19, downloaded once"),
    ("--checkpoint FILE", "to go on from by --resume FILE"),
    ("--print-command FILE", "the command that made this painting"),
)

_USAGE = "jnst --content PHOTO --style PAINTING [--output FILE] [options]"

_END = f"""examples:
  jnst --content cat.jpg --style night.jpg
  jnst --content cat.jpg --style night.jpg waves.jpg --style-weights 3 1
  jnst --content photos/ --style night.jpg --output "out/{{content}}_{{style}}.png"
  jnst --content cat.jpg --style night.jpg --sweep strength=1,2,4

The painting's path goes to standard output, all else to standard error.
Ctrl-C saves the painting so far. jnst studio opens a page. Other commands:
jnst filters, curves, weights, status.

jnst --help all shows all options, jnst --help GROUP one group of them:
{", ".join(_COMMAND)},
{", ".join(_CONFIG)}"""


def shown_at_once(words: Sequence[str]) -> bool:
    """Shows the version or the front page, if that is what a command line asks for."""
    if words and not words[0].startswith("-"):
        return False  # another command, with its own help
    if "--version" in words:
        show(f"jnst {program_version()}")
        return True
    after = next((words[i + 1 :] for i, word in enumerate(words) if word in ("-h", "--help")), None)
    preset = words[words.index("--preset") + 1 :][:1] if "--preset" in words else ["default"]
    if after is None or (after and not after[0].startswith("-")) or preset[0] not in PRESETS:
        return False
    show(front_page(preset[0]))
    return True


def front_page(preset: str) -> str:
    """The options that most need, with the defaults of a preset, and examples.

    >>> len(front_page("default").splitlines()) <= 40
    True
    """
    page = argparse.ArgumentParser(
        usage=_USAGE,
        description="Paints a photograph in the style of one or more pictures.",
        epilog=_END,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, 2, 26),
        add_help=False,
    )
    group = page.add_argument_group("options")
    for name, text in _FRONT:
        option, _, metavar = name.partition(" ")
        default = getattr(PRESETS[preset], option.strip("-").replace("-", "_"), None)
        text += "" if default is None else f" (default: {default_words(default)})"
        settings = {"metavar": metavar} if metavar else {"action": "store_true"}
        group.add_argument(option, help=text, **settings)  # type: ignore[arg-type]
    return page.format_help().rstrip()


def default_words(value: object) -> str:
    """A default as the help shows it.

    >>> default_words(True), default_words((0.5, 1.0)), default_words(())
    ('yes', '0.5 1', 'none')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(map(default_words, value)) or "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


class Help(argparse.Action):
    """`--help`, `--help all`, `--help GROUP`, and `--help OPTION`: shows the text, then exits."""

    def __call__(self, parser: Any, _: object, topic: Any, __: object = None) -> None:
        show(self._text(parser, plain_name(" ".join(topic))))
        parser.exit()

    def _text(self, parser: argparse.ArgumentParser, topic: str) -> str:
        if topic == "":
            return front_page(self.const)
        if topic == "all":
            return parser.format_help().rstrip()
        for group in parser._action_groups:
            members = group._group_actions
            named = [a for a in members if f"--{topic}" in a.option_strings]
            if plain_name(group.title or "").startswith(topic) or named:
                formatter = parser._get_formatter()
                formatter.start_section(group.title)
                formatter.add_arguments(named or members)
                formatter.end_section()
                return f"{formatter.format_help()}\njnst --help all shows all options"
        parser.error(f"unknown group {topic!r}; {nearest(topic, ('all', *GROUPS))}")
