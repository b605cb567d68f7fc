"""The benchmark of films: its judge, its store and its table, on pictures whose error is known."""

import time

import numpy as np
import pytest
from scripts import load


@pytest.fixture(scope="module")
def films():
    pytest.importorskip("cv2")
    return load("films")


def test_the_judge_knows_the_motion_and_finds_flicker(films):
    frames = films.frames_of("synthetic", "", 3, 96)
    judge = films.Judge("synthetic", frames, 96)
    pairs = [(1, 0), (2, 1)]
    floor = judge.error(frames, pairs)
    assert floor < 1e-3
    flicker = [frames[0], frames[1] + 0.1, frames[2]]
    assert judge.error(flicker, pairs) == pytest.approx(floor + 0.01, abs=2e-3)
    scores = films.masks(judge, frames)["default"]
    assert min(scores.values()) > 0.4


def test_the_judge_of_a_real_clip_has_a_flow_of_its_own(films):
    frames = films.frames_of("synthetic", "", 2, 128)
    by_truth, by_farneback = (films.Judge(n, frames, 128) for n in ("synthetic", "real"))
    holds = by_truth.motion(1, 0)[1] & by_farneback.motion(1, 0)[1]
    errors = np.linalg.norm(by_truth.motion(1, 0)[0] - by_farneback.motion(1, 0)[0], axis=-1)
    assert np.median(errors[holds]) < 0.3


def test_paintings_are_kept_exactly_and_timed(films, tmp_path):
    store = films.Pictures(tmp_path / "film")
    painting = np.random.default_rng(0).random((4, 5, 3), np.float32)
    store[0, 1] = painting
    assert store.paintings() == []
    store.began = time.perf_counter() - 7
    store[0, 0] = painting + 1
    np.testing.assert_array_equal(store.paintings(), [painting + 1, painting])
    assert store.seconds()[0] == pytest.approx(7, abs=0.5)
    assert list(store) == [(0, 0), (0, 1)]
    assert (0, 2) not in store
    with pytest.raises(KeyError):
        store[0, 2]
