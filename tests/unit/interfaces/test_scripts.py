"""A user's script or notebook becomes the command that runs it, or one clear problem."""

import json
import sys
from pathlib import Path

import pytest

from datahall.foundation.errors import Refused
from datahall.interfaces.scripts import check_script, names_module, runnable, with_outputs
from datahall.interfaces.submission import job_from_file, job_from_words
from datahall.platform.spec import JobSpec


@pytest.fixture(autouse=True)
def no_active_environment(monkeypatch: pytest.MonkeyPatch):
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)


def notebook(path: Path, **metadata: object) -> Path:
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": []}))
    return path


def test_python_is_the_one_that_runs_us(tmp_path: Path):
    """Given `python train.py` without an active environment, our own Python is meant; other programs stay."""
    assert runnable(["python", "train.py"], tmp_path) == [sys.executable, "train.py"]
    assert runnable(["/opt/py/bin/python", "train.py"], tmp_path) == ["/opt/py/bin/python", "train.py"]
    assert runnable(["sh", "-c", "true"], tmp_path) == ["sh", "-c", "true"]


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_an_active_environment_is_meant_by_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str):
    """Given an environment that is active in the shell, `python` is its Python, as it would be without Datahall."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    monkeypatch.setenv(variable, str(tmp_path))
    assert runnable(["python3", "train.py"], tmp_path)[0] == str(tmp_path / "bin/python")


def test_a_notebook_is_run_by_papermill(tmp_path: Path):
    """Given a Python notebook with parameters, papermill runs it into outputs/, on the kernel of the same Python."""
    notebook(tmp_path / "n.ipynb", kernelspec={"name": "my-old-env", "language": "python"})
    command = runnable(["n.ipynb", "-p", "lr", "0.1"], tmp_path)
    assert command[:3] == [sys.executable, "-m", "papermill"]
    assert command[-9:] == ["-k", "python3", "-l", "python", "n.ipynb", "outputs/n.ipynb", "-p", "lr", "0.1"]
    assert runnable(["/opt/py/bin/python", "n.ipynb"], tmp_path)[0] == "/opt/py/bin/python"


def test_a_notebook_of_another_language_keeps_its_kernel(tmp_path: Path):
    """Given an R notebook, the kernel that it names is left to papermill."""
    notebook(tmp_path / "n.ipynb", language_info={"name": "R"})
    assert "-k" not in runnable(["n.ipynb"], tmp_path)


@pytest.mark.parametrize(("text", "why"), [("{", "not JSON"), ("[]", "no list of cells"), ('{"cells": 1}', "no list of cells")])
def test_what_is_no_notebook_is_refused(tmp_path: Path, text: str, why: str):
    """Given a file that is not JSON, or JSON that is no notebook, the problem says which, before anything is queued."""
    (tmp_path / "n.ipynb").write_text(text)
    with pytest.raises(Refused, match=rf"n\.ipynb: CLI-016 is not a notebook, it .*{why}"):
        runnable(["n.ipynb"], tmp_path)


def test_a_notebooks_outputs_are_kept(tmp_path: Path):
    """Given a notebook, its job keeps what it leaves under a key of its own; a script's job keeps what its user says."""
    notebook(tmp_path / "n.ipynb")
    spec = job_from_words(["n.ipynb"], folder=tmp_path, name="", env=None, secret=None, needs=None)
    assert spec.name == "n"
    assert spec.output_key is not None
    assert spec.output_key.startswith("notebooks/n-")
    assert with_outputs(spec) == spec
    assert with_outputs(JobSpec(command=("python", "train.py"))).output_key is None


def test_a_job_file_is_read_the_same_way(tmp_path: Path):
    """Given a job file that names `python`, the same Python is meant as on the command line."""
    (tmp_path / "job.yaml").write_text("name: mine\ncommand: [python, train.py]\n")
    assert job_from_file(tmp_path / "job.yaml").command == (sys.executable, "train.py")


def test_a_missing_script_is_refused_with_the_nearest_name(tmp_path: Path):
    """Given `trian.py` where `train.py` lies, the problem asks for that one."""
    (tmp_path / "train.py").touch()
    with pytest.raises(Refused, match=r"trian\.py: CLI-015 is not in .*Did you mean `train\.py`\?$"):
        check_script(JobSpec(command=(sys.executable, "-u", "trian.py")), tmp_path, [])
    with pytest.raises(Refused, match=r"sub/n\.ipynb: CLI-015 is not in .*Submit from its folder"):
        check_script(JobSpec(command=("python", "-m", "papermill", "sub/n.ipynb", "outputs/n.ipynb")), tmp_path, [])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("python", "train.py"), {}),
        (("python", "lib/train.py"), {"brought": ["lib"]}),
        (("python", "made.py"), {"files": {"made.py": "pass"}}),
        (("python", "made.py"), {"source": "sha256:" + "0" * 64}),
        (("python", "/elsewhere/train.py"), {}),
        (("python", "-m", "gone.py"), {}),
        (("python", "-c", "print('x.py')"), {}),
        (("./tool", "gone.py"), {}),
    ],
)
def test_what_may_be_there_is_let_through(tmp_path: Path, command: tuple[str, ...], words: dict[str, object]):
    """Given a script that is there, comes with the job, or that only the worker can know about, nothing is refused."""
    (tmp_path / "train.py").touch()
    brought = words.pop("brought", [])
    check_script(JobSpec.model_validate({"command": command} | words), tmp_path, brought)


def test_a_module_of_the_folder_is_known(tmp_path: Path):
    """Given `python -m package.train`, the folder goes along when the package lies there, and not for an installed one."""
    (tmp_path / "package").mkdir()
    assert names_module(("python", "-u", "-m", "package.train", "--epochs", "3"), tmp_path)
    assert not names_module(("python", "-m", "torch.distributed.run"), tmp_path)
    assert not names_module(("python", "train.py"), tmp_path)
    assert not names_module(("tool", "-m", "package"), tmp_path)
