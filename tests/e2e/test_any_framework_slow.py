"""Keras, TensorFlow and JAX programs, in an environment of the user's own, as they are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.peers import foreign_python
from tests.e2e.shell import EXAMPLES, UserShell
from tests.e2e.test_examples import same_but_for_rounding

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROOM = ("--memory", "3 GiB")


@pytest.fixture(scope="module")
def python() -> str:
    return str(foreign_python())


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory, python: str) -> Iterator[UserShell]:
    with UserShell(tmp_path_factory.mktemp("foreign") / "home") as made:
        yield made


@pytest.fixture(scope="module")
def with_mnist(shell: UserShell, shared: Path) -> UserShell:
    shell.run("data", "keras-mnist", str(shared / "data/mnist"))
    return shell


def accuracy_in(log: str) -> float:
    found = re.findall(r"test accuracy: (\d\.\d+)", log)
    assert found, log[-3000:]
    return float(found[-1])


@pytest.mark.shared
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_the_keras_program_runs_as_it_is(with_mnist: UserShell, python: str, backend: str):
    """Given MNIST stored for Keras, the plain Keras program learns it offline and shows in the list of runs."""
    offline = ("--env", "https_proxy=http://127.0.0.1:9")  # nothing listens there: a download would fail
    words = (*ROOM, "--name", f"keras-{backend}", "--env", f"KERAS_BACKEND={backend}", *offline)
    ended = with_mnist.submit(*words, "--", python, "train.py", folder=EXAMPLES / "keras_mnist", limit_s=600)
    assert ended.code == 0, ended.log[-3000:] + ended.said
    assert accuracy_in(ended.log) > 0.96
    assert "Downloading" not in ended.log
    [run] = with_mnist.runs_of(ended.number)
    assert (run["name"], run["status"]) == (f"keras-{backend}", "FINISHED")
    assert run["tags"]["datahall.command"] == f"{python} train.py"
    assert run["ended_s"] - run["started_s"] > 1


AUTOLOG = """
import keras, mlflow, numpy
mlflow.keras.autolog() if hasattr(mlflow, "keras") else mlflow.tensorflow.autolog()
x = numpy.random.default_rng(0).normal(size=(256, 4)).astype("float32")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
model.fit(x, x.sum(1), epochs=3, verbose=0)
"""


def test_what_autologging_writes_shows(shell: UserShell, python: str, tmp_path: Path):
    """Given a script that only turns MLflow's autologging on, in a Python with an MLflow of its own, its losses show."""
    (tmp_path / "auto.py").write_text(AUTOLOG)
    ended = shell.submit(*ROOM, "--", python, "auto.py", folder=tmp_path, limit_s=300)
    assert ended.code == 0, ended.log[-3000:] + ended.said
    [run] = shell.runs_of(ended.number)
    assert run["status"] == "FINISHED"
    assert "loss" in run["metrics"]
    assert run["params"]["epochs"] == "3"


@pytest.mark.shared
def test_jax_learns_mnist(shell: UserShell, python: str, shared: Path):
    """Given MNIST's files by an absolute path, the JAX program learns it."""
    ended = shell.submit(
        *ROOM, "--", python, "train.py", str(shared / "data/mnist"), folder=EXAMPLES / "jax_mnist", limit_s=300
    )
    assert ended.code == 0, ended.log[-3000:] + ended.said
    assert accuracy_in(ended.log) > 0.965


def test_two_jax_processes_find_each_other(shell: UserShell, python: str):
    """Given `jax.distributed.initialize()` without arguments, two workers see each other's devices and agree."""
    ended = shell.submit("--workers", "2", *ROOM, "--", python, "train.py", folder=EXAMPLES / "jax_two", limit_s=300)
    assert ended.code == 0, ended.log[-3000:] + ended.said
    recorded = (EXAMPLES / "jax_two/train.out").read_text()
    assert same_but_for_rounding(ended.log.splitlines(keepends=True)[-1], recorded), ended.log
    other = shell.run("logs", "--worker", "1", str(ended.number))
    assert "process 1 of 2: 1 of 2 devices, rule found: True" in other


TWO_KERAS = """
import json, os
import numpy, tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
x = tf.data.Dataset.from_tensor_slices(numpy.ones((64, 4), "float32"))
with strategy.scope():
    total = strategy.reduce("SUM", strategy.run(lambda: tf.constant(1.0)), axis=None)
index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
print("replicas", strategy.num_replicas_in_sync, "sum", float(total), "index", index)
"""


def test_two_tensorflow_workers_find_each_other(shell: UserShell, python: str, tmp_path: Path):
    """Given MultiWorkerMirroredStrategy, two workers form one cluster through TF_CONFIG."""
    (tmp_path / "two.py").write_text(TWO_KERAS)
    ended = shell.submit("--workers", "2", *ROOM, "--", python, "two.py", folder=tmp_path, limit_s=300)
    assert ended.code == 0, ended.log[-3000:] + ended.said
    assert "replicas 2 sum 2.0 index 0" in ended.log


def test_a_notebook_runs_in_the_python_before_it(shell: UserShell, python: str, tmp_path: Path):
    """Given a Python of the user's own before the notebook, its kernel is that one."""
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "import keras, sys; print('in', sys.prefix)"}
    cells = [cell | {"outputs": [], "execution_count": None}]
    (tmp_path / "n.ipynb").write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))
    ended = shell.submit(*ROOM, "--", python, "n.ipynb", folder=tmp_path, limit_s=300)
    assert ended.code == 0, ended.log[-3000:] + ended.said
    assert f"in {Path(python).parents[1]}" in ended.log
