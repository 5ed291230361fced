"""A batch script of Slurm as a job: its sizes, what is left out and said, and what its program sees when it runs here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from datahall.foundation.errors import Refused
from datahall.platform.exporters.sbatch import sbatch
from datahall.platform.exporters.spec import Export
from datahall.platform.importers.sbatch import Imported, from_sbatch
from datahall.platform.importers.sbatch_options import AMOUNTS, LEFT, LONG, REFUSED, SHORT
from datahall.platform.spec import JobSpec

TYPICAL = """\
#!/bin/bash -l
#SBATCH --job-name=train_gpt   # what squeue shows
#SBATCH -N 2 --ntasks-per-node=4
#SBATCH -c8
#SBATCH --mem=64G
#SBATCH --gres=gpu:h100:4
#SBATCH --time=1-12:30:00
#SBATCH -A physics
#SBATCH --output=%x-%j.out
#SBATCH --mail-typ=END
#SBATCH --frobnicate=3

export MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
#SBATCH --nodes=99
srun --cpu-bind=none -n 8 --exclusive python train.py --lr 1e-3
"""


def read(*lines: str) -> Imported:
    return from_sbatch("\n".join(["#!/bin/bash", *lines, "true"]), source="job.sh")


def refused(*lines: str) -> list[str]:
    with pytest.raises(Refused) as caught:
        read(*lines)
    return [f"{problem.code} {problem.where}" for problem in caught.value.problems]


def test_a_typical_script_becomes_a_job():
    """Given two nodes with four tasks each, sizes of nodes are shared among a node's workers."""
    found = from_sbatch(TYPICAL, source="train.sh").spec
    assert (found.name, found.tenant, found.workers, found.cpus) == ("train_gpt", "physics", 8, 8)
    assert (found.memory, found.accelerators, found.time_limit) == (16 * 2**30, 1, 131_400)
    assert found.command == ("bash", "-l", "slurm.sh")


def test_what_is_not_taken_over_is_told():
    """Given options without a counterpart, and one that Slurm does not know either, each is named with what to do."""
    notes = from_sbatch(TYPICAL, source="train.sh").notes
    assert [note.partition(" ")[0] for note in notes] == [
        "--output=%x-%j.out",
        "--mail-type=END",
        "--frobnicate=3",
        "--nodes=2:",
    ]
    assert "datahall logs" in notes[0] and "is not known" in notes[2]


def test_every_option_that_is_known_has_its_rule():
    """Given the letters of options, each names one with a rule, and no option has two."""
    assert set(SHORT.values()) <= LONG
    assert not AMOUNTS & set(LEFT) and not AMOUNTS & set(REFUSED) and not set(LEFT) & set(REFUSED)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 5400),
        ("2:30", 150),
        ("1:00:05", 3605),
        ("2-3", 183_600),
        ("1-0:30", 88_200),
        ("0-00:00:10", 10),
        ("UNLIMITED", None),
    ],
)
def test_durations_are_read_as_slurm_does(text: str, seconds: float | None):
    """Given one of Slurm's six forms, it is so many seconds."""
    assert read(f"#SBATCH --time={text}").spec.time_limit == seconds


@pytest.mark.parametrize(
    ("lines", "workers", "memory", "accelerators"),
    [
        (("#SBATCH -n 6 --mem-per-cpu=500", "#SBATCH --cpus-per-task 2"), 6, 1000 * 2**20, 0),
        (("#SBATCH --nodes=2-4",), 2, 2**30, 0),
        (("#SBATCH -n4 -G 8",), 4, 2**30, 2),
        (("#SBATCH --gpus-per-node=a100:2 --ntasks-per-node=2 -N3",), 6, 2**30, 1),
        (("#SBATCH --gpus-per-task=h100",), 1, 2**30, 1),
        (("#SBATCH --gres=shard:2,gpu:2",), 1, 2**30, 2),
        (("#SBATCH --mem=100K -n 3",), 3, 34_134, 0),
        (("#SBATCH -n2", "#SBATCH --ntasks=5"), 5, 2**30, 0),
    ],
)
def test_sizes_are_those_of_a_worker(lines: tuple[str, ...], workers: int, memory: int, accelerators: int):
    """Given sizes of tasks, nodes, CPUs or the whole job, each worker's are so many; of two lines the later counts."""
    found = read(*lines).spec
    assert (found.workers, found.memory, found.accelerators) == (workers, memory, accelerators)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("#SBATCH --array=0-9", "IMPORT-002 job.sh:2"),
        ("#SBATCH --time=soon", "IMPORT-003 job.sh:2"),
        ("#SBATCH --ntasks=0", "IMPORT-003 job.sh:2"),
        ("#SBATCH --mem=lots", "IMPORT-003 job.sh:2"),
        ("#SBATCH --gres=gpu:a:2,gpu:b:2", "IMPORT-003 job.sh:2"),
        ("#SBATCH -n 3 --gpus=4", "IMPORT-004 job.sh:2"),
        ("#SBATCH --job-name='x", "IMPORT-001 job.sh:2"),
        ("#SBATCH nodes=2", "IMPORT-001 job.sh:2"),
        ("#SBATCH --nice=low", "IMPORT-003 job.sh:2"),
    ],
)
def test_what_a_job_cannot_be_is_refused_at_its_line(line: str, told: str):
    """Given an array, or a value that is none, the line is named."""
    assert refused(line) == [told]


@pytest.mark.parametrize("text", ["", "name: train\n", "#SBATCH -n 2\n"])
def test_what_is_no_script_is_refused(text: str):
    """Given a file that does not begin with a program to run it, it is refused, as Slurm does."""
    with pytest.raises(Refused, match=r"job\.sh:1: IMPORT-005"):
        from_sbatch(text, source="job.sh")


def test_everything_wrong_is_told_at_once():
    """Given three bad lines, all three come in one answer."""
    assert refused("#SBATCH -a 1-3", "#SBATCH -t x", "#SBATCH -n x") == [
        "IMPORT-002 job.sh:2", "IMPORT-003 job.sh:4", "IMPORT-003 job.sh:3",
    ]  # fmt: skip


def test_its_program_runs_here_once_for_each_worker(tmp_path: Path):
    """Given the typical script, `srun` starts its command once, with the rank that Datahall gives and the master it names."""
    program = "import json, os, sys; print(json.dumps([sys.argv[1:], os.environ['SLURM_PROCID'], os.environ['MASTER_ADDR']]))"
    (tmp_path / "train.py").write_text(program)
    spec = from_sbatch(TYPICAL.replace("python", sys.executable), source="train.sh").spec
    (tmp_path / "slurm.sh").write_text(spec.files["slurm.sh"])
    told = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "DATAHALL_JOB": "3", "MASTER_ADDR": "127.0.0.1"}
    said = subprocess.run(
        ["bash", *spec.command[2:]],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], **told},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(said.stdout) == [["--lr", "1e-3"], "5", "127.0.0.1"]


@pytest.mark.parametrize("words", ["srun --mpi", "srun -n", "srun -n2 -- true", "srun --pty -N 1 true", "srun"])
def test_srun_ends_whatever_its_options(tmp_path: Path, words: str):
    """Given options with and without values, even cut off, the line ends."""
    (tmp_path / "x.sh").write_text(read(words).spec.files["slurm.sh"])
    told = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "DATAHALL_JOB": "3", "MASTER_ADDR": "127.0.0.1"}
    subprocess.run(["bash", tmp_path / "x.sh"], env={"PATH": os.environ["PATH"], **told}, timeout=10, check=True)


def test_a_script_in_python_is_run_by_python():
    """Given a first line that names Python, the script goes along as it is."""
    text = "#!/usr/bin/env python3\n#SBATCH -n 2\nprint(1)\n"
    found = from_sbatch(text, source="x.py").spec
    assert (found.command, found.files["slurm.sh"], found.workers) == (("/usr/bin/env", "python3", "slurm.sh"), text, 2)


def test_what_we_write_we_read():
    """Given a job that was exported, its sizes come back, memory rounded up to whole MiB of each CPU."""
    job = JobSpec(
        name="a.b-1", command=("true",), workers=5, cpus=3, memory=3 * 2**30, accelerators=2, tenant="lab", priority=-4
    )
    found = from_sbatch(sbatch(Export(job)), source="x.sh").spec
    kept = {"name", "workers", "cpus", "memory", "accelerators", "tenant", "priority"}
    assert found.model_dump(include=kept) == job.model_dump(include=kept)
