"""Pages and pictures of the site that stand elsewhere in the repository, and words of code.

A link such as `../benchmarks/README.md` in `docs/speed.md` is right on the pages of a repository
host. In the site these files stand beside the guides, so one `../` is dropped.
"""

import re
from collections import Counter
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
SHOWN = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "benchmarks/README.md",
    "benchmarks/results/*.md",
    "benchmarks/results/*.png",
    "benchmarks/results/*.json",
    "examples/*.jpg",
    "examples/cnn_and_nst.ipynb",
    "examples/gallery/README.md",
    "examples/gallery/*.jpg",
    "examples/images/README.md",
    "examples/images/*.jpg",
    "weights/README.md",
)
# Where a guide has the address already.
_ELSEWHERE = {"weights/README.md": "weights/files/index.html"}
_CODE = re.compile(r"(?<!</span>)<code>([^<]+)</code>")
_COMMANDS = re.compile(r'<div class="language-sh .*?</div>', re.DOTALL)
_OPTION = re.compile(r"--[a-z][\w-]*")
_LONGEST_WORD = 34
_OUTWARD = re.compile(r"(\]\()((?:\.\./)+)(?=benchmarks/|examples/|weights/|[A-Z]+)")


def on_files(files: Files, config: Any) -> Files:
    """Adds the files of `SHOWN`; PluginError if two pages have one address."""
    for pattern in SHOWN:
        for path in sorted(ROOT.glob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            file = File.generated(config, name, abs_src_path=str(path))
            file.dest_uri = _ELSEWHERE.get(name, file.dest_uri)
            files.append(file)
    for address, count in Counter(file.dest_uri for file in files).items():
        if count > 1:
            raise PluginError(f"{count} files are written to {address}: rename one of them")
    return files


def on_page_content(html: str, **_: Any) -> str:
    """Keeps words of code whole, in the text and in commands: a browser breaks them at a dash."""
    html = _CODE.sub(lambda found: f"<code>{_words(found[1])}</code>", html)
    return _COMMANDS.sub(
        lambda found: _OPTION.sub(r'<span class="word">\g<0></span>', found[0]), html
    )


def _words(code: str) -> str:
    return " ".join(
        f'<span class="word">{word}</span>' if len(word) <= _LONGEST_WORD else word
        for word in code.split(" ")
    )


def on_page_read_source(page: Any, **_: Any) -> str | None:
    """The results of a benchmark: their first line, a date with a colon, is no metadata."""
    if not page.file.src_uri.startswith("benchmarks/results/"):
        return None
    return "\n" + (ROOT / page.file.src_uri).read_text(encoding="utf-8")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Leads the links of a page in `docs/` to these files."""
    if (ROOT / page.file.src_uri).exists():
        return markdown
    return _OUTWARD.sub(lambda found: found[1] + found[2].removeprefix("../"), markdown)
