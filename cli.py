"""Paints a photograph in the style of a picture: `python cli.py --help`."""

import sys

from jnst.__main__ import run

if __name__ == "__main__":
    sys.exit(run())
