"""Paints a photograph in the style of a picture: `python cli.py --help`."""

import sys

from jnst.cli import main

if __name__ == "__main__":
    sys.exit(main())
