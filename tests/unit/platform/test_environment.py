"""What a worker's process sees, and how the workers of a gang find each other."""

import json
import os
import subprocess
import sys
from pathlib import Path

from datahall.platform.engines.environment import HOOKS, THREADS, environment_of, worker_environment
from datahall.platform.events import Placement
from datahall.platform.ports import Launch
from datahall.platform.spec import JobSpec


def seen(rank: int = 0, *, given: dict[str, str] | None = None, **spec: object) -> dict[str, str]:
    job = JobSpec.model_validate({"command": ("python", "train.py")} | spec)
    launch = Launch(7, 1, job, (Placement("n1"),) * job.workers)
    ports = [5000, *range(5001, 5001 + job.workers)]
    return environment_of(launch, rank, ports=ports, work=Path("/w"), state=Path("/s"), given=given or {})


def test_each_framework_finds_its_own_words():
    """Given the second of three workers, torch's, JAX's and TensorFlow's variables name the same gang and place in it."""
    sees = seen(1, workers=3)
    assert (sees["RANK"], sees["WORLD_SIZE"], sees["LOCAL_RANK"]) == ("1", "3", "1")
    assert (sees["MASTER_ADDR"], sees["MASTER_PORT"]) == ("127.0.0.1", "5000")
    assert (sees["JAX_COORDINATOR_ADDRESS"], sees["JAX_NUM_PROCESSES"], sees["JAX_PROCESS_ID"]) == ("127.0.0.1:5000", "3", "1")
    config = json.loads(sees["TF_CONFIG"])
    assert config["task"] == {"type": "worker", "index": 1}
    assert config["cluster"] == {"worker": ["127.0.0.1:5001", "127.0.0.1:5002", "127.0.0.1:5003"]}


def test_one_worker_is_no_cluster():
    """Given a job of one worker, TensorFlow is not told of a cluster, and Python starts without a hook."""
    assert not {"TF_CONFIG", "PYTHONPATH"} & set(seen())


def test_libraries_start_as_many_threads_as_there_are_cpus():
    """Given 2.5 CPUs, numeric libraries start two threads; given a tenth of one, one."""
    assert {seen(cpus=2.5)[name] for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "RAYON_NUM_THREADS")} == {"2"}
    assert seen(cpus=0.1)["OMP_NUM_THREADS"] == "1"


def test_what_the_user_asks_for_wins_over_ours_and_secrets_over_both():
    """Given a variable from the user and one from the stage, each replaces what stood there before."""
    sees = seen(environment={"OMP_NUM_THREADS": "4", "TOKEN": "public"}, given={"TOKEN": "secret"})
    assert (sees["OMP_NUM_THREADS"], sees["TOKEN"]) == ("4", "secret")


def test_a_gangs_hook_stands_before_the_users_own_paths():
    """Given a PYTHONPATH of the user's, a gang's worker searches our hook first and then all of theirs."""
    assert seen(workers=2, environment={"PYTHONPATH": "src:lib"})["PYTHONPATH"] == f"{HOOKS}:src:lib"


FAKE_JAX = """
class ClusterEnv:
    known = []
    def __init_subclass__(cls):
        ClusterEnv.known.append(cls)
"""


def test_jax_learns_of_the_gang_from_a_launcher_of_ours(tmp_path: Path):
    """Given JAX's list of launchers, a worker's Python enters ours, and runs the sitecustomize that it stands before."""
    package = tmp_path / "jax/_src"
    package.mkdir(parents=True)
    (package / "clusters.py").write_text(FAKE_JAX)
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.was_run = True")
    program = """
import sys
from jax._src.clusters import ClusterEnv
[launcher] = ClusterEnv.known
print(launcher.name, launcher.is_env_present())
print(launcher.get_coordinator_address(timeout_secs=1, override_coordinator_port=None),
      launcher.get_process_count(), launcher.get_process_id(), launcher.get_local_process_id(), sys.was_run)
"""
    environment = seen(1, workers=2, environment={"PYTHONPATH": f"{HOOKS}{os.pathsep}{tmp_path}"})
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("datahall True\n127.0.0.1:5000 2 1 None True\n", "")


def test_the_page_names_every_variable():
    """Given a gang's worker, `docs/frameworks.md` names all that we set; one of the thread limits stands for the others."""
    page = (Path(__file__).parents[3] / "docs/frameworks.md").read_text()
    ours = set(worker_words()) - set(THREADS[1:])
    assert sorted(name for name in ours if f"`{name}" not in page) == []


def worker_words() -> dict[str, str]:
    job = JobSpec(command=("python", "train.py"), workers=2)
    launch = Launch(7, 1, job, (Placement("n1"), Placement("n1")))
    return worker_environment(launch, 0, ports=[1, 2, 3], work=Path("/w"), state=Path("/s"))
