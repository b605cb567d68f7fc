"""The benchmark of a step: a trial run, and the sums that its tables are made of."""

import json
import subprocess
import sys

import numpy as np
import pytest
from scripts import ROOT, load

import jnst


@pytest.fixture(scope="module")
def step():
    return load("step")


def run(folder, *options):
    return subprocess.run(
        [sys.executable, "-W", "error", "benchmarks/step.py", "--results", folder, *options],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_network_is_trained_or_drawn_by_hes_rule_and_ends_at_conv5_1(step):
    trained, drawn = step.network_layers("vgg16"), step.network_layers("vgg19")
    expected = jnst.load_weights("vgg16").layers["conv5_1"]["kernel"]
    assert np.array_equal(trained["conv5_1"]["kernel"], expected)
    assert [name for name in drawn if name[4] in "35"] == [
        *("conv3_1", "conv3_2", "conv3_3", "conv3_4", "conv5_1")
    ]
    kernel = drawn["conv4_2"]["kernel"]
    assert kernel.std() == pytest.approx(np.sqrt(2 / (9 * 512)), rel=0.01)
    assert np.array_equal(kernel, step.network_layers("vgg19")["conv4_2"]["kernel"])


def keep(folder, name, value, gradient):
    np.savez(folder / f"{name}.npz", value=value, gradient=np.asarray(gradient, np.float32))


def test_agreement_is_with_lax_and_float32_must_agree(step, tmp_path):
    keep(tmp_path, "lax", 2.0, [3.0, 4.0])
    keep(tmp_path, "jnst-float32", 2.0002, [3.0, 4.0])
    keep(tmp_path, "jnst-bfloat16", 2.2, [4.0, 3.0])
    facts = dict(step.agreement(tmp_path, ["jnst-float32", "lax", "jnst-bfloat16"]))
    assert facts["jnst-float32"]["objective_error"] == pytest.approx(1e-4)
    assert facts["jnst-bfloat16"]["objective_error"] == pytest.approx(0.1)
    assert facts["jnst-bfloat16"]["cosine"] == pytest.approx(24 / 25)
    keep(tmp_path, "jnst-float32", 2.2, [3.0, 4.0])
    with pytest.raises(ArithmeticError, match=r"jnst-float32: value off by 1\.0e-01"):
        step.agreement(tmp_path, ["lax", "jnst-float32"])


def test_ratios_are_to_torchs_best_float32_round_by_round_and_to_direct(step):
    rows = {
        "product-float32": {"seconds": [1.0], "median": 1.0},
        "product-bfloat16": {"seconds": [0.5], "median": 0.5},
        "torch-nchw-float32": {"seconds": [9.0, 9.0, 9.0], "median": 9.0},
        "torch-nhwc-float32": {"seconds": [4.0, 6.0, 8.0], "median": 6.0},
        "torch-nhwc-bfloat16": {"seconds": [30.0], "median": 30.0},
        "jnst-float32": {"seconds": [1.0, 3.0, 1.0], "median": 1.0},
    }
    found = step._ratios("vgg19", 512, rows)
    assert found["torch_best"] == "torch-nhwc-float32"
    assert found["product_flop_per_second"] == {"float32": 2 * 2048**3, "bfloat16": 4 * 2048**3}
    assert found["direct_seconds"] == pytest.approx(379e9 / (2 * 2048**3), rel=1e-3)
    ours, once = found["variants"]["jnst-float32"], found["variants"]["torch-nhwc-bfloat16"]
    assert ours["torch_best_over_this"] == 4.0  # the middle of 4/1, 6/3 and 8/1
    assert ours["to_direct"] == pytest.approx(1 / found["direct_seconds"])
    assert once["torch_best_over_this"] == 6 / 30
    assert "product-float32" not in found["variants"]


def test_what_would_take_minutes_at_a_larger_size_is_left_out(step):
    runs = [
        {"network": "vgg19", "size": 256, "variants": {"lax": {"median": 20.0}}},
        {"network": "vgg16", "size": 256, "variants": {"lax": {"median": 200.0}}},
    ]
    assert step.too_slow(runs, "vgg19", 512) == {}
    assert step.too_slow(runs, "vgg19", 1024) == {"lax": "by its time at 256² a call takes 320 s"}


@pytest.mark.slow
def test_a_trial_of_a_step_times_every_variant_in_its_own_process(tmp_path):
    done = run(tmp_path, "--sizes", "32", "--networks", "vgg19", "--repeats", "2", "--variants",
               "torch-nhwc-float32", "lax", "jnst-float32")  # fmt: skip
    assert done.returncode == 0, done.stderr
    payload = json.loads((tmp_path / "step.json").read_text())
    (found,) = payload["runs"]
    text = (tmp_path / "step.md").read_text()
    assert "**vgg19, 32²** (random weights)" in text
    for name in ("lax", "jnst-float32"):
        row = found["variants"][name]
        assert len(row["seconds"]) == 2
        assert row["compile_seconds"] > 0
        assert row["peak_mb"] > 100
        assert row["cosine"] > 0.9999
        assert f"| {name} |" in text
    if "torch-nhwc-float32" in found["variants"]:
        assert "| torch-nhwc-float32 * |" in text
        assert found["variants"]["jnst-float32"]["torch_best_over_this"] > 0
    else:
        assert "No module named 'torch'" in found["not_run"]["torch-nhwc-float32"]
        assert "torch-nhwc-float32 did not run: ModuleNotFoundError" in done.stdout


@pytest.mark.slow
def test_a_trial_of_the_layers_sums_over_the_network(tmp_path):
    done = run(tmp_path, "--layers", "32", "--networks", "vgg16", "--repeats", "1", "--variants",
               "lax", "jnst-float32")  # fmt: skip
    assert done.returncode == 0, done.stderr
    (found,) = json.loads((tmp_path / "step_layers.json").read_text())["runs"]
    assert sum(row["count"] for row in found["rows"]) == 2 * 11
    flop = sum(row["count"] * row["flop"] for row in found["rows"])
    assert flop == pytest.approx(load("step").step_operations("vgg16", ["relu5_1"], 32, 32))
    assert "| all | both | 22 |" in (tmp_path / "step_layers.md").read_text()
