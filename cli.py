"""Paints a photograph in the style of a picture: `python cli.py --help`."""

import gc
import sys

if __name__ == "__main__":
    # What an import makes is there to stay: to look through it for garbage takes a fifth of the
    # time until the first step.
    gc.disable()
    from jnst.cli import main

    gc.freeze()
    gc.enable()
    sys.exit(main())
