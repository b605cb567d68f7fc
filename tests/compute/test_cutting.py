"""The cuts of a picture: windows computed on their own, put together, against the whole map."""

from itertools import pairwise

import numpy as np
import pytest

from jnst.compute.tiles.cutting import SMALLEST_TILE, cut_axis, plan_stages
from jnst.network.architecture import LAYERS, halvings, reach

STAGES = {
    "one convolution": ("conv",),
    "VGG's first two blocks": ("conv", "conv", "pool", "conv", "conv", "pool"),
    "VGG-19's third": ("conv", "conv", "conv", "conv", "pool"),
    "after a pool": ("conv", "pool", "conv", "conv"),
    "deep": ("conv", "pool", "conv", "pool", "conv", "pool", "conv"),
}


def compute(layers, x):
    """The maps behind each layer along one axis: sums with zeros outside, and 2-maxima."""
    maps = []
    for name in layers:
        if name == "conv":
            x = np.convolve(np.pad(x, 1), [2, -3, 5], mode="valid")
        else:
            x = x[: len(x) // 2 * 2].reshape(-1, 2).max(1)
        maps.append(x)
    return maps


@pytest.mark.parametrize("name", list(STAGES))
def test_cores_cover_every_map_once_and_are_right(name):
    layers = STAGES[name]
    grid = 2 ** layers.count("pool")
    rng = np.random.default_rng(0)
    for length in [*range(8, 75), 131, 200]:
        x = rng.integers(-9, 9, length)
        for limit in (1, 16, 23, 40, 64, 1000):
            size, windows = cut_axis(length, limit, reach(layers), grid)
            assert size <= max(limit, 2 * reach(layers) + 3 * grid) or size == length
            whole = compute(layers, x)
            found = [np.full(len(values), 10**9) for values in whole]
            covered = [np.zeros(len(values), int) for values in whole]
            for start, first, end in windows:
                assert start % grid == first % grid == 0
                assert start + size <= length
                depth = 0
                maps = compute(layers, x[start : start + size])
                for layer, values, target, count in zip(layers, maps, found, covered, strict=True):
                    depth += layer == "pool"
                    s, a, b = start >> depth, first >> depth, end >> depth
                    target[s + a : s + b] = values[a:b]
                    count[s + a : s + b] += 1
            for expected, target, count in zip(whole, found, covered, strict=True):
                np.testing.assert_array_equal(count, 1)
                np.testing.assert_array_equal(target, expected)


def test_windows_are_few_and_no_larger_than_needed():
    size, windows = cut_axis(1000, 512, reach=6, grid=4)
    assert (size, len(windows)) == (508, 2)
    assert cut_axis(512, 512, reach=6, grid=4) == (512, [(0, 0, 512)])
    # One position more: two windows, each about half.
    size, windows = cut_axis(513, 512, reach=6, grid=4)
    assert (size, len(windows)) == (265, 2)


def test_reach_is_the_receptive_field():
    assert reach(()) == reach(("relu1_1",)) == 0
    # Oracle: which inputs of a chain of such layers change one number in its middle.
    for layers in STAGES.values():
        zeros = np.zeros(256)
        touched = []
        for i in range(len(zeros)):
            one = zeros.copy()
            one[i] = 1
            last = compute(layers, one)[-1]
            touched += [i] if last[len(last) // 2] != 0 else []
        first = 256 // 2
        window = 2 ** layers.count("pool")
        assert first - min(touched) == reach(layers)
        assert max(touched) - (first + window - 1) == reach(layers)


def test_stages_end_at_the_cuts_and_follow_each_other():
    for network in ("vgg16", "vgg19"):
        stages = plan_stages(network, ["relu5_1"], 1037, 1501, tile=256)
        names = [name for stage in stages for name in stage.layers]
        assert tuple(names) == LAYERS[network][: LAYERS[network].index("relu5_1") + 1]
        assert [stage.layers[-1] for stage in stages] == ["pool2", "pool3", "pool4", "relu5_1"]
        assert stages[0].shape == (1037, 1501)
        for before, after in pairwise(stages):
            assert before.output[:2] == after.shape
        assert stages[-1].output == (1037 // 16, 1501 // 16, 512)
        assert max(stages[0].size) <= 256
        assert stages[0].shape_at("relu2_1") == (1037 // 2, 1501 // 2, 128)
    assert plan_stages("vgg16", [], 100, 100, tile=256) == ()
    (stage,) = plan_stages("vgg16", ["conv1_1"], 100, 100, tile=256)
    assert stage.layers == ("conv1_1",)
    (stage,) = plan_stages("vgg16", ["pool2", "relu1_1"], 100, 100, tile=256)
    assert stage.output == (25, 25, 128)
    assert halvings(stage.layers, "relu2_2") == 1


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match=f"tile is 127: it must be at least {SMALLEST_TILE} pix"):
        plan_stages("vgg16", ["relu1_1"], 100, 100, tile=127)
    with pytest.raises(ValueError, match="vgg16 has no layer 'relu4_4'; did you mean"):
        plan_stages("vgg16", ["relu4_4"], 100, 100, tile=256)
