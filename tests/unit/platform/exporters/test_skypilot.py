"""A SkyPilot task: YAML that loads, and a `run` that starts the workers of a node with exactly what the job says."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.platform.exporters.conftest import Run
from tests.unit.platform.exporters.hostile import WORDS, hostile, recorded

from datahall.foundation.errors import Refused
from datahall.platform.exporters.skypilot import skypilot
from datahall.platform.exporters.spec import LOCAL_ONLY, RANKED, Export, Options, same_everywhere
from datahall.platform.spec import JobSpec

JOB = JobSpec(command=("true",))
NODES = {"SKYPILOT_NODE_IPS": "10.0.0.1\n10.0.0.2", "SKYPILOT_TASK_ID": "sky-1"}


def task(job: JobSpec, **options: Any) -> dict[str, Any]:
    """The task as SkyPilot reads it: one document with the fields that it knows."""
    found = yaml.safe_load(skypilot(Export(job, Options(**options))))
    assert set(found) <= {"name", "num_nodes", "workdir", "resources", "secrets", "file_mounts", "run"}
    return dict(found)


def test_words_of_a_job_reach_the_program_and_nothing_else(run: Run, out: Path, tmp_path: Path):
    """Given two nodes with two workers each, every worker gets every word to the letter, and nothing ran."""
    script = task(hostile(output_key="a'\n$(touch pwned)"), nodes=2)["run"]
    for rank in range(2):
        said = run(script, SKYPILOT_NODE_RANK=str(rank), **NODES)
        assert said.returncode == 0, said.stderr
    told = recorded(out)
    assert [one["words"] for one in told] == [list(WORDS)] * 4
    assert all(one["environment"][f"WORD_{n}"] == word for one in told for n, word in enumerate(WORDS))
    assert [(tmp_path / f"work/in/{n}.txt").read_bytes().decode() for n in range(len(WORDS))] == list(WORDS)
    assert not list(tmp_path.rglob("pwned"))


def test_workers_find_each_other_as_under_our_own_engine(run: Run, out: Path):
    """Given two nodes with two workers of two accelerators each, ranks go on over nodes and devices over workers."""
    script = task(hostile(accelerators=2), nodes=2, accelerator="H100")["run"]
    for rank in range(2):
        assert run(script, SKYPILOT_NODE_RANK=str(rank), **NODES).returncode == 0
    told = [one["environment"] for one in recorded(out)]
    assert [one["RANK"] for one in told] == ["0", "1", "2", "3"]
    assert [one["LOCAL_RANK"] for one in told] == ["0", "1", "0", "1"]
    assert [one["CUDA_VISIBLE_DEVICES"] for one in told] == ["0,1", "2,3", "0,1", "2,3"]
    assert {(one["LOCAL_WORLD_SIZE"], one["WORLD_SIZE"], one["MASTER_ADDR"]) for one in told} == {("2", "4", "10.0.0.1")}
    cluster = json.loads(told[2]["TF_CONFIG"])
    assert cluster["cluster"]["worker"] == ["10.0.0.1:15001", "10.0.0.1:15002", "10.0.0.2:15001", "10.0.0.2:15002"]
    assert cluster["task"]["index"] == 2
    ours = set(same_everywhere(hostile())) | RANKED - {"DATAHALL_ATTEMPT"}
    assert ours - LOCAL_ONLY <= set(told[0]), "how often SkyPilot has tried is not told to a task"


def test_resources_are_those_of_a_node():
    """Given two workers a node, the node has twice a worker's CPUs, memory and accelerators, rounded up."""
    job = JOB.model_copy(update={"workers": 4, "cpus": 1.25, "memory": 3 * 2**29, "accelerators": 4})
    found = task(job, nodes=2, accelerator="H100", image="ghcr.io/x/y:1")
    assert found["num_nodes"] == 2
    assert found["resources"] == {"cpus": "3+", "memory": "3+", "accelerators": "H100:8", "image_id": "docker:ghcr.io/x/y:1"}


def test_retries_and_secrets_are_sky_pilots_own():
    """Given retries and a secret, the managed job restarts on errors, and the secret must be given at launch."""
    found = task(JOB.model_copy(update={"retries": 3, "secrets": {"HUB": "hub"}}))
    assert found["resources"]["job_recovery"]["max_restarts_on_errors"] == 3
    assert found["secrets"] == {"HUB": None}


def test_a_failed_worker_ends_its_node(run: Run):
    """Given two workers of which one fails at once, the other is stopped, and the code is that of the first."""
    program = "if ((RANK == 1)); then exit 7; fi; sleep 30"
    job = JOB.model_copy(update={"command": ("bash", "-c", program), "workers": 2})
    assert run(task(job, nodes=1)["run"], SKYPILOT_NODE_RANK="0", **NODES).returncode == 7


def test_a_time_limit_ends_a_worker(run: Run):
    """Given a limit of a tenth of a second, the worker is stopped with the code that `timeout` has."""
    job = JOB.model_copy(update={"command": ("sleep", "30"), "time_limit": 0.1})
    assert run(task(job)["run"], SKYPILOT_NODE_RANK="0", **NODES).returncode == 124


def test_accelerators_without_a_kind_are_asked_for():
    """Given accelerators and no kind, the option that names it is told."""
    with pytest.raises(Refused, match="--accelerator: EXPORT-011"):
        task(JOB.model_copy(update={"accelerators": 1}))
