"""Each example that needs no other environment runs as its README says, and prints what was recorded."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.shell import EXAMPLES, UserShell

NUMBER = re.compile(r"\d+\.\d+")
RUN_HERE = {
    "torch_ddp": ("--workers", "2", "--", "python", "train.py"),
    "mlflow_sklearn": ("--", "python", "train.py"),
}


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserShell]:
    with UserShell(tmp_path_factory.mktemp("examples") / "home") as made:
        yield made


def same_but_for_rounding(printed: str, recorded: str, *, within: float = 0.015) -> bool:
    """Fractions may differ a little between processors; everything else may not."""
    if NUMBER.sub("#", printed) != NUMBER.sub("#", recorded):
        return False
    pairs = zip(NUMBER.findall(printed), NUMBER.findall(recorded), strict=True)
    return all(abs(float(a) - float(b)) <= within for a, b in pairs)


@pytest.mark.parametrize("name", RUN_HERE)
def test_an_example_prints_what_was_recorded(shell: UserShell, name: str):
    """Given the example's folder, its job succeeds and the last lines of its log are the recorded ones."""
    ended = shell.submit(*RUN_HERE[name], folder=EXAMPLES / name)
    assert ended.code == 0, ended.log + ended.said
    recorded = (EXAMPLES / name / "train.out").read_text()
    printed = "".join(ended.log.splitlines(keepends=True)[-len(recorded.splitlines()) :])
    assert same_but_for_rounding(printed, recorded), printed


# What lies beside a file of the same name is that file's data.
JOBS = sorted(path for path in EXAMPLES.iterdir() if path.is_dir() and not path.with_suffix(".yaml").exists())


@pytest.mark.parametrize("folder", JOBS, ids=lambda path: path.name)
def test_every_example_says_how_it_is_run(folder: Path):
    """Given an example, its README shows the command, the page names it, and its programs import nothing of Datahall."""
    assert f"`examples/{folder.name}`" in (EXAMPLES.parent / "docs/frameworks.md").read_text()
    assert "datahall submit" in (folder / "README.md").read_text()
    for program in folder.glob("*.py"):
        text = program.read_text()
        assert "import datahall" not in text
        assert "from datahall" not in text
