"""Make the example photographs from the pictures that travel in scikit-image.

    pip install scikit-image
    python examples/prepare_photos.py

Each picture is checked against the SHA-256 that scikit-image itself publishes for it, so
that the photographs beside this script can be made again and compared.
"""

import argparse
import hashlib
import sys
from pathlib import Path

from PIL import Image

LONGEST_SIDE = 640
PHOTOGRAPHS = {
    "astronaut.png": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    "chelsea.png": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    "coffee.png": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    "hubble_deep_field.jpg": "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
    "ihc.png": "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef",
    "rocket.jpg": "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
}


def find_data() -> Path:
    """Return the folder of scikit-image's pictures, or raise OSError saying how to get it."""
    try:
        import skimage
    except ImportError as error:
        raise OSError("scikit-image is not installed; run: pip install scikit-image") from error
    return Path(skimage.__file__).parent / "data"


def prepare(source: Path, sha256: str, folder: Path) -> Path:
    """Write `source` as a JPEG of at most `LONGEST_SIDE` pixels into `folder`.

    Raises OSError if the file is absent or is not the picture that `sha256` names.
    """
    found = hashlib.sha256(source.read_bytes()).hexdigest()
    if found != sha256:
        raise OSError(
            f"{source} has SHA-256 {found}, not {sha256}; install a scikit-image that "
            "carries the picture unchanged (0.26.0 does)"
        )
    picture = Image.open(source).convert("RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    target = folder / f"{source.stem}.jpg"
    picture.save(target, quality=90, subsampling=0, optimize=True)
    return target


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Make the example photographs.")
    folder = Path(__file__).parent / "images"
    parser.add_argument("-o", "--output", type=Path, default=folder, help="folder to write to")
    options = parser.parse_args(arguments)
    try:
        data = find_data()
        for name, sha256 in PHOTOGRAPHS.items():
            target = prepare(data / name, sha256, options.output)
            print(f"{target}: {target.stat().st_size / 1000:.0f} kB")
    except OSError as error:
        print(f"prepare_photos: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
