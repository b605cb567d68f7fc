"""Flow and reliability against a clip whose motion is known exactly, and against the formulas."""

import numpy as np
import pytest
from moving_clip import MovingClip, texture

from jnst.video import flow as flow_module
from jnst.video.flow import consistent, motion, warped
from jnst.video.following import followed

CLIP = MovingClip(
    texture(220, 280, 1), texture(90, 90, 2), (120, 160), 24, (60, 45), (1.0, 3.0)
)  # fmt: skip
FRAMES = [CLIP.frame(t) for t in range(4)]


def test_the_clip_moves_as_it_says():
    flow, visible = CLIP.motion(3, 1)
    difference = (FRAMES[3] - warped(FRAMES[1], flow)) ** 2
    assert 0.9 < visible.mean() < 0.99
    # Interpolation and the soft edge of the disc remain.
    assert difference[visible].mean() < 3e-4
    assert difference[~visible].mean() > 1e-2


def test_flow_and_masks_are_those_of_the_clip():
    flagged_count = hidden_count = right = 0
    for t, other in [(1, 0), (2, 3), (3, 2), (3, 1)]:
        found, (true, visible) = motion(FRAMES[t], FRAMES[other]), CLIP.motion(t, other)
        errors = np.linalg.norm(found.flow - true, axis=-1)
        assert errors[visible].mean() < 0.15
        flagged = found.reliability < 0.5
        right += (flagged & ~visible).sum()
        flagged_count, hidden_count = flagged_count + flagged.sum(), hidden_count + (~visible).sum()
        assert not found.is_cut
    # By chance, as many pixels would be right as are hidden at all: 3 %.
    assert right / flagged_count > 0.75
    assert right / hidden_count > 0.75


def test_consistency_is_the_formula():
    flow, back = np.zeros((2, 8, 8, 2), np.float32)
    flow[..., 0], back[..., 0] = 2, -2
    back[3, 5] = (-1.25, 0)  # |w + ŵ|² = 0.5625 > 0.01 (4 + 1.5625) + 0.5
    back[6, 4] = (-1.28, 0)  # |w + ŵ|² = 0.5184 < 0.01 (4 + 1.6384) + 0.5
    expected = np.ones((8, 8), bool)
    expected[:, 6:] = False  # leads out of the picture
    expected[3, 3] = False
    np.testing.assert_array_equal(consistent(flow, back), expected)


def test_motion_boundaries_are_an_option():
    flow = np.zeros((6, 8, 2), np.float32)
    flow[:, 4:, 0] = -1
    # At the border of the motions |∇u|² is 0.25, by central differences of one pixel each.
    inside = consistent(flow, -flow)
    strict = consistent(flow, -flow, boundaries=True)
    assert np.flatnonzero((inside & ~strict).any(axis=0)).tolist() == [3]
    assert not strict[:, 4].any()


def test_a_lamp_switched_on_is_unreliable_and_black_frames_are_another_shot():
    lit = FRAMES[0].copy()
    lit[40:80, 90:130] = np.minimum(lit[40:80, 90:130] + 0.5, 1)
    found = motion(lit, FRAMES[0]).reliability
    assert found[45:75, 95:125].mean() < 0.3
    assert found[:30].mean() > 0.9
    assert motion(FRAMES[0], np.zeros_like(FRAMES[0])).is_cut


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (12, 9)], ids=str)
def test_tiny_frames_have_a_flow(size):
    frame = texture(40, 40, 3)[: size[0], : size[1]]
    found = motion(frame, frame)
    assert found.flow.shape == (*size, 2)
    assert np.abs(found.flow).max() < 0.1
    assert found.reliability.min() > 0.99


def test_frames_are_followed_within_their_shot():
    other = texture(120, 160, 7)
    frames = [*FRAMES[:3], other, other]
    steps = list(followed(iter(frames), (2, 1)))
    assert [step.starts_shot for step in steps] == [True, False, False, True, False]
    assert [list(step.motions) for step in steps] == [[], [1], [1, 2], [], [1]]
    expected = motion(frames[2], frames[0])
    np.testing.assert_array_equal(steps[2].motions[2].flow, expected.flow)
    np.testing.assert_array_equal(steps[2].frame, frames[2])


def test_shots_by_hand_win():
    steps = list(followed(iter(FRAMES), (2,), shots=[2]))
    assert [step.starts_shot for step in steps] == [True, False, True, False]
    steps = list(followed([FRAMES[0], texture(120, 160, 7)], (1,), shots=[]))
    assert [step.starts_shot for step in steps] == [True, False]


def test_without_opencv_the_error_names_the_extra(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(flow_module, "import_module", missing)
    with pytest.raises(ModuleNotFoundError, match=r"OpenCV .*pip install 'jnst\[video\]'"):
        motion(FRAMES[0], FRAMES[1])
