"""weights/try_formats.py: every format's activations are those of its own program."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPTS = Path(__file__).parents[2] / "weights"


@pytest.fixture
def trials(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, str(SCRIPTS)])
    pytest.importorskip("safetensors")
    pytest.importorskip("scipy")
    return importlib.import_module("try_formats")


@pytest.mark.slow
def test_activations_are_those_of_the_source(trials, tmp_path):
    rng = np.random.default_rng(0)
    image = rng.random((32, 32, 3), np.float32)
    layers = trials.read_weight_file(SCRIPTS / "vgg16.h5").layers
    for trial in trials.numpy_files(tmp_path, "vgg16", layers):
        count, worst = trials.compare(trial, image)
        assert count == 31, trial.format
        assert worst < 1e-5, trial.format


@pytest.mark.slow
def test_comparison_sees_a_wrong_weight(trials, tmp_path):
    layers = trials.read_weight_file(SCRIPTS / "vgg16.h5").layers
    trial = next(trials.numpy_files(tmp_path, "vgg16", layers))
    turned = {**layers, "conv5_3": {**layers["conv5_3"]}}
    turned["conv5_3"]["kernel"] = layers["conv5_3"]["kernel"].transpose(1, 0, 2, 3)
    trials.write_native(trial.path, turned, "vgg16", trials.CAFFE)
    image = np.random.default_rng(0).random((32, 32, 3), np.float32)
    assert trials.compare(trial, image)[1] > 1e-3
