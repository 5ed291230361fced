"""Users' unchanged programs run as jobs: gangs, notebooks, MLflow, and what goes wrong with them."""

import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.shell import EXAMPLES, UserShell, eventually


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserShell]:
    with UserShell(tmp_path_factory.mktemp("frameworks") / "home") as made:
        yield made


# --- PyTorch --------------------------------------------------------------------------------------------------


def test_a_gang_goes_on_where_it_was_killed(shell: UserShell, tmp_path: Path):
    """Given two torch workers, one of them killed, the job starts again, goes on from its checkpoint, and both agree."""
    shutil.copy(EXAMPLES / "torch_ddp/train.py", tmp_path)
    job = "command: [python, train.py, --epochs, '150']\nworkers: 2\nretries: 2\nbackoff: 0 s\n"
    (tmp_path / "job.yaml").write_text(job)
    number = json.loads(shell.run("submit", "--json", "-f", "job.yaml", folder=tmp_path))["id"]
    folder = shell.home / "jobs" / str(number)
    assert eventually((folder / "state/checkpoint.pt").exists, patience_s=60)
    os.kill(json.loads((folder / "attempts/1/1/started.json").read_text())["worker"], signal.SIGKILL)
    shell.run("logs", "-f", str(number))
    found = shell.json("job", str(number))
    assert (found["state"], found["attempt"]) == ("succeeded", 2), found
    assert "killed by SIGKILL" in found["attempts"][0]["detail"]
    for worker in (0, 1):
        log = shell.run("logs", "--worker", str(worker), str(number))
        assert f"worker {worker} of 2 goes on at epoch" in log
        assert log.endswith("weights as the first worker's: True\n")


# --- notebooks ------------------------------------------------------------------------------------------------


def notebook(path: Path, *sources: str, kernel: str = "python3") -> None:
    cells = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        for n, source in enumerate(sources)
    ]
    metadata = {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}))


def test_a_notebook_runs_with_its_parameters_and_is_kept(shell: UserShell, tmp_path: Path):
    """Given a notebook and `-p`, the value is the one given, the log has the output, and the executed notebook is kept."""
    ended = shell.submit("--", "digits.ipynb", "-p", "max_iter", "321", folder=EXAMPLES / "notebook")
    assert ended.code == 0, ended.log + ended.said
    assert "accuracy: 0.9" in ended.log
    key = shell.json("job", str(ended.number))["spec"]["output_key"]
    shell.run("artifacts", "get", f"key:{key}", str(tmp_path / "results"))
    executed = json.loads((tmp_path / "results/digits.ipynb").read_text())
    sources = ["".join(cell["source"]) for cell in executed["cells"]]
    assert any("max_iter = 321" in source for source in sources)
    assert any("accuracy: 0.9" in json.dumps(cell.get("outputs")) for cell in executed["cells"])


def test_an_error_in_a_cell_fails_the_job(shell: UserShell, tmp_path: Path):
    """Given a cell that raises, written with a kernel of another machine, our Python runs it and its error is in the log."""
    notebook(tmp_path / "n.ipynb", "import sys; print('runs on', sys.prefix)", "1 / 0", kernel="conda-env-mine-py")
    ended = shell.submit("n.ipynb", folder=tmp_path)
    assert ended.code == 1
    assert f"runs on {sys.prefix}" in ended.log
    assert "ZeroDivisionError: division by zero" in ended.log
    assert (shell.home / "jobs" / str(ended.number) / "work/outputs/n.ipynb").exists()


def test_the_kernel_is_ours_where_none_is_installed():
    """Given no kernelspec anywhere, `python3` is still the Python that asks."""
    from jupyter_client.kernelspec import KernelSpecManager

    spec = KernelSpecManager(kernel_dirs=[]).get_kernel_spec("python3")
    assert spec.argv[:3] == [sys.executable, "-m", "ipykernel_launcher"]


# --- MLflow ---------------------------------------------------------------------------------------------------


def test_what_a_script_logs_shows_in_its_tenants_runs(shell: UserShell):
    """Given a script that logs to MLflow for a tenant, its run is there with parameters and scores, and for no other tenant."""
    shell.run("tenant", "add", "vision")
    ended = shell.submit("--tenant", "vision", "--", "python", "train.py", folder=EXAMPLES / "mlflow_sklearn")
    assert ended.code == 0, ended.log + ended.said
    [run] = shell.runs_of(ended.number)
    assert (run["tenant"], run["experiment"], run["name"], run["status"]) == ("vision", "digits", "logistic", "FINISHED")
    assert run["params"] == {"split": "0.25"}
    assert run["metrics"]["accuracy"] > 0.9
    [text] = (shell.home / "mlflow-artifacts").rglob("predictions.txt")
    assert len(text.read_text().split()) == 450
    others = token_of(shell, "default")
    assert shell.runs_of(ended.number, patience_s=0, DATAHALL_TOKEN=others) == []


def token_of(shell: UserShell, tenant: str) -> str:
    return shell.run("token", "make", f"viewer-{tenant}", "--tenant", tenant, "--role", "viewer").split()[-1]


def test_a_script_that_logs_nothing_shows_too(shell: UserShell, tmp_path: Path):
    """Given a script without MLflow, the list of runs has its name, state, duration and command."""
    (tmp_path / "plain.py").write_text("import time; time.sleep(0.5); print('done')")
    ended = shell.submit("--name", "mine", "--", "python", "plain.py", folder=tmp_path)
    [run] = shell.runs_of(ended.number)
    assert (run["name"], run["status"], run["tenant"]) == ("mine", "FINISHED", "default")
    assert 0.5 <= run["ended_s"] - run["started_s"] < 20
    assert run["tags"]["datahall.command"] == f"{sys.executable} plain.py"
    shown = next(line for line in shell.run("runs").splitlines() if "mine" in line)
    assert "plain.py" in shown


# --- what goes wrong ------------------------------------------------------------------------------------------


def test_an_import_error_is_in_the_log(shell: UserShell, tmp_path: Path):
    """Given a script that imports what is not there, the log says so, and the command ends with 1."""
    (tmp_path / "train.py").write_text("import no_such_module")
    ended = shell.submit("--", "python", "train.py", folder=tmp_path)
    assert ended.code == 1
    assert "ModuleNotFoundError: No module named 'no_such_module'" in ended.log
    assert "ended with code 1" in ended.said


def test_an_interpreter_that_is_not_there_is_named(shell: UserShell, tmp_path: Path):
    """Given a path to no Python, the job fails at its start and says which."""
    (tmp_path / "train.py").touch()
    ended = shell.submit("--", "/no/such/python", "train.py", folder=tmp_path)
    assert ended.code == 1
    assert "could not be started: /no/such/python: No such file or directory" in ended.said


def test_a_misspelt_script_is_never_queued(shell: UserShell, tmp_path: Path):
    """Given a name that is not there, the command is refused with the nearest one."""
    (tmp_path / "train.py").touch()
    ended = shell.submit("--", "python", "trian.py", folder=tmp_path)
    assert (ended.number, ended.code) == (0, 2)
    assert "Did you mean `train.py`?" in ended.said


GREEDY = """
import os, threadpoolctl, numpy
print("threads", {info["num_threads"] for info in threadpoolctl.threadpool_info()})
print("cores", len(os.sched_getaffinity(0)))
with threadpoolctl.threadpool_limits(8):
    a = numpy.ones((600, 600)); a @ a
print("cores", len(os.sched_getaffinity(0)))
"""


def test_a_library_gets_no_more_threads_than_cpus(shell: UserShell, tmp_path: Path):
    """Given one CPU, a library starts one thread; when its script asks for eight, they share that one CPU."""
    (tmp_path / "greedy.py").write_text(GREEDY)
    ended = shell.submit("--cpus", "1", "--", "python", "greedy.py", folder=tmp_path)
    assert ended.log.splitlines() == ["threads {1}", "cores 1", "cores 1"], ended.log


DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("pid", "w").write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
while not os.path.exists("pid") or not open("pid").read():
    time.sleep(0.01)
print("the script itself is done")
"""


def test_a_daemon_ends_with_its_job(shell: UserShell, tmp_path: Path):
    """Given a script that leaves a daemon behind, the job succeeds when the script ends, and the daemon is gone."""
    (tmp_path / "daemon.py").write_text(DAEMON)
    ended = shell.submit("--", "python", "daemon.py", folder=tmp_path)
    assert (ended.code, ended.log) == (0, "the script itself is done\n")
    left = int((shell.home / "jobs" / str(ended.number) / "work/pid").read_text())
    with contextlib.suppress(ProcessLookupError):
        os.kill(left, 0)
        pytest.fail(f"process {left} still runs")
