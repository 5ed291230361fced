import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from datahall.platform.engines.environment import free_ports

ROOT = Path(__file__).parents[2]
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def tour(shared: Path | None) -> list[str]:
    """The README's commands, one by one, made to run unattended and beside a platform of the reader's own."""
    [port] = free_ports(1)
    blocks = SHELL.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    lines = [line for block in blocks for line in block.splitlines()]
    changes = {
        "make run": f"datahall quickstart --port {port}",
        "make test": "true",
        "8700": str(port),
        "up --detach": f"up --detach --port {port}",
        "uninstall --state": "uninstall --state --yes",
        "/path/to/shared": str(shared),
    }
    for old, new in changes.items():
        lines = [line.replace(old, new) for line in lines]
    return [line for line in lines if shared is not None or "DATAHALL_SHARED" not in line]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of somebody who has just installed it; what they started is stopped at the end."""
    program = shutil.which("datahall", path=str(Path(sys.executable).parent))
    assert program is not None
    path = f"{Path(program).parent}:{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(tmp_path), "DATAHALL_HOME": str(tmp_path / "hall"), "LANG": "C.UTF-8"}
    yield environment
    subprocess.run([program, "down"], env=environment, check=False, capture_output=True, timeout=90)


def answers(script: list[str], environment: dict[str, str]) -> list[str]:
    """What each command of the tour said, standard error included."""
    marked = [f"{line}\necho '<<<>>>'" for line in script]
    done = subprocess.run(
        ["bash", "-c", "exec 2>&1\n" + "\n".join(marked)],
        cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True, timeout=600,
    )  # fmt: skip
    return done.stdout.split("<<<>>>\n")


@pytest.mark.slow
def test_the_tour_goes_as_it_is_told(reader: dict[str, str]):
    """Given every command of the README, run in its order, each says what the README shows; nothing is left behind."""
    named = Path(os.environ.get("DATAHALL_SHARED", ROOT.parent / "shared"))
    script = tour(named if (named / "data" / "mnist").is_dir() else None)
    said = dict(zip(script, answers(script, reader), strict=False))

    def of(words: str) -> str:
        return next(text for line, text in said.items() if words in line)

    assert float(re.findall(r"accuracy (0\.\d+)", of("quickstart"))[0]) >= 0.97
    assert "the served model says: " in of("quickstart") and "██" in of("quickstart")
    assert "job 7 (python) of default: succeeded" in of("datahall job 7")
    assert "JOB-010 64 asked for" in of("--cpus 64")
    assert '"outputs":[{"name":"probabilities"' in of('"shape": [1, 8, 8]')
    assert "400 Bad Request" in of('"shape": [1, 4, 4]') and "SERVE-007" in of('"shape": [1, 4, 4]')
    jobs = of("datahall jobs")  # the second time, after the kill: `said` keeps the last answer to equal commands
    assert re.search(r"^10\tlong\tdefault\t(running|succeeded)", jobs, re.MULTILINE), jobs
    if any("mnist" in line for line in script):
        assert float(re.findall(r"accuracy (0\.\d+)", of("mnist.yaml"))[0]) >= 0.98
    assert not Path(reader["DATAHALL_HOME"]).exists()
