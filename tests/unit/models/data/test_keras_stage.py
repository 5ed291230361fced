"""Jobs find MNIST where Keras looks for it, once their tenant has stored it."""

from pathlib import Path

import pytest
from tests.conftest import Parts

from datahall.foundation.errors import Unavailable
from datahall.models.data.keras_stage import KEY, KerasStage, keras_words
from datahall.platform.home import Home
from datahall.platform.identity import DEFAULT_TENANT
from datahall.platform.spec import JobSpec

SPEC = JobSpec(command=("python", "train.py"))


@pytest.fixture
def stored(tmp_path: Path, parts: Parts) -> KerasStage:
    """A stage on a platform whose default tenant has stored some stand-in for MNIST."""
    folder = tmp_path / "stored"
    for name, text in {"keras/datasets/mnist.npz": "digits", "hook/sitecustomize.py": ""}.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(text)
    tree = parts.catalogue.artifacts.put_tree(folder)
    parts.catalogue.add(DEFAULT_TENANT, KEY, tree, by="test", lineage={})
    return KerasStage(parts.stage, parts.catalogue)


def laid_out(stage: KerasStage, home: Home, spec: JobSpec = SPEC) -> Path:
    work = home.jobs / "1" / "work"
    work.mkdir(parents=True, exist_ok=True)
    stage.prepare(spec, work)
    return work


def test_the_jobs_own_keras_home_holds_mnist(stored: KerasStage, home: Home):
    """Given MNIST of the tenant's, a job's Keras home has the file, its Python the hook, twice over the same."""
    for _ in range(2):
        work = laid_out(stored, home)
        assert (work / ".keras/datasets/mnist.npz").read_text() == "digits"
        assert (work / ".keras/hook/sitecustomize.py").exists()
    assert stored.environment(SPEC, work) == {"PYTHONPATH": f"{work}/.keras/hook", "KERAS_HOME": f"{work}/.keras"}


def test_another_tenant_sees_nothing_of_it(stored: KerasStage, home: Home):
    """Given MNIST of the default tenant, a job of another one is left as it is; so is a step of a recipe."""
    for changed in ({"tenant": "other"}, {"annotations": {"step": "train"}}, {"service": True}):
        spec = SPEC.model_copy(update=changed)
        assert not (laid_out(stored, home, spec) / ".keras").exists()
        assert stored.environment(spec, home.jobs) == {}


def test_a_file_that_the_job_brought_stays(stored: KerasStage, home: Home):
    """Given a source with an mnist.npz of its own, that one is used."""
    own = home.jobs / "1/work/.keras/datasets/mnist.npz"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    assert (laid_out(stored, home) / ".keras/datasets/mnist.npz").read_text() == "mine"


def test_a_damaged_copy_is_not_handed_out(stored: KerasStage, home: Home, parts: Parts):
    """Given a stored file that rotted, the job is not started on it."""
    [tree] = [row["digest"] for row in parts.catalogue.page(DEFAULT_TENANT)]
    digest = str(parts.catalogue.artifacts.tree_files(tree)["keras/datasets/mnist.npz"]["digest"])
    path = parts.catalogue.artifacts.path_of(digest)
    path.chmod(0o600)
    path.write_text("digit5")
    with pytest.raises(Unavailable, match="ART-003"):
        laid_out(stored, home)


def test_what_the_user_set_stays():
    """Given a Keras home or a home of the user's own, it is kept; their PYTHONPATH follows the hook."""
    hook, work = "/w/.keras/hook", Path("/w")
    assert keras_words({"KERAS_HOME": "/k", "PYTHONPATH": "src"}, work) == {"PYTHONPATH": f"{hook}:src"}
    assert keras_words({"HOME": "/root"}, work) == {"PYTHONPATH": hook}
