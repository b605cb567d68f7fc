"""Makers of damaged files, by fixed seeds: pictures of every kind that is read, and checkpoints.

`read_one_by_one` is the other half: a program that reads files one after another, under a limit on
its memory and without leave to write, and says of each what became of it.
"""

import hashlib
import io
import json
import os
import struct
import sys
import traceback
import warnings
import zlib
from collections.abc import Iterator

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

MAX_PIXELS = 1_000_000
SECONDS = 10.0
MEMORY = 500_000_000
"""Bytes that the reader may take beyond what it has when all is imported."""


def pictures() -> dict[str, bytes]:
    """A small sound file of each kind, by its name."""
    rng = np.random.default_rng(5)
    smooth = np.add.outer(np.arange(24), np.arange(33))[..., None] * np.array([3, 2, 1])
    rgb = ((smooth + rng.integers(0, 40, smooth.shape)) % 256).astype(np.uint8)
    rgba = np.concatenate([rgb, rgb[..., :1]], axis=-1)
    words, floats = rgba.astype(np.uint16) * 257, rgb.astype(np.float32) / 255
    exif = Image.Exif()
    exif[274] = 6
    profile = imagecodecs.cms_profile("adobergb")
    frames = [Image.fromarray(rgb[::-1]).convert("P")]
    files = {
        "rgb.png": _pillow(rgb, "PNG", icc_profile=profile, exif=exif),
        "palette.png": _pillow(Image.fromarray(rgb).convert("P"), "PNG", transparency=3),
        "animated.png": _pillow(rgb, "PNG", save_all=True, append_images=[Image.fromarray(rgb)]),
        "16.png": bytes(imagecodecs.png_encode(words)),
        "gray16.png": bytes(imagecodecs.png_encode(np.ascontiguousarray(words[..., 0]))),
        "a.jpg": _pillow(rgb, "JPEG", exif=exif, icc_profile=profile),
        "progressive.jpg": _pillow(rgb, "JPEG", progressive=True, subsampling=0),
        "cmyk.jpg": _pillow(Image.fromarray(rgb).convert("CMYK"), "JPEG"),
        "lossy.webp": _pillow(rgb, "WEBP"),
        "lossless.webp": _pillow(rgba, "WEBP", lossless=True, exif=exif, icc_profile=profile),
        "a.gif": _pillow(Image.fromarray(rgb).convert("P"), "GIF"),
        "animated.gif": _pillow(
            Image.fromarray(rgb).convert("P"), "GIF", save_all=True, append_images=frames
        ),
        "a.bmp": _pillow(rgb, "BMP"),
        "palette.bmp": _pillow(Image.fromarray(rgb).convert("P"), "BMP"),
        "a.ppm": _pillow(rgb, "PPM"),
        "text.pgm": b"P2 6 4 99\n" + b" ".join(b"%d" % (i * 4) for i in range(24)),
        "a.jp2": _pillow(rgb, "JPEG2000"),
        "a.avif": _pillow(rgb, "AVIF"),
    }
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4"):
        image = Image.fromarray(rgb)
        image = image.convert("1") if compression == "group4" else image
        files[f"{compression}.tif"] = _pillow(image, "TIFF", compression=compression)
    for codec in (None, "lzw", "zlib", "packbits", "lzma", "zstd"):
        options = {"compression": codec, "predictor": codec in ("lzw", "zlib")}
        files[f"16 {codec}.tif"] = _tiff(words[..., :3], **options)
        files[f"float {codec}.tif"] = _tiff(floats, compression=codec)
    files["16 tiled.tif"] = _tiff(words[..., :3], tile=(16, 16), compression="zlib")
    files["16 planes.tif"] = _tiff(np.moveaxis(words[..., :3], -1, 0), planarconfig="separate")
    files["big.tif"] = _tiff(floats.astype(np.float16), bigtiff=True)
    return files


def _pillow(image: Image.Image | np.ndarray, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(file, kind, **options)
    return file.getvalue()


def _tiff(array: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, array, photometric="rgb", **options)
    return file.getvalue()


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """The file with damage of some kind."""
    while (damaged := _damaged(data, rng)) == data:
        pass
    # Checksums that fit let the damage through to what lies behind them.
    return _with_right_checksums(damaged) if data[1:4] == b"PNG" and rng.integers(2) else damaged


def _damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """One of eight kinds of damage, half of the time in the first bytes, where the sizes are."""
    head = rng.integers(2)
    place = int(rng.integers(min(len(data), 200) if head else len(data)))
    size = int(rng.integers(1, 32))
    noise, after = rng.bytes(size), data[place + size :]
    extremes = (b"\0", b"\x01", b"\x7f", b"\x80", b"\xff")
    return [
        lambda: data[:place],
        lambda: data[:place] + noise + data[place:],
        lambda: data[:place] + after,
        lambda: data[:place] + noise[: len(data) - place] + after,
        lambda: data[:place] + extremes[size % 5] * min(size, 8) + data[place + min(size, 8) :],
        lambda: data[:place] + data[:size] + data[place:],
        lambda: data[:place] + bytes([data[place] ^ (1 << size % 8)]) + data[place + 1 :],
        lambda: data[:place] + struct.pack("<I", 2**31 - size) + data[place + 4 :],
    ][int(rng.integers(8))]()


def _with_right_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have the CRC that their content asks for, as far as they can be found."""
    fixed, place = data[:8], 8
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        body = data[place + 4 : place + 8 + length]
        if place + 12 + length > len(data):
            break
        fixed += data[place : place + 8 + length] + struct.pack(">I", zlib.crc32(body))
        place += 12 + length
    return fixed + data[place:]


def mutated_pictures(count: int, seed: int = 7) -> Iterator[tuple[str, bytes]]:
    """Damaged pictures, each kind in turn: a name for messages, and the bytes."""
    rng, sound = np.random.default_rng(seed), list(pictures().items())
    for number in range(count):
        name, data = sound[number % len(sound)]
        yield f"{number:04d} {name}", mutated(data, rng)


def mutated_checkpoints(sound: bytes, count: int, seed: int = 8) -> Iterator[tuple[str, bytes]]:
    """Damaged checkpoints, every second one with a checksum that has been made to fit."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        if number % 2:
            body = mutated(sound[512:], rng)
            digest = hashlib.sha256(body).hexdigest().encode()
            head = b"jnst checkpoint 2\nsha256 " + digest + b"\n"
            yield f"{number:04d} sealed.ckpt", head.ljust(512, b"\0") + body
        else:
            yield f"{number:04d} plain.ckpt", mutated(sound, rng)


def read_one_by_one() -> None:
    """Reads a path from each line of standard input and answers with a line of JSON."""
    import resource

    from jnst.images import read_image
    from jnst.transfer import load_checkpoint

    def read(path: str) -> str:
        if path.endswith(".ckpt"):
            load_checkpoint(path)
            return "read"
        pixels = read_image(path, max_pixels=MAX_PIXELS).pixels
        sound = pixels.dtype == np.float32 and pixels.ndim == 3 and pixels.shape[-1] == 3
        sound = sound and 0 <= pixels.min(initial=0) <= pixels.max(initial=0) <= 1 + 1e-6
        return "read" if sound else f"WRONG {pixels.dtype} {pixels.shape}"

    def watch(event: str, args: tuple[object, ...]) -> None:
        flags = args[2] if event == "open" else 0
        writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
        changing = event in ("os.remove", "os.rename", "os.mkdir", "subprocess.Popen", "os.system")
        if changing or (isinstance(flags, int) and flags & writing and args[0] != os.devnull):
            print(f"FORBIDDEN: {event} {args}", file=sys.stderr, flush=True)
            os._exit(9)

    warnings.simplefilter("ignore")
    for line in sys.stdin:
        path = line.rstrip("\n")
        if path.startswith("limit "):  # once every decoder has been used
            taken = int(next(open("/proc/self/statm")).split()[0])  # noqa: PTH123, SIM115
            limit = taken * os.sysconf("SC_PAGE_SIZE") + MEMORY
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            sys.addaudithook(watch)
            print(json.dumps("limited"), flush=True)
            continue
        try:
            answer = read(path)
        except (ValueError, OSError) as error:
            answer = "refused: " + str(error)
        except BaseException:
            answer = "RAISED " + traceback.format_exc()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    read_one_by_one()
