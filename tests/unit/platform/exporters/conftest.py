"""A machine with two nodes of Slurm on it, as far as a batch script can tell."""

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

SRUN = """#!/bin/bash
while [[ $1 == -* ]]; do echo "$1" >> "$DATAHALL_TEST_OUT/srun"; shift; done
for ((rank = 0; rank < 4; rank++)); do
  SLURM_PROCID=$rank SLURM_LOCALID=$((rank < 3 ? rank : 0)) SLURM_NODEID=$((rank < 3 ? 0 : 1)) \\
    SLURM_STEP_TASKS_PER_NODE="${TASKS:-3,1}" "$@" || exit "$?"
done
"""
SCONTROL = """#!/bin/bash
case "$1 $2" in
  "show hostnames") [[ $3 == "node-[1-2]" ]] && printf 'node-1\\nnode-2\\n' ;;
  "requeue 41") echo again >> "$DATAHALL_TEST_OUT/requeued" ;;
esac
"""
SCRIPTS = {"srun": SRUN, "scontrol": SCONTROL}
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the program writes down what it was given."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def run(tmp_path: Path, out: Path) -> Run:
    """Runs a script in an empty folder, with our `srun` and `scontrol` in front of PATH."""
    tools, work = tmp_path / "tools", tmp_path / "work"
    for folder in (tools, work):
        folder.mkdir()
    for name, text in SCRIPTS.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)

    def run_script(text: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "script").write_text(text)
        base: Mapping[str, str] = {
            "PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path), "DATAHALL_TEST_OUT": str(out),
            "SLURM_JOB_ID": "41", "SLURM_JOB_NODELIST": "node-[1-2]",
        }  # fmt: skip
        return subprocess.run(
            ["bash", tmp_path / "script"], cwd=work, env={**base, **variables}, text=True, capture_output=True, check=False
        )

    return run_script
