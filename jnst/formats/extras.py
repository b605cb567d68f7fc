"""Packages that only some formats need, imported when a file asks for them."""

import importlib
from pathlib import Path
from typing import Any


def needed(module: str, path: Path, kind: str, extra: str) -> Any:
    """Imports a module that reads files of this kind.

    Args:
        module: such as "scipy.io".
        path: of the file, for the message.
        kind: of the file, with its article: "an ONNX file".
        extra: of jnst, that brings the package.

    Raises:
        ImportError: if it is not installed, with the command that installs it.

    Example:
        >>> needed("json", Path("a.json"), "a JSON file", "json").loads("[1]")
        [1]
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0] if module != "google.protobuf" else "protobuf"
        raise ImportError(
            f"{path} is {kind}, which the {package} package reads: pip install 'jnst[{extra}]'"
        ) from error
