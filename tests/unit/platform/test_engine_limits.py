"""Which way of holding limits a machine offers, on a cgroup tree made of plain files."""

import os
from pathlib import Path

import pytest

from datahall.platform.engines.limits import Cgroup, Watchdog, detect
from datahall.platform.resources import Resources


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A cgroup v2 mount with a delegated group `/user/app` in it, and our own line in /proc/self/cgroup."""
    group = tmp_path / "cgroup" / "user" / "app"
    group.mkdir(parents=True)
    (tmp_path / "cgroup" / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    (tmp_path / "self").write_text("1:name=systemd:/x\n0::/user/app\n")
    return tmp_path


def found(tree: Path) -> Cgroup | Watchdog:
    seen = detect(mount=tree / "cgroup", own=tree / "self")
    assert isinstance(seen, Cgroup | Watchdog)
    return seen


def test_a_delegated_group_is_divided(tree: Path):
    """Given a group that is ours, we move below it, hand cpu and memory on, and make the jobs' groups beside us."""
    seen = found(tree)
    group = tree / "cgroup" / "user" / "app"
    assert isinstance(seen, Cgroup)
    assert seen.root == group / "datahall"
    assert (group / "datahall-control" / "cgroup.procs").read_text() == str(os.getpid())
    assert (group / "cgroup.subtree_control").read_text() == "+cpu +memory"
    assert (group / "datahall" / "cgroup.subtree_control").read_text() == "+cpu +memory"
    assert "cgroup v2 under" in seen.describe()


def test_a_worker_gets_its_limits(tree: Path):
    """Given 1.5 CPUs and 64 MiB, the group's files say so, in the kernel's units; it is removed once it is empty."""
    seen = found(tree)
    path = seen.group("job-1-1-0", Resources(1500, 64 * 2**20))
    assert path is not None
    assert (Path(path) / "memory.max").read_text() == str(64 * 2**20)
    assert (Path(path) / "cpu.max").read_text() == "150000 100000"
    assert (Path(path) / "memory.swap.max").read_text() == "0"
    seen.release("job-1-1-0")  # the kernel's files go with the folder; these do not, and that is no error
    seen.release("job-never-made")


def test_a_sliver_of_a_cpu_is_rounded_up_to_what_the_kernel_takes(tree: Path):
    """Given a hundredth of a CPU and less, the quota is the kernel's smallest, 1 ms."""
    path = found(tree).group("job-1-1-0", Resources(1, 2**20))
    assert path is not None
    assert (Path(path) / "cpu.max").read_text() == "1000 100000"


@pytest.mark.parametrize(
    ("own", "controllers", "why"),
    [
        ("1:cpu:/x\n", "cpu memory", "cgroup v2 is not mounted here"),
        ("", "cpu memory", "cgroup v2 is not mounted here"),
        ("0::/user/app\n", "cpuset io pids", "the cgroup controllers cpu and memory are not available"),
        ("0::/user/app\n", "", "the cgroup controllers cpu and memory are not available"),
        ("0::/nowhere\n", "cpu memory", "no cgroup is delegated to this user: No such file or directory"),
    ],
)
def test_without_a_group_of_our_own_the_watchdog_says_why(tree: Path, own: str, controllers: str, why: str):
    """Given cgroup v1, missing controllers or a group that is not ours, the fallback is named with its reason."""
    (tree / "self").write_text(own)
    (tree / "cgroup" / "cgroup.controllers").write_text(controllers)
    seen = found(tree)
    assert seen == Watchdog(why)
    assert seen.describe() == f"CPU affinity, rlimits and a memory watchdog ({why})"
    assert seen.group("job-1-1-0", Resources(1000, 1)) is None


def test_without_any_cgroup_file_system_too(tmp_path: Path):
    """Given a machine without the files at all, as macOS, the answer is the watchdog."""
    assert isinstance(detect(mount=tmp_path / "no", own=tmp_path / "nor"), Watchdog)
