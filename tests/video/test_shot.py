"""How earlier paintings are carried to a frame, and what a frame's config is."""

import numpy as np
import pytest

import jnst
from jnst.video.flow import Motion, warped
from jnst.video.shot import carried, frame_config, moved


def waves(shift):
    """A picture of waves, moved to the left and up by `shift` pixels: any place has a formula."""
    rows, columns = np.indices((40, 50)) + shift
    planes = [np.sin(columns * f) * np.cos(rows * 0.7 * f) for f in (0.5, 0.8, 1.1)]
    return np.float32(0.5 + 0.4 * np.stack(planes, axis=-1))


def test_paintings_stay_sharp_however_often_they_move():
    flow = np.full((40, 50, 2), 0.4, np.float32)
    by_splines = by_two = waves(0)
    for _ in range(10):
        by_splines, by_two = moved(by_splines, flow), warped(by_two, flow)
    inside = np.s_[12:-12, 12:-12]
    expected = waves(4)[inside]
    assert np.abs(by_splines[inside] - expected).max() < 0.03
    assert np.abs(by_two[inside] - expected).max() > 0.3


def test_beyond_the_border_its_pixels_go_on():
    painting = waves(0)
    far = moved(painting, np.full((40, 50, 2), 100, np.float32))
    np.testing.assert_allclose(far, np.broadcast_to(painting[-1, -1], far.shape), atol=1e-5)


def test_each_pixel_comes_from_the_nearest_reliable_painting():
    still, know = np.zeros((40, 50, 2), np.float32), np.ones((40, 50), np.float32)
    near, far = waves(0), waves(7)
    hidden, outside = know.copy(), know.copy()
    hidden[:, 20:] = 0
    outside[:, 40:] = 0
    earlier = carried([Motion(still, hidden), Motion(still, outside)], [near, far])
    np.testing.assert_allclose(earlier.warped[:, :20], near[:, :20], atol=1e-5)
    np.testing.assert_allclose(earlier.warped[:, 20:40], far[:, 20:40], atol=1e-5)
    np.testing.assert_array_equal(earlier.reliability[..., 0], outside)


@pytest.mark.parametrize("size", [160, 320, 512])
def test_a_frame_is_an_eighth_of_the_work_of_a_still(size):
    still = jnst.Config(size=size)
    config = frame_config(still, None)
    work = sum(s * s * n for s, n in zip(still.all_scales, still.steps_per_scale, strict=True))
    assert config.steps_per_scale[0] / work == pytest.approx(1 / 8, rel=0.05)
    assert config.all_scales == (1.0,)
    assert frame_config(still, 3).steps_per_scale == (3,)
