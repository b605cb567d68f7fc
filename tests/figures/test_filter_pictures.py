"""Figures hold the data and labels that they should, and their files repeat byte for byte."""

import json

import jax.numpy as jnp
import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from jnst.figures import (
    CLASSIC,
    contact_sheet,
    feature_maps,
    filter_sheet,
    first_filters,
    loss_curves,
    read_log,
    save_figure,
)
from jnst.figures.filters import strongest
from jnst.figures.kernels import gabor_bank, luma
from jnst.network import Params, features
from jnst.network.architecture import CONVOLUTIONS
from jnst.network.preprocessing import CAFFE, TORCHVISION

RNG = np.random.default_rng(3)
PHOTO = RNG.random((40, 60, 3)).astype(np.float32)
LOG = [
    {"step": i, "scale": 1 + (i > 3), "seconds": 0.5 * i, "content": 2.0 * i, "style": 100.0 / i}
    | {"tv": 0.0, "total": 2.0 * i + 100.0 / i}
    for i in range(1, 7)
]


def make_params(preprocessing=CAFFE):
    rng = np.random.default_rng(0)
    layers = {
        name: {
            "kernel": jnp.asarray(rng.normal(0, 0.1, (3, 3, i, o)), jnp.float32),
            "bias": jnp.zeros(o),
        }
        for name, i, o in CONVOLUTIONS["vgg16"][:3]
    }
    return Params(layers, "vgg16", preprocessing)


def axes_of(figure):
    parts = figure.subfigs or [figure]
    return [axes for part in parts for axes in part.axes]


def titled(figure, title):
    (axes,) = [axes for axes in axes_of(figure) if axes.get_title() == title]
    return axes


def shown(axes):
    return np.asarray(axes.images[0].get_array())


def write_log(path, entries=LOG, tail=""):
    lines = [json.dumps(entry) for entry in [{"config": {"size": 64}}, *entries]]
    path.write_text("\n".join(lines) + "\n" + tail, "utf-8")
    return path


@pytest.fixture(scope="module")
def sheet():
    return filter_sheet(PHOTO, stride=2, padding="VALID")


def test_sheet_names_every_filter_with_its_sizes(sheet):
    labels = {axes.get_title(): axes.get_xlabel() for axes in axes_of(sheet)}
    assert labels["Photograph"] == "60 × 40"
    assert labels["Sharpen"] == "kernel 3 × 3, result 29 × 19"
    assert labels["Blur (Gaussian, σ = 2 px)"] == "kernel 13 × 13, result 24 × 14"
    assert labels["Gabor 157.5°"] == "kernel 31 × 31, result 15 × 5"
    assert {"Sobel x", "Sobel y", "Laplacian", "Emboss"} <= set(labels)
    headings = [part.get_suptitle() for part in sheet.subfigs]
    assert headings[0] == "Classic filters: stride 2, padding VALID"


def test_sheet_shows_what_scipy_computes(sheet):
    from scipy.signal import correlate2d

    def response(kernel):
        return correlate2d(luma(PHOTO)[..., 0], kernel, mode="valid")[::2, ::2]

    dx, dy = (response(CLASSIC[name][..., 0, 0]) for name in ("sobel_x", "sobel_y"))
    np.testing.assert_allclose(shown(titled(sheet, "Sobel x")), dx, atol=1e-6)
    steepness = shown(titled(sheet, "Slope, √(Sobel x² + Sobel y²)"))
    np.testing.assert_allclose(steepness, np.sqrt(dx**2 + dy**2), atol=1e-6)
    third = shown(titled(sheet, "Gabor 45°"))
    np.testing.assert_allclose(third, response(gabor_bank(8)[..., 0, 2]), atol=1e-5)


def test_sheet_draws_signed_values_symmetrically_and_each_kernel(sheet):
    axes = titled(sheet, "Laplacian")
    low, high = axes.images[0].get_clim()
    assert low == -high < 0
    (inset,) = axes.child_axes
    np.testing.assert_array_equal(shown(inset), CLASSIC["laplacian"][..., 0, 0])


@pytest.mark.parametrize(
    ("title", "note", "extent"),
    [
        ("stride 1, SAME", "60 × 40 → 60 × 40", (0, 60, 40, 0)),
        ("stride 4, SAME", "60 × 40 → 15 × 10", (22.5, 37.5, 25, 15)),
        ("stride 1, VALID", "60 × 40 → 48 × 28", (6, 54, 34, 6)),
        ("stride 8, VALID", "60 × 40 → 6 × 4", (27, 33, 22, 18)),
    ],
)
def test_sheet_shows_sizes_by_stride_and_padding(sheet, title, note, extent):
    axes = titled(sheet, title)
    assert axes.get_xlabel() == note
    assert tuple(axes.images[0].get_extent()) == extent
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 60), (40, 0))


def test_first_filters_are_red_green_blue_whatever_the_weights_order():
    params = make_params(CAFFE)
    kernel = np.asarray(params.layers["conv1_1"]["kernel"])[..., 7]
    expected = 0.5 + 0.5 * kernel[..., [2, 1, 0]] / np.abs(kernel).max()
    np.testing.assert_allclose(shown(titled(first_filters(params), "7")), expected, rtol=1e-6)


def test_first_filters_divide_by_the_preprocessing_deviation():
    params = make_params(TORCHVISION)
    kernel = np.asarray(params.layers["conv1_1"]["kernel"])[..., 0]
    kernel = kernel / np.array([0.229, 0.224, 0.225])
    expected = 0.5 + 0.5 * kernel / np.abs(kernel).max()
    np.testing.assert_allclose(shown(titled(first_filters(params), "0")), expected, rtol=1e-5)


def test_first_filters_stand_beside_their_responses():
    params = make_params()
    figure = first_filters(params, PHOTO)
    left, right = figure.subfigs
    assert len(left.axes) == len(right.axes) == 64
    maps = features(params, jnp.asarray(PHOTO), ["relu1_1"])["relu1_1"]
    np.testing.assert_allclose(shown(right.axes[5]), maps[..., 5], rtol=1e-6)


def test_strongest_orders_by_mean_magnitude():
    scales = np.array([1.0, -5.0, 3.0, 0.0])
    order, strengths = strongest(np.ones((4, 6, 1)) * scales, 3)
    assert order == [1, 2, 0]
    assert strengths == [5.0, 3.0, 1.0]


def test_feature_maps_are_the_layers_own_in_falling_order():
    params = make_params()
    figure = feature_maps(params, PHOTO, "conv2_1", 7)
    maps = np.asarray(features(params, jnp.asarray(PHOTO), ["conv2_1"])["conv2_1"])
    means = np.abs(maps).mean(axis=(0, 1))
    panels = figure.subfigs[1].axes
    expected = sorted(range(128), key=lambda channel: -means[channel])[:7]
    titles = [f"channel {c}, mean {means[c]:.3g}" for c in expected]
    assert [axes.get_title() for axes in panels] == titles
    np.testing.assert_allclose(shown(panels[0]), maps[..., expected[0]], rtol=1e-5)
    title = figure.subfigs[1].get_suptitle()
    assert title == "conv2_1 of vgg16: the 7 strongest of 128 maps, 30 × 20"
    np.testing.assert_array_equal(shown(figure.subfigs[0].axes[0]), PHOTO)


def test_feature_maps_stop_at_the_channels_there_are():
    assert len(feature_maps(make_params(), PHOTO, "relu1_1", 100).subfigs[1].axes) == 64


def test_curves_hold_the_log(tmp_path):
    axes = loss_curves(write_log(tmp_path / "run.jsonl")).axes[0]
    lines = {line.get_label(): line for line in axes.get_lines()}
    np.testing.assert_array_equal(lines["style"].get_xdata(), range(1, 7))
    np.testing.assert_array_equal(lines["style"].get_ydata(), [e["style"] for e in LOG])
    assert np.isnan(lines["total variation (0 throughout)"].get_ydata()).all()
    assert axes.get_yscale() == "log"
    assert axes.get_title() == "Losses of run.jsonl: total 102 → 28.67 in 6 steps, 3 s"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "weighted loss (log scale, no unit)")
    marks = {text.get_text(): text.xy[0] for text in axes.texts}
    assert marks == {"scale 1": 1, "scale 2": 4}


def test_a_log_cut_short_in_its_last_line_is_read(tmp_path):
    config, records = read_log(write_log(tmp_path / "run.jsonl", tail='{"step": 7, "sca'))
    assert config == {"config": {"size": 64}}
    assert records == LOG


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no step was logged; give the file of a run with --log"),
        ('{"size": 1}\n', "no step was logged"),
        ("hello\n", "line 1 is not a JSON object"),
        ("hello", "line 1 is not a JSON object"),
        ('{}\n[1]\n{"step": 1}\n', "line 2 is not a JSON object"),
        ('{}\n{"step": 1, "scale": 1}\n', "line 2 has no number 'seconds'"),
    ],
)
def test_what_is_no_log_is_told(tmp_path, text, message):
    path = tmp_path / "x.jsonl"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=message) as raised:
        loss_curves(path)
    assert str(raised.value).startswith(str(path))


def test_contact_sheet_labels_each_picture_and_clips(tmp_path):
    tall = np.full((50, 20, 3), 1.5)
    pictures = [("content", PHOTO), ("style 1", tall), ("step 1", PHOTO - 1), ("result", PHOTO)]
    figure = contact_sheet(pictures, tmp_path / "sheet.png")
    labels = [(axes.get_title(), axes.get_xlabel()) for axes in figure.axes]
    assert labels[:2] == [("content", "60 × 40"), ("style 1", "20 × 50")]
    assert labels[3] == ("result", "60 × 40")
    assert shown(figure.axes[1]).max() == 1
    assert shown(figure.axes[2]).max() == 0
    with Image.open(tmp_path / "sheet.png") as written:
        assert written.width > 1000


@pytest.mark.parametrize(
    ("count", "columns"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 3), (6, 3), (7, 4), (8, 4), (9, 3)]
)
def test_contact_sheet_leaves_few_places_empty(count, columns):
    figure = contact_sheet([(str(i), np.zeros((2, 3, 3))) for i in range(count)])
    assert figure.axes[0].get_gridspec().ncols == columns
    assert len(figure.axes) == count


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_files_repeat_and_hold_no_date(tmp_path, ending):
    paths = [tmp_path / f"{name}.{ending}" for name in ("one", "two")]
    log = write_log(tmp_path / "run.jsonl")
    for path in paths:
        save_figure(loss_curves(log), path, dpi=40)
    one, two = (path.read_bytes() for path in paths)
    assert one == two
    assert one.startswith(b"\x89PNG" if ending == "png" else b"<?xml")
    assert b"date" not in one
    assert b"Software" not in one
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        paths[0].name, "run.jsonl", paths[1].name
    ]  # fmt: skip


def test_drawing_leaves_matplotlib_settings_alone(tmp_path):
    before = dict(matplotlib.rcParams)
    save_figure(contact_sheet([("a", PHOTO)]), tmp_path / "a.svg", dpi=20)
    assert dict(matplotlib.rcParams) == before


def test_a_failed_save_keeps_the_old_file(tmp_path):
    target = tmp_path / "curves.png"
    target.mkdir()
    with pytest.raises(OSError, match="is a folder"):
        save_figure(Figure(figsize=(1, 1)), target)
    assert [p.name for p in tmp_path.iterdir()] == ["curves.png"]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: save_figure(Figure(), "x.jpg"), r"'x\.jpg' ends in '\.jpg'.*\.png or \.svg"),
        (lambda: contact_sheet([]), "there are no pictures"),
        (lambda: contact_sheet([("a", PHOTO)], columns=0), "columns is 0"),
        (lambda: contact_sheet([("result", PHOTO[0])]), r"result has shape \(60, 3\)"),
        (lambda: feature_maps(make_params(), PHOTO, "relu2_1", 0), "count is 0"),
        (lambda: feature_maps(make_params(), PHOTO, "relu9_1"), "has no layer 'relu9_1'"),
        (lambda: filter_sheet(PHOTO[..., 0]), r"shape \(40, 60\)"),
        (lambda: filter_sheet(255 * PHOTO), "values from .*: give sRGB"),
    ],
)
def test_wrong_input_is_told(call, text):
    with pytest.raises(ValueError, match=text):
        call()
