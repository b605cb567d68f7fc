"""The benchmarks' timing protocol, and a trial run of the layers' benchmark."""

import itertools
import json
import subprocess
import sys
from types import ModuleType

import jax.numpy as jnp
import numpy as np
import pytest
from scripts import ROOT, load


@pytest.fixture(scope="module")
def measure() -> ModuleType:
    return load("common.measure")


def test_alternating_warms_up_then_takes_every_round_in_another_order(measure):
    calls: list[str] = []
    variants = {name: lambda name=name: calls.append(name) for name in "abc"}
    times = measure.alternating(variants, 30)
    warm_up, *rounds = ("".join(calls[i : i + 3]) for i in range(0, len(calls), 3))
    assert warm_up == "abc"
    assert len(rounds) == 30
    assert set(rounds) == {"abc", "acb", "bac", "bca", "cab", "cba"}
    assert [len(times[name]) for name in "abc"] == [30, 30, 30]


def test_times_are_the_clocks_and_belong_to_their_variant(measure, monkeypatch):
    now = 0.0
    monkeypatch.setattr(measure.time, "perf_counter", lambda: now)
    lasts = {"slow": itertools.cycle([9.0, 4.0, 6.0]), "fast": itertools.cycle([9.0, 2.0, 1.0])}

    def work(name: str) -> None:
        nonlocal now
        now += next(lasts[name])

    times = measure.alternating({name: lambda name=name: work(name) for name in lasts}, 2)
    assert times == {"slow": [4.0, 6.0], "fast": [2.0, 1.0]}
    assert measure.ratio(times, "slow", "fast") == (4 / 2 + 6 / 1) / 2


def test_a_call_ends_when_its_result_is_there(measure, monkeypatch):
    waited = []
    monkeypatch.setattr(measure.jax, "block_until_ready", waited.append)
    assert measure.seconds(lambda: "promise") >= 0
    assert waited == ["promise"]


def test_no_rounds_are_refused(measure):
    with pytest.raises(ValueError, match="repeats must be at least 1, got 0"):
        measure.alternating({"one": lambda: None}, 0)


def test_compiled_gives_the_function_and_a_time(measure):
    program, seconds = measure.compiled(lambda x, y: x - y, jnp.ones(3), jnp.zeros(3))
    assert np.array_equal(program(jnp.full(3, 5.0), jnp.ones(3)), [4.0, 4.0, 4.0])
    assert seconds > 0


def test_results_are_written_with_the_machine_they_came_from(measure, tmp_path):
    machine = measure.environment()
    assert machine["versions"]["numpy"] == np.__version__
    assert machine["cores"] >= 1
    assert len(machine["load_average"]) == 3
    payload = {"environment": machine, "rows": [1.5]}
    measure.write_results("trial", payload, "| a |\n", tmp_path / "new")
    assert json.loads((tmp_path / "new" / "trial.json").read_text()) == payload
    text = (tmp_path / "new" / "trial.md").read_text()
    assert text.endswith("| a |\n")
    assert machine["date"] in text
    assert f"numpy {np.__version__}" in text


def test_the_settings_that_slow_numpy_are_reported(measure, monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    assert "OPENBLAS_CORETYPE=Prescott" in measure.describe(measure.environment())


def test_layers_counts_operations_and_outputs():
    layers = load("layers")
    plain = layers.Layer("conv1_2", 10, 3, 5)
    assert plain.output == (1, 10, 10, 5)
    assert plain.flop == 2 * 100 * 5 * 9 * 3
    assert plain._replace(stride=3).output == (1, 4, 4, 5)
    assert layers.Layer("pool1", 11, 3, 3, stride=2, window=2).output == (1, 5, 5, 3)


def test_shares_are_of_the_products_rate():
    layers = load("layers")
    rows = [{"flop": 60, "seconds": {"ops": 2.0, "im2col": 10.0}}, {"seconds": {"ops": 1.0}}]
    layers.add_shares(rows, {"jax": 120.0, "numpy": 24.0})
    assert rows[0]["ops_share"] == 60 / 2 / 120
    assert rows[0]["im2col_share"] == 60 / 10 / 24
    assert "ops_share" not in rows[1]


def test_derive_gives_the_derivatives_by_the_first_inputs_alone():
    derive = load("layers").derive
    x, y = jnp.array([2.0, 3.0]), jnp.array([5.0, 7.0])
    (by_x,) = derive(jnp.multiply, 1)(jnp.array([1.0, 10.0]), x, y)
    assert by_x.tolist() == [5.0, 70.0]
    assert len(derive(jnp.multiply, 2)(jnp.ones(2), x, y)) == 2


def test_layers_refuses_to_time_variants_that_disagree():
    layers = load("layers")
    right = np.ones(4, np.float32)
    variants = {"jax": lambda: right, "ops": lambda: (1.01 * right,)}
    with pytest.raises(ArithmeticError, match=r"ops differs from JAX's own by 1\.0e-02"):
        layers.check_agreement(layers.LAYERS[0], variants)


def run_script(name, *words):
    """Runs a benchmark in a process of its own; its warnings are errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", f"benchmarks/{name}", *words],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_trial_of_the_layers_writes_table_json_and_plot(tmp_path):
    run_script("layers.py", "--quick", "--output", tmp_path)
    payload = json.loads((tmp_path / "layers.json").read_text())
    passes = [(row["layer"], row["pass"]) for row in payload["rows"]]
    assert len(set(passes)) == len(passes) == 8
    for row in payload["rows"]:
        times = row["seconds"]
        pool = row["layer"].startswith("pool")
        assert {"ops", "jax", "jax again"} <= times.keys()
        assert ("loops" in times) == ("ops eager" in times) == (pool or row["pass"] != "by x")
        assert ("im2col" in times) == (not pool and row["pass"] != "by x")
        assert ("ops_share" in row) == (not pool)
        assert row["ops_over_jax"] == pytest.approx(
            np.median(np.divide(row["rounds"]["ops"], row["rounds"]["jax"]))
        )
        assert row["compile_seconds"]["ops"] > 0
    assert payload["product_flop_per_second"].keys() == {"jax", "numpy"}
    text = (tmp_path / "layers.md").read_text()
    assert all(title in text for title, _ in passes)
    assert "–: not run" in text
    assert (tmp_path / "layers.png").read_bytes().startswith(b"\x89PNG")


def test_a_commands_peak_is_measured_and_what_it_says_is_read(tmp_path):
    command = load("command_memory")
    layers = ["--style-layers", "relu1_1", "--content-layers", "relu1_1"]
    # Linux counts what a process has at its start, before it becomes another program, into its
    # peak; of this one that may be a GB.
    script = [sys.executable, command.__file__, "--sides", "32", "--results", str(tmp_path)]
    subprocess.run([*script, "--", *layers, "--scales", "1"], check=True, capture_output=True)
    (row,) = json.loads((tmp_path / "command_memory.json").read_text())["rows"]
    assert 0.1e9 < row["peak"] < 1e9
    assert 0.3e9 < row["said"] < 1.3e9
    line = command.table([{"side": 32, "peak": 2e9, "said": 1.8e9}]).splitlines()[-1]
    assert line == "| 32 | 2.00 | 1.80 | 0.90 |"
    with pytest.raises(RuntimeError, match="unknown option --no-such"):
        command.run(32, ["--no-such"])


def test_memory_rows_say_peak_estimate_and_time_per_pixel():
    memory = load("memory")
    row = {"side": 1000, "way": "windows", "peak": 1.234e9, "estimate": 1.1e9, "step": 20.0}
    assert memory.table([row]).splitlines()[-1] == (
        "| 1000² | windows | 1.23 | 1.10 | 20.00 | 20.0 |"
    )
    del row["estimate"]
    assert "| – |" in memory.table([row | {"way": "torch"}])
    assert [name for name, _ in memory.CONVOLUTIONS][-2:] == ["conv4_4", "conv5_1"]


def test_time_to_objective_refuses_two_objectives():
    pytest.importorskip("torch")
    benchmark = load("time_to_objective")
    problem = benchmark.Problem(*benchmark.DEFAULT_PAIR, 32)
    theirs = problem.in_torch(channels_last=True)
    found = benchmark.check_agreement(problem, theirs)
    assert found["value"] < 1e-4
    assert found["cosine"] > 0.9999
    theirs._grams["conv3_1"] *= 1.1
    with pytest.raises(ArithmeticError, match=r"jnst's objective and PyTorch's differ: \{'value'"):
        benchmark.check_agreement(problem, theirs)


def test_time_to_objective_counts_each_scale_and_stops_at_the_target():
    pytest.importorskip("torch")
    benchmark = load("time_to_objective")
    problem = benchmark.Problem(*benchmark.DEFAULT_PAIR, 64)
    changes = {"line_search": "zoom", "scales": (0.5, 1.0), "steps": (3, 9), "upscale": "detail"}
    run = benchmark.run_jnst(problem, changes, target=0.0, evaluations=4)
    assert run["evaluations"] == [3, 4]
    assert not run["reached"]
    assert len(run["values"]) == 7
    last = run["values"][3:]
    again = benchmark.run_jnst(problem, changes, target=min(last), evaluations=4)
    assert again["evaluations"] == [3, 1 + last.index(min(last))]
    assert again["reached"]
    assert again["seconds"] == again["times"][-1]


def test_a_trial_of_time_to_objective_begins_as_torch_does(tmp_path):
    pytest.importorskip("torch")
    run_script(
        "time_to_objective.py",
        *("--size", "48", "--evaluations", "12", "--results", tmp_path),
        *("--optimisers", "as published", "adam"),
    )
    (row,) = json.loads((tmp_path / "time_to_objective.json").read_text())["rows"]
    theirs, ours = row["torch"], row["jnst"]
    assert row["pixels"] == [48, 31]
    assert row["target"] == min(theirs["values"])
    assert len(theirs["values"]) == theirs["evaluations"] == 12
    # Same optimiser, same objective: the same values, until rounding tells.
    published = ours["as published"]["values"]
    np.testing.assert_allclose(published[:4], theirs["values"][:4], rtol=1e-3)
    for run in ours.values():
        assert run["reached"] == (run["values"][-1] <= row["target"])
        assert run["share_of_torch"] == pytest.approx(run["seconds"] / theirs["seconds"])
        assert run["times"] == sorted(run["times"])
        assert 1 <= run["evaluations_per_step"] < 1.5
    text = (tmp_path / "time_to_objective.md").read_text()
    assert "chelsea by harvest, 48x31" in text


def test_scaling_is_told_beside_one_device_of_the_same_size():
    def row(side: int, devices: int, second: float, operations: float) -> dict[str, object]:
        shared = {"side": side, "devices": devices, "operations": operations, "peak": 1e9}
        return {**shared, "seconds": [second, 9.0, second]}

    rows = [row(64, 1, 2.0, 8.0), row(64, 2, 1.0, 4.0), row(128, 1, 8.0, 32.0)]
    lines = load("scaling").table(rows).splitlines()[2:]
    assert [line.split(" | ")[2:5] for line in lines] == [
        ["2.00", "1.00", "1.00"],
        ["1.00", "0.50", "0.50"],
        ["8.00", "1.00", "1.00"],
    ]
