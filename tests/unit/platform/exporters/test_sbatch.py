"""A batch script of Slurm: its directives are ours alone, and what it starts is given exactly what the job says."""

import json
import re
from pathlib import Path

import pytest
from tests.unit.platform.exporters.conftest import Run
from tests.unit.platform.exporters.hostile import WORDS, hostile, recorded

from datahall.platform.engines.environment import worker_environment
from datahall.platform.events import Placement
from datahall.platform.exporters.sbatch import sbatch
from datahall.platform.exporters.spec import LOCAL_ONLY, RANKED, Export, Options, same_everywhere
from datahall.platform.ports import Launch
from datahall.platform.spec import JobSpec

JOB = JobSpec(command=("true",), workers=4)


def directives(text: str) -> dict[str, str]:
    """As Slurm finds them: lines that begin with #SBATCH, up to the first that is neither comment nor empty."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#SBATCH "):
            name, _, value = line.removeprefix("#SBATCH ").partition("=")
            found[name] = value
        elif line and not line.startswith("#"):
            break
    return found


def test_words_of_a_job_reach_the_program_and_nothing_else(run: Run, out: Path, tmp_path: Path):
    """Given words with quotes, newlines, substitutions and directives, each worker gets them to the letter, and nothing ran."""
    text = sbatch(Export(hostile(output_key="a'\n#SBATCH -N9")))
    said = run(text)
    assert said.returncode == 0, said.stderr
    for told in recorded(out):
        assert told["words"] == list(WORDS)
        assert [told["environment"][f"WORD_{n}"] for n in range(len(WORDS))] == list(WORDS)
    work = tmp_path / "work"
    assert [(work / f"in/{n}.txt").read_bytes().decode() for n in range(len(WORDS))] == list(WORDS)
    assert (work / "$(touch pwned) '\n#SBATCH -N9").read_text() == "text"
    assert not list(tmp_path.rglob("pwned"))


def test_no_word_of_a_job_becomes_a_directive():
    """Given directives inside words, those of the script are as for a job without them, and no line begins one elsewhere."""
    text, plain = sbatch(Export(hostile())), sbatch(Export(JOB.model_copy(update={"name": "big.job_1"})))
    assert directives(text) == directives(plain)
    assert len(re.findall(r"^\s*#\s*SBATCH", text, re.MULTILINE)) == len(directives(plain))


def test_workers_find_each_other_as_under_our_own_engine(run: Run, out: Path):
    """Given four workers on two nodes, three and one, each is told its rank, its node's ranks, and where the first one is."""
    assert run(sbatch(Export(hostile()))).returncode == 0
    told = [one["environment"] for one in recorded(out)]
    assert [one["RANK"] for one in told] == ["0", "1", "2", "3"]
    assert [one["LOCAL_RANK"] for one in told] == ["0", "1", "2", "0"]
    assert [one["LOCAL_WORLD_SIZE"] for one in told] == ["3", "3", "3", "1"]
    assert {(one["WORLD_SIZE"], one["MASTER_ADDR"], one["MASTER_PORT"]) for one in told} == {("4", "node-1", "15041")}
    cluster = json.loads(told[3]["TF_CONFIG"])
    assert cluster["cluster"]["worker"] == ["node-1:15042", "node-1:15043", "node-1:15044", "node-2:15042"]
    assert cluster["task"] == {"type": "worker", "index": 3}


def test_nodes_with_as_many_workers_each_are_counted(run: Run, out: Path):
    """Given Slurm's short form for equal nodes, 2(x2), every worker has one other beside it."""
    assert run(sbatch(Export(hostile())), TASKS="2(x2)").returncode == 0
    assert [one["environment"]["LOCAL_WORLD_SIZE"] for one in recorded(out)] == ["2", "2", "2", "2"]


def test_every_variable_of_our_own_engine_is_told_or_left_out_knowingly(run: Run, out: Path):
    """Given the variables that our engine sets, the script sets them all but those that mean nothing elsewhere."""
    job = hostile()
    launch = Launch(1, 1, job, tuple(Placement("n", ()) for _ in range(4)))
    ours = set(worker_environment(launch, 0, ports=[1, 2, 3, 4, 5], work=Path("/w"), state=Path("/s")))
    assert ours == (set(same_everywhere(job)) - set(job.environment)) | RANKED | LOCAL_ONLY
    assert run(sbatch(Export(job))).returncode == 0
    assert (ours - LOCAL_ONLY) <= set(recorded(out)[0]["environment"])


def test_sizes_are_told_in_units_of_slurm():
    """Given tenths of a CPU and bytes, CPUs are rounded up and the memory of a worker is spread over them."""
    job = JOB.model_copy(update={"cpus": 2.5, "memory": 10**9, "accelerators": 2})
    told = directives(sbatch(Export(job, Options(nodes=2, accelerator="h100", queue="gpu"))))
    assert (told["--ntasks"], told["--nodes"], told["--ntasks-per-node"]) == ("4", "2", "2")
    assert (told["--cpus-per-task"], told["--mem-per-cpu"], told["--gpus-per-task"]) == ("3", "318M", "h100:2")
    assert 3 * 318 * 2**20 >= 10**9 > 3 * 317 * 2**20
    assert told["--partition"] == "gpu"


@pytest.mark.parametrize(
    ("limit_s", "time", "signal"), [(3600, "0-01:02:00", 60), (0, "0-00:02:00", 60), (100_000.5, "1-03:49:00", 79)]
)
def test_a_time_limit_leaves_workers_time_to_end(limit_s: float, time: str, signal: int):
    """Given a limit, the signal comes no sooner than it, and at least 30 s are left afterwards."""
    told = directives(sbatch(Export(JOB.model_copy(update={"time_limit": limit_s}))))
    assert (told["--time"], told["--signal"]) == (time, f"TERM@{signal}")
    days, rest = time.split("-")
    hours, minutes, _ = map(int, rest.split(":"))
    whole_s = (int(days) * 24 + hours) * 3600 + minutes * 60
    assert whole_s - signal - 60 >= limit_s and signal >= 30


@pytest.mark.parametrize(("before", "again"), [("0", True), ("1", True), ("2", False)])
def test_a_failure_is_tried_again_as_often_as_asked(run: Run, out: Path, before: str, again: bool):
    """Given two retries, the job is put back into the queue twice, and its code is the command's."""
    job = JOB.model_copy(update={"command": ("bash", "-c", "exit 7"), "retries": 2})
    assert run(sbatch(Export(job)), SLURM_RESTART_COUNT=before).returncode == 7
    assert (out / "requeued").exists() == again


def test_a_secret_and_an_input_that_are_missing_are_asked_for_before_anything_starts(run: Run, tmp_path: Path, out: Path):
    """Given a secret that was not exported, or an input that was not fetched, the script ends with what to do."""
    text = sbatch(Export(hostile(secrets={"HUB": "hub"}, inputs={"data": "key:$(touch pwned)'x"}, environment={"HUB": "no"})))
    assert "export it before sbatch" in run(text).stderr
    assert "datahall artifacts get" in run(text, HUB="s3cret").stderr and not list(out.glob("*.json"))
    (tmp_path / "work/inputs/data").mkdir(parents=True)
    assert run(text, HUB="s3cret").returncode == 0
    assert recorded(out)[0]["environment"]["HUB"] == "s3cret" and "s3cret" not in text
    assert not list(tmp_path.rglob("pwned"))


def test_a_file_of_the_users_own_is_not_overwritten(run: Run, tmp_path: Path):
    """Given a file there that says something else, the job ends and the file is as it was."""
    (tmp_path / "work/a.txt").write_text("mine")
    said = run(sbatch(Export(JOB.model_copy(update={"files": {"a.txt": "theirs"}}))))
    assert said.returncode == 1 and "differs from the job's file" in said.stderr
    assert (tmp_path / "work/a.txt").read_text() == "mine"


def test_jobs_that_must_come_first_are_left_to_the_reader():
    """Given `needs`, whose numbers are ours and not Slurm's, the comment says which jobs to put in."""
    text = sbatch(Export(JOB.model_copy(update={"needs": (3, 4)})))
    assert "--dependency=afterok:<Slurm's number of job 3>:<Slurm's number of job 4> --kill-on-invalid-dep=yes" in text
    assert "--dependency" not in directives(text)
