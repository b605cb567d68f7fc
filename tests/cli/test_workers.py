"""Tasks shared out between places; and a batch of which each device paints its own."""

import subprocess
import sys
import threading

import pytest
from command import TINY, Command

from jnst.cli.batch.workers import share_out


def never():
    return False


def test_each_task_is_done_once_and_one_at_a_time_at_each_place():
    places = [[], [], []]
    together = threading.Barrier(3, timeout=60)

    def work(task, place):
        if task < 3:  # all places are at work at the same time
            together.wait()
        place.append((task, threading.get_ident()))

    share_out(work, range(50), places, never)
    assert sorted(task for place in places for task, _ in place) == [*range(50)]
    threads = [{thread for _, thread in place} for place in places]
    assert [len(found) for found in threads] == [1, 1, 1]
    assert len(set.union(*threads)) == 3
    for place in places:
        assert [task for task, _ in place] == sorted(task for task, _ in place)


def test_one_place_is_the_thread_of_the_caller():
    found = []
    share_out(lambda task, place: found.append(threading.get_ident()), "ab", [0], never)
    assert found == [threading.get_ident()] * 2


@pytest.mark.parametrize("places", [1, 2])
def test_no_more_begin_once_stopped_or_failed(places):
    done = []
    share_out(lambda task, _: done.append(task), range(9), [0] * places, lambda: len(done) >= 3)
    assert 3 <= len(done) < 3 + places
    done.clear()

    def fail(task, _):
        done.append(task)
        if task == 2:
            raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        share_out(fail, range(900), [0] * places, never)
    assert done[:3] == [0, 1, 2]


FEW = ("--style-layers", "relu1_1", "--content-layers", "relu1_1")
PROGRAM = """
import sys
from pathlib import Path
import jax
jax.config.update("jax_num_cpu_devices", 2)
from jnst import cli

words = ["--content", "in", "--style", "night.png", "--output", "out", *sys.argv[1:]]
print(cli.main(words), flush=True)
one = {path.name: path.read_bytes() for path in Path("out").glob("*.png")}
assert one.keys() == {"a_night.png", "c_night.png", "d_night.png"}, one.keys()
print("jnst: ===", file=sys.stderr, flush=True)
print(cli.main([*words, "--overwrite", "--devices", "2"]), flush=True)
assert one == {path.name: path.read_bytes() for path in Path("out").glob("*.png")}
print("jnst: ===", file=sys.stderr, flush=True)
print(cli.main([*words, "--devices", "all", "--tile", "128"]), flush=True)
"""


@pytest.mark.slow
def test_each_device_paints_its_own_to_the_same_bytes(run: Command) -> None:
    """A picture that cannot be read does not stop the others, and is told as before."""
    (run.folder / "in").mkdir()
    for name in "acd":
        (run.folder / "in" / f"{name}.png").write_bytes((run.folder / "cat.png").read_bytes())
    (run.folder / "in" / "b.png").write_bytes(b"no picture")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *TINY, *FEW],
        cwd=run.folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    one, two, again = (part.splitlines() for part in done.stderr.split("jnst: ===\n"))
    codes = [line for line in done.stdout.splitlines() if line.isdigit()]
    assert codes == ["1", "1", "1"]
    summary = "jnst: 4 paintings: 3 painted, 1 failed (out/b_night.png)"
    assert one[-1] == two[-1] == summary
    assert two[0] == "jnst: 4 paintings on 2 devices, each on its own"
    begun = [f"jnst: painting {i} of 4: out/{name}_night.png" for i, name in enumerate("abcd", 1)]
    broken = [line for line in two if "error: out/b_night.png: " in line]
    assert broken == [line for line in one if "error: out/b_night.png: " in line]
    assert sorted(two[1:-1]) == sorted([*begun, *broken])
    # A path alone, also of what is finished already.
    paths = [f"out/{name}_night.png" for name in "acd"]
    assert sorted(done.stdout.splitlines()) == sorted([*codes, *paths * 3])
    # What is finished is left alone; windows go with devices that paint their own.
    assert again[-1] == summary.replace("3 painted", "0 painted, 3 finished before")
