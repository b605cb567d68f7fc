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
Ctrl-C saves the painting so far. jnst video paints films, jnst studio opens a
page. Other commands: jnst filters, curves, weights, status.

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


_FILM_FRONT = (
    ("--content FILE", "the clip: a film, a folder of frames, or frame_%%04d.png"),
    ("--style FILE …", "the painting to paint like; several are blended"),
    ("--output FILE", ".mp4, .mkv, .webm, .mov; folder/ or frame_%%04d.png"),
    ("--size N", "pixels of the longer side"),
    ("--quality NAME", "draft, normal, or fine for the screen"),
    ("--strength X", "0.25 much photograph, 4 much painting"),
    ("--style-scale X", "above 1 larger strokes, below 1 smaller"),
    ("--start TIME", "where to begin, in seconds or as 1:23.5"),
    ("--end TIME", "where to end"),
    ("--fps N", "paint at most so many frames a second"),
    ("--every N", "paint every N-th frame only, shown that much longer"),
    ("--temporal X", "how steady: 0 frame by frame, 10 very (default: 1)"),
    ("--passes N", "paint the clip N times, forwards and backwards"),
    ("--shots N,…", "frames that start a shot (default: they are found)"),
    ("--film-quality NAME", "of the encoding (default: that of --quality)"),
    ("--resume FOLDER", "go on from the frames that are painted already"),
    ("--so-far", "with --resume: a film of these frames, painting none"),
)

_FILM_USAGE = "jnst video --content CLIP --style PAINTING [--output FILM] [options]"

_FILM_END = """examples:
  jnst video --content clip.mp4 --style night.jpg --output painted.mp4
  jnst video --content clip.mp4 --style night.jpg --end 4 --size 320
  jnst video --content shot/frame_%04d.png --fps 24 --style night.jpg
  jnst video --resume painted_frames

Each frame is kept in OUTPUT_frames as soon as it is painted. Ctrl-C makes a
film of those, and --resume goes on.

jnst video --help all shows all options, jnst video --help GROUP one group."""


def front_page(preset: str, *, film: bool = False) -> str:
    """The options that most need, with the defaults of a preset, and examples.

    >>> len(front_page("default").splitlines()) <= 40
    True
    """
    page = argparse.ArgumentParser(
        usage=_FILM_USAGE if film else _USAGE,
        description=f"Paints a {'film' if film else 'photograph'} in the style of one or more "
        "pictures.",
        epilog=_FILM_END if film else _END,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, 2, 26),
        add_help=False,
    )
    group = page.add_argument_group("options")
    for name, text in _FILM_FRONT if film else _FRONT:
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
            return front_page(self.const, film=parser.prog == "jnst video")
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
                return f"{formatter.format_help()}\n{parser.prog} --help all shows all options"
        titles = [group.title or "" for group in parser._action_groups if group._group_actions]
        parser.error(f"unknown group {topic!r}; {nearest(topic, ('all', *titles))}")
