"""The manifest of the guide to many machines: it is one, and its command is one of jnst's."""

import re
from pathlib import Path
from typing import Any

import yaml

from jnst.cli.options.parsing import parse
from jnst.cli.options.request import Batch
from jnst.cli.options.values import Shard

GUIDE = Path(__file__).parent.parent / "docs" / "many_machines.md"


def test_the_manifest_is_a_job_that_counts_its_pods(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    job: Any = yaml.safe_load(text)
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    spec = job["spec"]
    assert spec["completionMode"] == "Indexed"
    pod = spec["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    (container,) = pod["containers"]
    assert container["command"] == ["jnst"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    words = [word.replace("/paintings", str(tmp_path)) for word in container["args"]]
    (tmp_path / "photos").mkdir()
    shares = []
    for index in range(spec["completions"]):
        batch = parse([word.replace("$(JOB_COMPLETION_INDEX)", str(index)) for word in words])
        assert isinstance(batch, Batch)
        shares.append(batch.shard)
    assert shares == [Shard(index, spec["completions"]) for index in range(20)]
    assert spec["parallelism"] == spec["completions"]


def test_the_array_of_slurm_counts_from_0() -> None:
    (first, last) = re.findall(r"#SBATCH --array=(\d+)-(\d+)", GUIDE.read_text())[0]
    assert (first, last) == ("0", "19")
    assert '--shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"' in GUIDE.read_text()
