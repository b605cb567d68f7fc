"""Uploads: any name, any bytes; read within limits, outside the server's process."""

import io
import json
import struct
import time
import zlib

import numpy as np
import psutil
import pytest
from image_files import save
from PIL import Image
from studio_server import picture_bytes, studio_in

import jnst


def pixels_of(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def put(studio, data, name="cat.png", kind="picture"):
    return studio.put("/api/pictures", params={"name": name, "kind": kind}, content=data)


def test_a_picture_is_kept_as_it_was_sent(studio):
    data = picture_bytes(3)
    answer = put(studio, data, "My cat é.PNG")
    assert answer.status_code == 201
    picture = answer.json()
    assert (picture["name"], picture["width"], picture["height"]) == ("My cat é.PNG", 48, 32)
    assert picture["made_by"] is None
    assert (studio.folder / "pictures" / picture["id"] / "My_cat_é.PNG").read_bytes() == data
    file = studio.get(f"/files/pictures/{picture['id']}/file")
    assert file.content == data
    assert file.headers["content-disposition"].startswith("attachment")
    assert file.headers["content-type"] == "application/octet-stream"
    assert pixels_of(studio.get(picture["thumb"]).content).shape == (32, 48, 3)
    again = put(studio, data, "other.png")
    assert (again.status_code, again.json()["id"]) == (200, picture["id"])


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../../etc/passwd", "etc_passwd"),
        ("..", "picture"),
        ("", "picture"),
        ("--help", "help"),
        (".about.json", "about.json"),
        ("a\0b\n.png", "a_b.png"),
        ("C:\\x\\y.png", "C_x_y.png"),
        ("x" * 4000 + ".jpg", "x" * 50 + ".jpg"),
        ("\u732b" * 200, "\u732b" * 50),
        ("{index}*?[a].png", "index_a.png"),
    ],
)
def test_a_name_is_no_path(studio, name, kept):
    picture = put(studio, picture_bytes(hash(name) % 10**6), name).json()
    folder = studio.folder / "pictures" / picture["id"]
    assert {path.name for path in folder.iterdir() if path.name[0] != "."} == {kept}
    assert picture["name"] == name[:200]


def test_the_thumbnail_is_upright(studio, tmp_path):
    turned = np.zeros((40, 80, 3), np.uint8)
    turned[:, :40, 0] = 255  # red on the left: on top, once turned clockwise
    exif = Image.Exif()
    exif[274] = 6
    picture = put(studio, save(tmp_path / "a.jpg", turned, exif=exif).read_bytes()).json()
    assert (picture["width"], picture["height"]) == (40, 80)
    for kind in ("thumb", "view"):
        shown = pixels_of(studio.get(picture[kind]).content).astype(int)
        assert shown.shape == (80, 40, 3)
        assert shown[10, 20, 0] > 200
        assert shown[70, 20, 0] < 60


def test_large_pictures_are_shown_smaller(studio):
    picture = put(studio, picture_bytes(5, 400, 200)).json()
    assert pixels_of(studio.get(picture["thumb"]).content).shape == (160, 320, 3)
    assert pixels_of(studio.get(picture["view"]).content).shape == (200, 400, 3)


def test_a_mask_is_gray(studio):
    gray = np.zeros((32, 48), np.uint8)
    gray[:, 24:] = 255
    file = io.BytesIO()
    Image.fromarray(gray).save(file, "PNG")
    mask = put(studio, file.getvalue(), "mask.png", "mask").json()
    assert mask["kind"] == "mask"
    view = studio.get(mask["view"])
    assert view.headers["content-type"] == "image/png"
    assert (pixels_of(view.content)[..., 0] == gray).all()
    shelf = studio.get("/api/pictures").json()
    assert mask["id"] not in {picture["id"] for picture in shelf["used"]}
    refused = put(studio, picture_bytes(6), "mask.png", "mask")
    assert refused.status_code == 400
    assert "gray" in refused.json()["error"]
    assert put(studio, b"", kind="sculpture").status_code == 400


def bomb(side=60_000):
    """A small PNG of very many pixels."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    packer, row = zlib.compressobj(9), bytes(1 + side // 8)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


REFUSED = {
    "text": (b"no picture at all", "is not a picture that can be read"),
    "empty": (b"", "is not a picture that can be read"),
    "cut short": (picture_bytes(7)[:500], "is damaged or cut short"),
    "page": (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>", "is not a picture"),
    "a picture bomb": (bomb(), "it is too large"),
    "too many pixels": (picture_bytes(8, 400, 300), "it is too large, 400x300 pixels"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_is_told_in_one_line(studio, name):
    data, line = REFUSED[name]
    before = {*studio.folder.glob("pictures/*")}
    answer = put(studio, data, "strange.png")
    assert answer.status_code == 400
    told = answer.json()["error"]
    assert told.startswith("'strange.png' ")
    assert line in told
    assert {*studio.folder.glob("pictures/*")} == before
    assert list(studio.folder.glob("incoming/*")) == []


def test_too_many_bytes_are_refused_before_they_are_kept(studio):
    answer = put(studio, b"x" * 1_000_001)
    assert answer.status_code == 413
    assert answer.json()["error"] == "this is larger than 1,000,000 bytes: send less"
    assert list(studio.folder.glob("incoming/*")) == []


def test_the_server_does_not_decode(studio):
    """Another process does, with a limit on its memory."""
    put(studio, picture_bytes(9))
    children = psutil.Process().children()
    (child,) = (child for child in children if "jnst.studio.helper" in child.cmdline())
    limit, _ = child.rlimit(psutil.RLIMIT_AS)
    assert 1e9 < limit < 2e9
    child.kill()
    # Whether or not its death was noticed before the next picture, the one after that is read.
    assert put(studio, picture_bytes(10)).status_code in (201, 400)
    assert put(studio, picture_bytes(11)).status_code == 201


def test_off_the_shelf_and_on_it_again(studio):
    data = picture_bytes(12)
    picture = put(studio, data).json()

    def shelf():
        return [p["id"] for p in studio.get("/api/pictures").json()["used"]]

    assert shelf()[0] == picture["id"]
    assert studio.delete(f"/api/pictures/{picture['id']}").status_code == 204
    assert picture["id"] not in shelf()
    assert studio.get(picture["thumb"]).status_code == 200
    put(studio, data)
    assert shelf()[0] == picture["id"]


def test_a_painting_brings_its_settings(studio, tmp_path):
    content, style = (put(studio, picture_bytes(seed)).json()["id"] for seed in (13, 14))
    config = jnst.preset("gatys2016", size=99, seed=7)
    path = tmp_path / "painting.png"
    parameters = {
        "config": json.dumps(config.to_dict()),
        "preset": "gatys2016",
        "content": f"/elsewhere/pictures/{content}/cat.png",
        "styles": json.dumps([f"pictures/{style}/cat.png", "pictures/night.png"]),
        "command": f"jnst --content x --keep-mask pictures/{style}/a.png --size 99",
    }
    jnst.write_image(path, np.zeros((8, 9, 3)), parameters=parameters)
    made = put(studio, path.read_bytes()).json()["made_by"]
    assert made["recipe"] == {
        "content": content,
        "styles": [style, None],
        "preset": "gatys2016",
        "settings": {"size": 99, "seed": 7},
        "init_image": None,
        "keep_mask": style,
        "content_masks": [],
        "style_masks": [],
        "sweep": [],
        "film": None,
    }
    assert made["names"] == {"content": "cat.png", "styles": ["cat.png", "night.png"]}
    parameters["config"] = json.dumps(config.to_dict() | {"size": -1})
    jnst.write_image(path, np.zeros((8, 9, 3)), parameters=parameters)
    made = put(studio, path.read_bytes()).json()["made_by"]
    assert made["error"].startswith("its settings are of another version: size is -1")
    for hostile in ('{"config": 3}', "[" * 5000, '{"config": {"size": 1e999}}'):
        jnst.write_image(path, np.zeros((8, 9, 3)), parameters={"config": hostile, "styles": "3"})
        assert "error" in put(studio, path.read_bytes()).json()["made_by"]


def test_a_full_disk_is_told(studio, monkeypatch):
    def full(self, mode):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.open", full)
        answer = put(studio, picture_bytes(15))
    assert answer.status_code == 507
    assert answer.json()["error"] == "the disk is full: make room, nothing was lost"
    assert list(studio.folder.glob("incoming/*")) == []
    assert put(studio, picture_bytes(15)).status_code == 201


def test_a_full_studio_is_told(tmp_path):
    with studio_in(tmp_path, all_bytes=60_000) as studio:
        recipe = studio.recipe()
        large = studio.put_picture(picture_bytes(17, 100, 100))
        studio.get("/api/space")
        studio.delete("/api/trash")
        refused = put(studio, picture_bytes(18)), studio.post("/api/jobs", json=recipe)
        for answer in refused:
            assert answer.status_code == 507
            assert answer.json()["error"].startswith("the studio is full, 0MB: delete paintings")
        space = studio.get("/api/space").json()
        assert space["bytes"] > space["most"] == 60_000
        # What is off the shelf, and used by no painting, goes with the trash.
        studio.delete(f"/api/pictures/{large['id']}")
        assert studio.get(large["thumb"]).status_code == 200
        assert studio.delete("/api/trash").status_code == 204
        assert studio.get(large["thumb"]).status_code == 404
        assert put(studio, picture_bytes(18)).status_code == 201


def test_masks_that_nobody_uses_go_with_the_trash(tmp_path):
    gray = np.zeros((32, 48), np.uint8)
    ids = []
    with studio_in(tmp_path) as studio:
        recipe = studio.recipe()
        for value in (1, 2, 3):
            file = io.BytesIO()
            Image.fromarray(gray + value).save(file, "PNG")
            ids.append(studio.put_picture(file.getvalue(), "mask.png", "mask")["id"])
    *old, new = ids
    for mask in old:
        about = tmp_path / "pictures" / mask / ".about.json"
        about.write_text(json.dumps(json.loads(about.read_text()) | {"added": 0}))
    with studio_in(tmp_path) as studio:
        used = studio.add_job(recipe | {"keep_mask": old[0]})
        studio.delete("/api/trash")
        status = {mask: studio.get(f"/api/pictures/{mask}").status_code for mask in ids}
        studio.post(f"/api/jobs/{used}/cancel")
    assert status == {old[0]: 200, old[1]: 404, new: 200}


def test_the_shelf_begins_with_examples(tmp_path):
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "lake.jpg").write_bytes(picture_bytes(16, kind="JPEG"))
    (tmp_path / "examples" / "broken.jpg").write_bytes(b"no picture")
    with studio_in(tmp_path / "studio", examples=tmp_path / "examples") as studio:
        until = time.monotonic() + 30
        while not (shelf := studio.get("/api/pictures").json())["examples"]:
            assert time.monotonic() < until
            time.sleep(0.05)
    assert [picture["name"] for picture in shelf["examples"]] == ["lake.jpg"]
    assert shelf["used"] == []
