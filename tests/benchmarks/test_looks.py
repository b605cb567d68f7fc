"""The judge of looks, with a small random AlexNet; its curves, its blind sheets, and its script."""

import hashlib
import json
import os
import pickle
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
from numpy.lib.stride_tricks import sliding_window_view
from scripts import load

import jnst

WIDTHS = (4, 6, 5, 3, 4)
SIZES = (11, 5, 3, 3, 3)


@pytest.fixture(scope="module")
def judge():
    return load("judge")


@pytest.fixture(scope="module")
def looks():
    return load("looks")


@pytest.fixture(scope="module")
def report():
    return load("looks_report")


def random_alexnet(judge, seed=0):
    rng = np.random.default_rng(seed)
    inputs = (3, *WIDTHS)
    shapes = [(k, k, i, o) for k, i, o in zip(SIZES, inputs, WIDTHS, strict=False)]
    kernels = [rng.normal(0, 1 / k, (k, k, i, o)).astype(np.float32) for k, _, i, o in shapes]
    biases = [rng.normal(size=o).astype(np.float32) for o in WIDTHS]
    heads = [rng.random(o, np.float32) for o in WIDTHS]
    return judge.AlexNet(tuple(kernels), tuple(biases), tuple(heads))


def small_judge(judge):
    """The small AlexNet, and the beginning of the embedded VGG-16, which needs no fetching."""
    layers = ("relu1_2", "relu2_1")
    return judge.Judge(random_alexnet(judge), jnst.load_weights("vgg16"), layers)


def pictures(count, height=64, width=72, seed=0):
    return list(np.random.default_rng(seed).random((count, height, width, 3), np.float32))


def test_frechet_distance_of_gaussians_has_its_closed_forms(judge):
    """Of diagonal covariances: each channel by itself; of others by SciPy's root of the product."""
    mean, other = np.array([1.0, 2.0, 0.0]), np.array([1.0, -2.0, 3.0])
    spread, wide = np.array([4.0, 0.0, 1.0]), np.array([1.0, 9.0, 1.0])
    found = judge.frechet_to((mean, np.diag(spread)))((other, np.diag(wide)))
    assert found == pytest.approx(np.sqrt(16 + 9 + 1 + 9))
    rng = np.random.default_rng(0)
    one, two = (judge.moments(rng.normal(size=(50, 6)) @ rng.normal(size=(6, 6))) for _ in "ab")
    squared = ((one[0] - two[0]) ** 2).sum() + np.trace(
        one[1] + two[1] - 2 * scipy.linalg.sqrtm(one[1] @ two[1]).real
    )
    assert judge.frechet_to(one)(two) == pytest.approx(np.sqrt(squared))
    assert judge.frechet_to(two)(one) == pytest.approx(np.sqrt(squared))
    assert judge.frechet_to(one)(one) == pytest.approx(0, abs=1e-6)


def test_moments_are_those_over_positions(judge):
    features = np.random.default_rng(0).random((5, 7, 3), np.float32)
    mean, spread = judge.moments(features)
    rows = features.reshape(-1, 3).astype(np.float64)
    np.testing.assert_allclose(mean, rows.mean(0))
    np.testing.assert_allclose(spread, np.cov(rows, rowvar=False, bias=True))


def direct_maps(network, picture):
    """AlexNet in NumPy, float64, from its definition."""
    shift, scale = [-0.030, -0.088, -0.188], [0.458, 0.448, 0.450]
    x = (picture.astype(np.float64) * 2 - 1 - shift) / scale
    maps = []
    for layer in range(5):
        if layer in (1, 2):
            x = sliding_window_view(x, (3, 3), (0, 1))[::2, ::2].max((-2, -1))
        kernel = network.kernels[layer]
        pad, stride = (2, 2, 1, 1, 1)[layer], 4 if layer == 0 else 1
        padded = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
        windows = sliding_window_view(padded, kernel.shape[:2], (0, 1))[::stride, ::stride]
        x = np.maximum(np.einsum("hwcij,ijco->hwo", windows, kernel) + network.biases[layer], 0)
        maps.append(x)
    return maps


def test_lpips_is_that_of_a_direct_computation(judge):
    network = random_alexnet(judge)
    one, other = pictures(2)
    expected = 0.0
    pairs = zip(direct_maps(network, one), direct_maps(network, other), network.heads, strict=True)
    for got, (x, y, head) in zip(judge.activations(network, one), pairs, strict=True):
        np.testing.assert_allclose(got, x, rtol=1e-4, atol=1e-5)
        x, y = (m / (np.sqrt((m**2).sum(-1, keepdims=True)) + 1e-10) for m in (x, y))
        expected += (((x - y) ** 2) @ head).mean()
    assert float(judge.lpips(network, one, other)) == pytest.approx(expected, rel=1e-4)
    assert float(judge.lpips(network, one, one)) == 0


def test_the_mirrored_style_is_cut_and_goes_on_without_being_stretched(judge):
    photograph = np.zeros((4, 9, 3), np.float32)
    style = np.arange(6 * 5, dtype=np.float32).reshape(6, 5, 1).repeat(3, axis=2) / 30
    recoloured, mirrored = judge.anchors(photograph, style)
    assert recoloured.shape == mirrored.shape == photograph.shape
    row = style[1:5, ::-1]
    np.testing.assert_array_equal(mirrored[:, 2:7], row)
    np.testing.assert_array_equal(mirrored[:, 1::-1], row[:, :2])
    np.testing.assert_array_equal(mirrored[:, :6:-1], row[:, -2:])


def test_the_anchors_score_what_they_are_defined_to(judge):
    content, style = pictures(2)
    style = style**3 * np.array([1, 0.5, 0.2], np.float32)
    style[:, ::2] *= 0.3
    score = small_judge(judge).pair(content, style, 72)
    recoloured, mirrored = judge.anchors(content, style)
    found = score(recoloured)
    assert (found["kept"], found["style"]) == pytest.approx((1, 0), abs=1e-5)
    assert len(found["frechet"]) == 2 + 5
    found = score(mirrored)
    assert (found["kept"], found["style"]) == pytest.approx((0, 1), abs=1e-5)
    assert score(content)["kept"] > 1
    assert score(content)["lpips"] == 0


def test_the_rim_is_not_looked_at(judge):
    content, style = pictures(2)
    style = style**3 * np.array([1, 0.5, 0.2], np.float32)
    whole, inner = (small_judge(judge).pair(content, style, 72, rim) for rim in (0, 0.05))
    framed = judge.anchors(content, style)[0]
    framed[:4], framed[-4:], framed[:, :4], framed[:, -4:] = 1, 0, 1, 0
    other = framed.copy()
    other[:4], other[-4:], other[:, :4], other[:, -4:] = 0, 1, 0.5, 1
    assert inner(framed) == inner(other)
    assert whole(framed)["style"] != whole(other)["style"]


def test_a_style_that_is_no_nearer_than_the_photograph_is_refused(judge):
    (content,) = pictures(1)
    with pytest.raises(ValueError, match=r"as near to the style as the style: take another"):
        small_judge(judge).pair(content, content, 72)


def test_networks_are_unpacked_verified_and_read_without_running_anything(
    judge, tmp_path, monkeypatch
):
    network = random_alexnet(judge)
    tree = {"AlexNet_0": {}}
    for i in range(5):
        layer = {"kernel": network.kernels[i], "bias": network.biases[i]}
        tree["AlexNet_0"][f"Conv_{i}"] = layer
        tree[f"NetLinLayer_{i}"] = {"Conv_0": {"kernel": network.heads[i].reshape(1, 1, -1, 1)}}
    (tmp_path / "alexnet.ckpt").write_bytes(pickle.dumps(tree))
    (tmp_path / "other.py").write_text("raise SystemExit")
    with tarfile.open(tmp_path / "package.tar.gz", "w:gz") as package:
        for name in ("alexnet.ckpt", "other.py"):
            package.add(tmp_path / name, f"../{name}")
    judge.unpack(tmp_path / "package.tar.gz", tmp_path / "cache")
    (path,) = (tmp_path / "cache").iterdir()
    assert path.name == "alexnet.ckpt"
    for ours, theirs in zip(judge.read_alexnet(path), network, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)
    assert not judge._is_right(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(judge.SHA256, "alexnet.ckpt", digest)
    assert judge._is_right(path)
    (tmp_path / "hostile.ckpt").write_bytes(pickle.dumps(os.getcwd))
    with pytest.raises(ValueError, match="would run code"):
        judge.read_alexnet(tmp_path / "hostile.ckpt")


def test_offline_nothing_is_fetched(judge, tmp_path, monkeypatch):
    monkeypatch.setenv("JNST_CACHE", str(tmp_path))
    monkeypatch.setenv("JNST_OFFLINE", "1")
    with pytest.raises(OSError, match=r"JNST_OFFLINE is set: put alexnet.ckpt and vgg16.ckpt of"):
        judge.load_networks()


def test_a_curve_lies_above_where_it_has_more_style_at_equal_content(report):
    line = [(0.0, 1.0), (0.5, 0.5), (1.0, 0.0)]
    assert report.gap([(x, y + 0.1) for x, y in line], line) == pytest.approx(0.1)
    assert report.gap(line[::-1], line) == 0
    # Only what both reach counts: from 0.6 to 0.8, where the other is at 0.4 to 0.2.
    assert report.gap([(0.8, 0.4), (0.6, 0.4)], line) == pytest.approx(0.1)
    assert report.gap([(1.1, 0.0), (1.2, 0.0)], line) is None
    assert report.gap([(0.5, 0.9)], line) is None


def made_up_rows():
    """B above A on the first pair and below on the second; C meets nobody."""
    rows = []
    for pair, rise in (("p", 0.2), ("q", -0.1)):
        for preset, shift, lift in (("A", 0.0, 0.0), ("B", 0.1, rise), ("C", 5.0, 0.0)):
            for strength, kept in ((0.5, 0.6), (1.0, 0.4), (2.0, 0.2)):
                row = {"pair": pair, "preset": preset, "strength": strength, "seconds": 3.0}
                kept += shift
                rows.append(row | {"kept": kept, "style": 1 - (kept - shift) - shift + lift})
    rows[0]["seconds"] = None
    return rows


def test_presets_stand_by_the_pairs_on_which_they_lie_above(report):
    found = report.standings(made_up_rows())
    assert found["B"]["A"] == {"above": 1, "of": 2, "gap": pytest.approx(0.05)}
    assert found["A"]["B"] == {"above": 1, "of": 2, "gap": pytest.approx(-0.05)}
    assert found["C"] == {}


def test_table_and_figure_show_every_preset_and_pair(report):
    steps = {name: "20+70" for name in "ABC"}
    payload = {"rows": made_up_rows(), "size": 64, "network": "vgg16"}
    payload["steps_share"] = {"A": 0.5, "B": 1.0, "C": 0.3}
    text = report.table(payload | {"steps": steps})
    assert "**A trial: of its steps made A 0.5, C 0.3.**" in text
    assert "| A | 20+70 | 0.40 | 0.60 | 3 |" in text
    assert "| B | 1 of 2, +0.05 | – | – |" in text
    assert "| p | B | 0.70, 0.50 | 0.50, 0.70 | 0.30, 0.90 |" in text
    assert "without a rim" not in text
    turned = [
        row | {"inner": {"kept": row["kept"], "style": -row["style"]}} for row in payload["rows"]
    ]
    within = report.table(payload | {"steps": steps, "rows": turned})
    assert "| B | 1 of 2, +0.05 | – | – |" in within
    assert "| B | 1 of 2, -0.05 | – | – |" in within.partition("without a rim of 5 %")[2]
    assert "trial" not in report.table(payload | {"steps": steps, "steps_share": {"A": 1.0}})
    figure = report.plot(made_up_rows())
    assert [panel.get_title() for panel in figure.axes] == ["p", "q"]
    assert figure.legends[0].get_texts()[0].get_text() == "A, 3 s"


def test_results_are_added_to_those_of_earlier_runs(report, tmp_path):
    facts = {"size": 64, "network": "vgg16"}
    first, second = ({"pair": pair, "preset": "A", "strength": 1, "kept": 0.5} for pair in "pq")
    earlier = facts | {"steps": {"A": "90", "B": "40"}, "steps_share": {"A": 1.0, "B": 0.5}}
    earlier["rows"] = [row | {"seconds": 3.0} for row in (first, second)]
    now = facts | {"steps": {"A": "90"}, "steps_share": {"A": 1.0}, "environment": {}, "rows": []}
    joined = report.with_earlier(now, earlier, tmp_path)
    assert joined["rows"] == [first | {"seconds": None}, second | {"seconds": None}]
    assert joined["steps"] == earlier["steps"]
    assert joined["steps_share"] == earlier["steps_share"]
    again = second | {"kept": 0.7, "seconds": 2.0}
    assert report.replaced(joined["rows"], [again]) == [first | {"seconds": None}, again]
    with pytest.raises(ValueError, match=r"--add: .* has size 64, not 32"):
        report.with_earlier(now | {"size": 32}, earlier, tmp_path)
    with pytest.raises(ValueError, match=r"--add: in .* A made 90 steps, not 27"):
        report.with_earlier(now | {"steps": {"A": "27"}}, earlier, tmp_path)


def test_a_blind_sheets_key_matches_what_was_drawn(report, tmp_path):
    pairs, paintings = {}, {}
    for number in range(6):
        gray = 0.1 + 0.1 * number
        content, style, one, other = (
            np.full((40, 60, 3), gray + shade, np.float32) for shade in (0, 0.01, 0.02, 0.03)
        )
        pairs[f"pair{number}"] = content, style
        paintings[f"pair{number}"] = {"one": one, "other": other}
    key = report.write_blind(pairs, paintings, tmp_path / "blind", 7)
    sheets = json.loads(key.read_text())["sheets"]
    assert {sheet["pair"] for sheet in sheets.values()} == set(pairs)
    assert {sheet["left"] for sheet in sheets.values()} == {"one", "other"}
    assert {path.name for path in (tmp_path / "blind").iterdir()} == {f"{n}.png" for n in sheets}
    for number, sheet in sheets.items():
        drawn = jnst.read_image(tmp_path / "blind" / f"{number}.png").pixels
        content, style = pairs[sheet["pair"]]
        gap, width = report.GAP, 60
        near = {"atol": 1 / 255, "rtol": 0}
        for side, column in (("left", gap), ("right", width + 2 * gap)):
            painting = paintings[sheet["pair"]][sheet[side]]
            np.testing.assert_allclose(
                drawn[-gap - 40 : -gap, column : column + width], painting, **near
            )
        np.testing.assert_allclose(drawn[gap, gap], content[0, 0], **near)
        np.testing.assert_allclose(drawn[gap, width + 2 * gap], style[0, 0], **near)
    again = report.write_blind(pairs, paintings, tmp_path / "again", 7)
    assert json.loads(again.read_text()) == json.loads(key.read_text())


def test_choices_are_counted_by_the_key(report, tmp_path):
    key, choices = tmp_path / "key.json", tmp_path / "choices.txt"
    sheets = {"1": {"pair": "p", "left": "A", "right": "B"}}
    sheets["2"] = {"pair": "q", "left": "B", "right": "A"}
    key.write_text(json.dumps({"seed": 0, "sheets": sheets}))
    choices.write_text("1 left\n\n2 Right\n1 right\n")
    told = report.reveal(key, choices).splitlines()
    assert told == ["1, p: A", "2, q: A", "1, p: B", "chosen: A 2, B 1"]
    choices.write_text("1 left\n3 left\n")
    with pytest.raises(ValueError, match=r"line 2: '3 left'; write as in '1 left' or '1 right'"):
        report.reveal(key, choices)


def test_configurations_are_of_one_size_and_share_and_follow_the_strength(looks):
    for preset in looks.PRESETS:
        config = looks.configuration(preset, 64, 0.1)
        assert (config.size, config.size_side) == (64, "longer")
        assert min(config.steps) >= 1
        assert config != looks.configuration(preset, 64, 0.1, 2.0)
    assert looks.configuration("old-default", 512, 0.1).steps == (2, 7, 7, 7)
    assert looks.configuration("old-default", 512, 1.0) == looks.OLD_DEFAULT
    whole = looks.configuration("default", 128, 1.0).steps_per_scale
    assert looks.configuration("default", 128, 0.1).steps == (round(whole[0] / 10),)


def test_shares_of_steps_are_of_all_presets_or_of_one(looks):
    assert set(looks.shares_of_steps([]).values()) == {1.0}
    shares = looks.shares_of_steps(["0.5", "gatys2016=0.3"])
    assert (shares["default"], shares["gatys2016"]) == (0.5, 0.3)
    for word in ("0", "nan", "inf", "much", "gatys=0.3", "gatys2016="):
        with pytest.raises(ValueError, match=f"--steps-share {word}: give a number above 0"):
            looks.shares_of_steps([word])


def test_pairs_are_chosen_by_name_or_number_and_must_be_there(looks, tmp_path):
    assert [pair.ours for pair in looks.chosen_pairs([], tmp_path)] == [True] * 6
    assert [p.name for p in looks.chosen_pairs(["2", "astronaut_nocturne"], None)] == [
        "chelsea_harvest",
        "astronaut_nocturne",
    ]
    with pytest.raises(ValueError, match=r"--pairs 15: no such pair; there are 1 astronaut_noc"):
        looks.chosen_pairs(["15"], None)
    with pytest.raises(ValueError, match=r"--pairs 5: there is no .*tubingen.jpg; name its folder"):
        looks.chosen_pairs(["5"], tmp_path)


@pytest.mark.slow
def test_the_script_paints_what_is_missing_judges_it_and_draws_a_sheet(
    looks, judge, tmp_path, monkeypatch, capsys
):
    small = {"content_layers": ("relu2_1",), "style_layers": ("relu1_1",), "scales": (1.0,)}
    config = jnst.Config(**small, steps=(1,), style_layer_weights=(1.0,))
    monkeypatch.setattr(looks, "PRESETS", {"one": config, "two": replace(config, init="content")})
    ours = small_judge(judge)
    monkeypatch.setattr(looks, "load_networks", lambda: (ours.alexnet, ours.vgg, ours.layers))
    folders = ["--output", str(tmp_path / "made"), "--results", str(tmp_path / "results")]
    words = ["--size", "64", "--pairs", "1", *folders]
    assert looks.main([*words, "--presets", "one", "two", "--strengths", "1"]) == 0
    payload = json.loads((tmp_path / "results" / "looks.json").read_text())
    assert [(row["preset"], row["strength"]) for row in payload["rows"]] == [("one", 1), ("two", 1)]
    assert all(row["seconds"] > 0 for row in payload["rows"])
    assert (tmp_path / "results" / "looks.png").read_bytes().startswith(b"\x89PNG")
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "made").glob("*.png")}
    assert {path.name for path in made} == {row["file"] for row in payload["rows"]}
    assert looks.main([*words, "--presets", "one", "--strengths", "2", "--add"]) == 0
    more = json.loads((tmp_path / "results" / "looks.json").read_text())
    assert [(row["preset"], row["strength"]) for row in more["rows"]] == [
        ("one", 1),
        ("two", 1),
        ("one", 2),
    ]
    capsys.readouterr()
    assert looks.main([*words, "--blind", "one", "two", "--seed", "5"]) == 0
    assert capsys.readouterr().out.strip().endswith("blind-00000005-key.json")
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert looks.main([*words, "--size", "32", "--blind", "one", "two"]) == 1
    assert "paint it first, with --presets one" in capsys.readouterr().err
