"""The gallery's script: what it would paint, with a painter that returns the photograph."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import jnst
from jnst.effects import idle_fields

SCRIPT = Path(__file__).parent.parent / "examples" / "gallery" / "make.py"


@pytest.fixture(scope="module")
def make():
    spec = importlib.util.spec_from_file_location("make_gallery", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_four_contents_in_four_styles_and_each_option_beside_its_absence(make):
    asked = []

    def paint(painting):
        asked.append(painting)
        return np.zeros((8, 12, 3), np.float32)

    sheet = make.styles_sheet(paint)
    assert len({(p.content, p.styles) for p in asked}) == len(asked) == 16
    assert [axes.get_title() for axes in sheet.axes][1:5] == [
        *("nocturne", "harvest", "hubble deep field", "ihc")
    ]
    asked.clear()
    sheet = make.options_sheet(paint, make.OPTIONS[:3])
    titles = [axes.get_title() for axes in sheet.axes]
    assert titles[::2] == ["without"] * 3 + [""]
    assert titles[1::2] == [*(one.words for one in make.OPTIONS[:3]), ""]
    assert asked[0].changes == {}
    assert asked[1].changes == make.OPTIONS[0].with_it.changes


def test_every_option_is_one_that_changes_something(make):
    assert make.effective(make.OPTIONS, jnst.Config(size=512)) == make.OPTIONS
    kept = make.effective(make.OPTIONS, jnst.Config(size=64))
    left_out = [one.words for one in make.OPTIONS if one not in kept]
    assert left_out == ["--upscale plain"]
    names = set()
    for one in make.OPTIONS:
        painting = one.with_it
        assert one.without == make.Painting(painting.content, painting.styles[:1])
        assert one.without != painting
        config = replace(jnst.Config(), **painting.changes)
        assert not idle_fields(config, len(painting.styles)).keys() & painting.changes.keys()
        assert painting.changes or painting.masks or len(painting.styles) > 1
        for field, value in painting.changes.items():
            shown = f"{value:g}" if isinstance(value, float) else value
            assert one.words == f"--{field.replace('_', '-')} {shown}"
        names |= {painting.name(config), one.without.name(jnst.Config())}
        assert config != jnst.Config() or painting.masks or len(painting.styles) > 1
        for shown in (one.with_it, one.without):
            for picture in (shown.content, *shown.styles):
                assert (make.IMAGES / f"{picture}.jpg").exists()
    assert len(names) > len(make.OPTIONS)


def test_masks_cover_all_and_keep_a_part(make):
    content = np.zeros((40, 60, 3))
    regions = make.masks_of("regions", content)["content_masks"]
    np.testing.assert_allclose(sum(regions), 1, atol=1e-6)
    keep = make.masks_of("keep", content)["keep_mask"]
    assert (keep.min(), keep.max()) == (0, 1)


def test_a_painting_is_made_once(make, tmp_path):
    config = jnst.Config(
        size=32, scales=(1.0,), steps=(1,), content_layers=("relu1_1",), style_layers=("relu1_1",)
    )
    studio = make.Studio(tmp_path, config, "vgg16")
    first = studio(make.Painting("chelsea", ("harvest",), {"color": "match-pca"}))
    (path,) = tmp_path.iterdir()
    before = path.stat().st_mtime_ns
    again = studio(make.Painting("chelsea", ("harvest",), {"color": "match-pca"}))
    np.testing.assert_array_equal(first, again)
    assert path.stat().st_mtime_ns == before
