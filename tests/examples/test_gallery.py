"""The gallery's script: what it would paint, with a painter that returns the photograph."""

import importlib.util
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import jnst
from jnst.config.effects import idle_fields

SCRIPT = Path(__file__).parents[2] / "examples" / "gallery" / "make.py"


@pytest.fixture(scope="module")
def make():
    spec = importlib.util.spec_from_file_location("make_gallery", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def asked():
    return []


@pytest.fixture
def paint(asked):
    def remember(painting):
        asked.append(painting)
        return np.zeros((8, 12, 3), np.float32)

    return remember


def titles(sheet):
    return [axes.get_title() for axes in sheet.axes]


def test_two_contents_in_three_styles(make, paint, asked):
    sheet = make.styles_sheet(paint)
    assert len({(p.content, p.styles) for p in asked}) == len(asked) == 6
    assert all((p.changes, p.quality, p.masks) == ({}, "", "") for p in asked)
    assert titles(sheet)[1:4] == ["starry night", "the scream", "shipwreck"]


def test_a_pair_in_five_strengths(make, paint, asked):
    sheet = make.strength_sheet(paint)
    assert [p.changes["strength"] for p in asked] == [0.25, 0.5, 1, 2, 4]
    assert titles(sheet)[1:6] == [f"--strength {value}" for value in ("0.25", "0.5", "1", "2", "4")]
    assert [axes.get_ylabel() for axes in sheet.axes[::6]] == ["chelsea by starry night"]


def test_a_pair_in_three_qualities(make, paint, asked):
    sheet = make.quality_sheet(paint)
    assert [p.quality for p in asked] == ["draft", "normal", "fine"]
    assert titles(sheet)[:3] == ["--quality draft", "--quality normal", "--quality fine"]


def test_what_a_pair_is_by_default_is_painted_once(make):
    """The middle of the strengths and of the qualities is the default."""
    base = jnst.Config(size=512)
    for content, style in (*make.STRENGTH_PAIRS, *make.QUALITY_PAIRS):
        plain = make.Painting(content, (style,))
        strengths = [replace(plain, changes={"strength": value}) for value in make.STRENGTHS]
        qualities = [replace(plain, quality=quality) for quality in make.QUALITIES]
        for several in (strengths, qualities):
            names = {painting.name(base) for painting in several}
            assert len(names) == len(several)
            assert plain.name(base) in names


def test_each_option_beside_its_absence(make, paint, asked):
    sheet = make.options_sheet(paint)
    assert titles(sheet)[:3:2] == ["by starry night", "by the scream"]
    assert titles(sheet)[1::2] == [one.words for one in make.OPTIONS]
    assert asked[::2] == [one.without for one in make.OPTIONS]
    assert asked[1::2] == [one.with_it for one in make.OPTIONS]


def test_every_option_is_one_that_changes_something(make):
    names, base = set(), jnst.Config(size=256)
    for one in make.OPTIONS:
        painting = one.with_it
        assert one.without == make.Painting(painting.content, painting.styles[:1])
        assert painting.changes or painting.masks or len(painting.styles) > 1
        config = painting.config(base)
        assert not idle_fields(config, len(painting.styles)).keys() & painting.changes.keys()
        for field, value in painting.changes.items():
            assert value != getattr(base, field)
            typed = f"{value:g}" if isinstance(value, float) else value
            assert one.words == f"--{field.replace('_', '-')} {typed}"
        names.add(painting.name(base))
        for picture in (painting.content, *painting.styles):
            assert (make.IMAGES / f"{picture}.jpg").exists()
    assert len(names) == len(make.OPTIONS)


def test_the_readme_shows_sheets_that_are_there(make):
    text = (SCRIPT.parent / "README.md").read_text("utf-8")
    shown = re.findall(r"\((\w+)\.jpg\)", text)
    assert shown
    assert set(shown) <= set(make.SHEETS)
    assert {path.stem for path in SCRIPT.parent.glob("*.jpg")} == set(shown)


def test_one_sheet_alone(make, paint, monkeypatch, tmp_path, capsys):
    sizes = []
    monkeypatch.setattr(make, "Studio", lambda folder, base, params: sizes.append(base) or paint)
    words = ["--output", str(tmp_path), "--size", "64", "--option-size", "48"]
    assert make.main([*words, "--only", "options", "styles"]) == 0
    assert [base.size for base in sizes] == [48, 64]
    assert {path.name for path in tmp_path.iterdir()} == {"options.jpg", "styles.jpg"}
    assert "options.jpg: " in capsys.readouterr().out


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
    studio = make.Studio(tmp_path, config, jnst.load_weights("vgg16"))
    first = studio(make.Painting("chelsea", ("harvest",), {"color": "match-pca"}))
    (path,) = tmp_path.iterdir()
    before = path.stat().st_mtime_ns
    again = studio(make.Painting("chelsea", ("harvest",), {"color": "match-pca"}))
    np.testing.assert_array_equal(first, again)
    assert path.stat().st_mtime_ns == before
