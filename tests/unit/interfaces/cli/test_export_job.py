"""`export job`, `import sbatch`: the file that is written, what is refused, and nothing overwritten."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.unit.interfaces.conftest import Said

from datahall.foundation import document
from datahall.platform.spec import JobSpec

Cli = Callable[..., Said]
JOB = "name: train\ncommand: [python, train.py]\nworkers: 2\nmemory: 2 GiB\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with one job file in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.yaml").write_text(JOB)
    return tmp_path


@pytest.mark.parametrize(
    ("to", "options", "seen"),
    [
        ("sbatch", ("--nodes", "2", "--queue", "gpu"), "#SBATCH --ntasks-per-node=1"),
        ("kueue", ("--queue", "q", "--image", "a:1"), "kind: RayJob"),
        ("kueue-job", ("--queue", "q", "--image", "a:1", "--cluster-queue", "c"), "clusterQueue: c"),
        ("skypilot", ("--nodes", "1"), "num_nodes: 1"),
    ],
)
def test_a_job_file_is_written_for_each_scheduler(cli: Cli, here: Path, to: str, options: tuple[str, ...], seen: str):
    """Given a job file and what the scheduler needs besides, its file goes to stdout, and `python` is not made ours."""
    said = cli("export", "job", "-f", "job.yaml", "--to", to, *options)
    assert said.code == 0 and seen in said.out, said.err
    assert "train.py" in said.out and ".venv/bin/python" not in said.out


def test_what_is_wrong_is_told_and_nothing_is_written(cli: Cli, here: Path):
    """Given Kueue without a queue and an image, both are named, with exit code 2."""
    said = cli("export", "job", "-f", "job.yaml", "--to", "kueue", "-o", "out.yaml")
    assert said.code == 2 and "--queue: EXPORT-011" in said.err and "--image: EXPORT-011" in said.err
    assert not (here / "out.yaml").exists()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--to", "slurm"), "REG-001"),
        (("--to", "sbatch", "--queue", "a\n#SBATCH -N9"), "SPEC-003"),
        (("--to", "sbatch", "--nodes", "0"), "SPEC"),
    ],
)
def test_options_that_are_none_are_refused(cli: Cli, here: Path, options: tuple[str, ...], code: str):
    """Given a scheduler that is none, or an option that would begin a line of its own, it is refused."""
    said = cli("export", "job", "-f", "job.yaml", *options)
    assert said.code == 2 and code in said.err and said.out == ""


@pytest.mark.parametrize("output", ["job.yaml", "there.sh"])
def test_nothing_is_overwritten_unasked(cli: Cli, here: Path, output: str):
    """Given a target that is read, or one that is there already, it stays as it was."""
    (here / "there.sh").write_text("mine")
    before = (here / output).read_text()
    assert cli("export", "job", "-f", "job.yaml", "--to", "sbatch", "-o", output).code != 0
    assert (here / output).read_text() == before


def test_a_script_comes_over_and_loads_as_a_job(cli: Cli, here: Path):
    """Given what was exported, the import writes a job file that loads, with what was left out as comments."""
    assert cli("export", "job", "-f", "job.yaml", "--to", "sbatch", "-o", "job.sh").code == 0
    said = cli("import", "sbatch", "job.sh", "-o", "back.yaml")
    assert said.code == 0 and "--requeue is left out" in said.err
    spec = document.load(here / "back.yaml", JobSpec)
    assert (spec.name, spec.workers, spec.memory) == ("train", 2, 2 * 2**30)
    text = (here / "back.yaml").read_text()
    assert (
        "datahall submit --include FOLDER" in text and "# --requeue is left out" in text and "\n    srun --ntasks=2" in text
    ), "a script is written as a block"
    assert yaml.safe_load(text)["files"]["slurm.sh"] == spec.files["slurm.sh"]


def test_what_is_no_script_is_refused(cli: Cli, here: Path):
    """Given a job file where a script is asked for, it is refused."""
    said = cli("import", "sbatch", "job.yaml")
    assert said.code == 2 and "job.yaml:1: IMPORT-005" in said.err
