"""Pages and pictures of the site that stand elsewhere in the repository, under their own paths.

A link such as `../benchmarks/README.md` in `docs/speed.md` is right on the pages of a repository
host. In the site these files stand beside the guides, so one `../` is dropped.
"""

import re
from pathlib import Path
from typing import Any

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
_OUTWARD = re.compile(r"(\]\()((?:\.\./)+)(?=benchmarks/|examples/|weights/|[A-Z]+)")


def on_files(files: Files, config: Any) -> Files:
    """Adds the files of `SHOWN`."""
    for pattern in SHOWN:
        for path in sorted(ROOT.glob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Leads the links of a page in `docs/` to these files."""
    if (ROOT / page.file.src_uri).exists():
        return markdown
    return _OUTWARD.sub(lambda found: found[1] + found[2].removeprefix("../"), markdown)
