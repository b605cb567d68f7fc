"""The digit reader of examples/: the JAX layers and their NumPy twins train alike, and learn."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import jax
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
STEPS, SHORT = 600, 50


@pytest.fixture(scope="module")
def example() -> ModuleType:
    """examples/train_digits.py, imported as a script finds its neighbours."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "examples"))
        patch.delitem(sys.modules, "train_digits", raising=False)
        return __import__("train_digits")


@pytest.fixture(scope="module")
def digits(example):
    pytest.importorskip("sklearn")
    return example.load_split()


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def run_script(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "examples/train_digits.py", *arguments],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_split_is_fixed_and_keeps_every_digit_in_its_share(example, digits):
    again = example.load_split()
    assert np.array_equal(digits.images, again.images)
    assert np.array_equal(digits.test_labels, again.test_labels)
    assert digits.images.shape == (1437, 8, 8, 1)
    assert digits.test_images.shape == (360, 8, 8, 1)
    assert digits.images.min() == -1.0
    assert digits.images.max() == 1.0
    shares = np.bincount(digits.labels) / 1437 - np.bincount(digits.test_labels) / 360
    assert np.abs(shares).max() < 0.005


def test_a_pass_shows_every_image_once_moved_by_up_to_a_pixel(example, digits):
    numbered = digits._replace(labels=np.arange(1437))
    shown = list(example.batches(numbered, 22, seed=3))
    labels = np.concatenate([rows for _, rows in shown])
    assert len(set(labels)) == len(labels) == 22 * 64
    moves = set()
    for images, rows in shown:
        for image, row in zip(images[..., 0], rows, strict=True):
            framed = np.pad(digits.images[row, ..., 0], 1, constant_values=-1)
            fits = [
                (i, j)
                for i in range(3)
                for j in range(3)
                if np.array_equal(image, framed[i : i + 8, j : j + 8])
            ]
            assert fits
            moves.update(fits if len(fits) == 1 else [])
    assert len(moves) == 9


def test_both_networks_start_with_the_same_logits_and_gradient(example, digits):
    params = example.start_params(1)
    images, labels = next(example.batches(digits, 1, seed=1))
    loss, gradient = jax.value_and_grad(example.objective)(params, images, labels)
    twin_loss, twin_gradient = example.NumpyNetwork(params).loss_and_gradient(images, labels)
    assert twin_loss == pytest.approx(float(loss), rel=1e-12)
    for name, layer in twin_gradient.items():
        for part, value in layer.items():
            np.testing.assert_allclose(value, gradient[name][part], rtol=0, atol=1e-12)


def test_a_zero_network_pays_the_logarithm_of_ten_classes(example, digits):
    params = jax.tree.map(np.zeros_like, example.start_params(0))
    loss = example.objective(params, digits.test_images, digits.test_labels)
    assert float(loss) == pytest.approx(np.log(10), rel=1e-12)


@pytest.mark.slow
def test_the_two_loss_curves_agree_and_the_reader_passes_98_percent(example, digits):
    ours = example.train(example.make_jax_step, digits, STEPS, 0)
    twin = example.train(example.make_numpy_step, digits, STEPS, 0, stop=SHORT)
    assert len(twin.losses) == SHORT
    # The promise is 1e-4. In float64 nothing but rounding separates the two.
    np.testing.assert_allclose(ours.losses[:SHORT], twin.losses, rtol=0, atol=1e-10)
    assert twin.losses[-1] < 0.5 * twin.losses[0]
    assert ours.seconds < 60
    guess = jax.jit(lambda images: example.logits(ours.params, images))
    assert example.accuracy(guess, digits) > 0.98


def test_it_prints_both_curves_and_draws_them(tmp_path):
    pytest.importorskip("sklearn")
    done = run_script("--steps", "3", "--plot", str(tmp_path / "curves.svg"))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["step", "ops,", "JAX", "reference,", "NumPy", "difference"]
    assert [row.split()[0] for row in rows[:3]] == ["1", "2", "3"]
    assert all(float(row.split()[3]) < 1e-4 for row in rows[:3])
    assert "of 360 unseen digits" in done.stdout
    assert "jnst.reference" in (tmp_path / "curves.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "0"], "'0' must be a whole number, at least 1"),
        (["--seed", "-1"], "'-1' must be a whole number, at least 0"),
        (["--steps", "many"], "'many' must be a whole number, at least 1"),
        (["--plot", "curves.bmp"], "'curves.bmp' must end in .png or .svg"),
        (["--plot", "nowhere/c.png"], "there is no folder 'nowhere'; create it"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line_before_the_training(
    arguments, message, example, monkeypatch, capsys
):
    monkeypatch.setattr(sys, "argv", ["train_digits.py", *arguments])
    with pytest.raises(SystemExit) as exit_info:
        example.main()
    assert exit_info.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
