from pathlib import Path

import pytest

from datahall.infrastructure.limits import Limits, affinity_cpus, cgroup_delegation, cgroup_limits


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


V2 = {"proc/mounts": "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "proc/self/cgroup": "0::/user/app\n"}
V1 = {
    "proc/mounts": "cgroup /cg/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\ncgroup /cg/memory cgroup rw,memory 0 0\n",
    "proc/self/cgroup": "4:memory:/docker/1\n3:cpu,cpuacct:/docker/1\n",
}


def test_the_tightest_limit_on_the_way_up_counts(tmp_path: Path) -> None:
    """Given version 2 with 3 CPUs on the parent, none on ours, and 1 GiB on ours, both limits are found."""
    root = tree(
        tmp_path,
        V2
        | {
            "sys/fs/cgroup/user/app/cpu.max": "max 100000",
            "sys/fs/cgroup/user/cpu.max": "300000 100000",
            "sys/fs/cgroup/user/app/memory.max": "1073741824",
            "sys/fs/cgroup/user/memory.max": "max",
        },
    )
    assert cgroup_limits(root) == Limits(cpus=3.0, memory_bytes=2**30)


def test_version_1_inside_a_container(tmp_path: Path) -> None:
    """Given version 1 whose path is not visible inside the container, the mount's own files are read."""
    root = tree(
        tmp_path,
        V1
        | {
            "cg/cpu,cpuacct/cpu.cfs_quota_us": "150000",
            "cg/cpu,cpuacct/cpu.cfs_period_us": "100000",
            "cg/memory/memory.limit_in_bytes": "536870912",
        },
    )
    assert cgroup_limits(root) == Limits(cpus=1.5, memory_bytes=2**29)


def test_no_limit_is_none(tmp_path: Path) -> None:
    """Given the ways in which the kernel says `no limit`, or no cgroup at all, there is none."""
    assert cgroup_limits(tmp_path) == Limits(None, None)
    root = tree(
        tmp_path,
        V1
        | {
            "cg/cpu,cpuacct/cpu.cfs_quota_us": "-1",
            "cg/cpu,cpuacct/cpu.cfs_period_us": "100000",
            "cg/memory/memory.limit_in_bytes": "9223372036854771712",
        },
    )
    assert cgroup_limits(root) == Limits(None, None)


def test_affinity_is_at_least_one() -> None:
    """Given this process, it may run somewhere."""
    assert affinity_cpus() >= 1


def test_a_delegated_cgroup_is_found(tmp_path: Path) -> None:
    """Given a cgroup with the needed controllers that we may write, limits can be set below it."""
    own = "sys/fs/cgroup/user/app/"
    root = tree(
        tmp_path,
        V2 | {f"{own}cgroup.controllers": "cpu io memory pids", f"{own}cgroup.procs": "", f"{own}cgroup.subtree_control": ""},
    )
    assert cgroup_delegation(root).folder == tmp_path / own.rstrip("/")


@pytest.mark.parametrize(
    ("files", "reason"),
    [({}, "no cgroup v2"), (V1, "no cgroup v2"), (V2 | {"sys/fs/cgroup/x": ""}, "lacks the controllers cpu, memory")],
)
def test_why_there_is_no_delegation(tmp_path: Path, files: dict[str, str], reason: str) -> None:
    """Given no version 2, or one without its controllers, the reason is said."""
    delegation = cgroup_delegation(tree(tmp_path, files))
    assert delegation.folder is None and reason in delegation.reason


def test_a_cgroup_of_another_user_is_not_ours(tmp_path: Path) -> None:
    """Given a cgroup whose control file is missing (as good as unwritable, also to root), it is not taken."""
    root = tree(tmp_path, V2 | {"sys/fs/cgroup/user/app/cgroup.controllers": "cpu memory pids"})
    assert "belongs to another user" in cgroup_delegation(root).reason
