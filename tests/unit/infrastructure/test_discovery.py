"""What a machine says about itself, and how it becomes a hall."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from datahall.foundation.document import as_spec, parse
from datahall.infrastructure import discovery
from datahall.infrastructure.catalog.rows import accelerator_rows, cpu_rows, row_for
from datahall.infrastructure.checks import problems_of_hall
from datahall.infrastructure.discovery import cpu_facts, discover, disk_facts, nic_facts, usable_part
from datahall.infrastructure.nvml import NoNvml, Nvml, open_nvml
from datahall.infrastructure.spec import Hall
from datahall.infrastructure.writer import hall_yaml

NO_NVML = NoNvml("none here")


def cpuinfo(root: Path, text: str) -> Path:
    (root / "proc").mkdir(exist_ok=True)
    (root / "proc/cpuinfo").write_text(text)
    return root


def thread(number: int, socket: int, core: int, model: str) -> str:
    return f"processor\t: {number}\nmodel name\t: {model}\nphysical id\t: {socket}\ncore id\t\t: {core}\nflags\t\t: fpu vme\n"


def test_this_machine_becomes_a_hall_without_problems() -> None:
    """Given this machine, its hall passes all checks, and its file loads back equal."""
    hall = discover()
    assert problems_of_hall(hall) == []
    assert hall.nodes[0].memory_bytes == psutil.virtual_memory().total
    assert hall.nodes[0].disks[0].mount == "/"
    assert as_spec(parse(hall_yaml(hall)), Hall) == hall


def test_a_small_machine_keeps_back_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given 256 MiB of memory, the reserve is an eighth of it, and the hall has no problems."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=256 * 1024**2))
    hall = discover(nvml=NO_NVML)
    assert hall.platform.reserved.memory_bytes == 32 * 1024**2 and problems_of_hall(hall) == []


def test_sockets_cores_and_threads_are_counted(tmp_path: Path) -> None:
    """Given two sockets of two cores with two threads each, and a model of the catalogue, its power and source are there."""
    model = "AMD EPYC 7763 64-Core Processor"
    threads = [
        thread(n, socket, core, model) for n, (socket, core) in enumerate((s, c) for _ in "ab" for s in (0, 1) for c in (0, 1))
    ]
    cpu = cpu_facts(cpuinfo(tmp_path, "\n".join(threads)))
    assert (cpu.sockets, cpu.cores, cpu.threads, cpu.tdp_w) == (2, 4, 8, 280)
    assert "EPYC 7763" in str(cpu.tdp_source) and "codecarbon" in str(cpu.tdp_source)


def test_an_arm_machine_without_model_name_or_sockets(tmp_path: Path) -> None:
    """Given a Raspberry Pi's cpuinfo, its model stands in the last block, and one socket is assumed."""
    text = "processor\t: 0\nBogoMIPS\t: 108.00\n\nprocessor\t: 1\nBogoMIPS\t: 108.00\n\nModel\t\t: Raspberry Pi 4 Model B\n"
    cpu = cpu_facts(cpuinfo(tmp_path, text))
    assert (cpu.model, cpu.sockets, cpu.threads, cpu.tdp_w) == ("Raspberry Pi 4 Model B", 1, 2, None)


def test_a_machine_without_proc(tmp_path: Path) -> None:
    """Given no /proc, as on macOS, psutil's counts are used."""
    cpu = cpu_facts(tmp_path)
    assert cpu.threads >= cpu.cores >= cpu.sockets == 1


def test_affinity_and_cgroup_limits_leave_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given two CPUs by affinity and 1.5 by cgroup, the tighter one counts; given no limits, the whole machine is usable."""
    cpu = cpu_facts(cpuinfo(tmp_path, "\n".join(thread(n, 0, n, "x") for n in range(4))))
    monkeypatch.setattr(discovery, "affinity_cpus", lambda: 2)
    usable = usable_part(cpu, 2**30, root=tmp_path)
    assert usable is not None and usable.cpus == 2
    monkeypatch.setattr(discovery, "cgroup_limits", lambda _root: SimpleNamespace(cpus=1.5, memory_bytes=2**20))
    usable = usable_part(cpu, 2**30, root=tmp_path)
    assert usable is not None and (usable.cpus, usable.memory_bytes) == (1.5, 2**20)
    monkeypatch.setattr(discovery, "affinity_cpus", lambda: 4)
    monkeypatch.setattr(discovery, "cgroup_limits", lambda _root: SimpleNamespace(cpus=None, memory_bytes=None))
    assert usable_part(cpu, 2**30, root=tmp_path) is None


def test_disks_are_told_once_for_each_device_with_their_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given an NVMe root, a spinning disk bound twice, NFS and a loop device, four kinds of answers come back."""
    for mount in ("data", "data/bound", "share"):
        (tmp_path / mount).mkdir()
    (tmp_path / "sys/block/sda/queue").mkdir(parents=True)
    (tmp_path / "sys/block/sda/queue/rotational").write_text("1\n")
    parts = [
        ("/", "/dev/nvme0n1p2", "ext4"),
        (f"{tmp_path}/data/bound", "/dev/sda1", "xfs"),
        (f"{tmp_path}/data", "/dev/sda1", "xfs"),
        (f"{tmp_path}/share", "server:/x", "nfs4"),
        ("/snap", "/dev/loop3", "squashfs"),
        ("/etc/hosts", "/dev/vdz", "ext4"),
    ]
    found = [SimpleNamespace(mountpoint=mount, device=device, fstype=kind) for mount, device, kind in parts]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: found)
    disks = disk_facts(tmp_path)
    assert [(disk.mount.removeprefix(str(tmp_path)), disk.kind) for disk in disks] == [
        ("/", "nvme"),
        ("/data", "hdd"),
        ("/share", "network"),
    ]


def test_a_container_without_partitions_still_has_its_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given no partition at all, as inside a container, the root is told."""
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: [])
    assert [(disk.mount, disk.kind) for disk in disk_facts(tmp_path)] == [("/", "unknown")]


def test_interfaces_that_are_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given loopback, a 25 Gbit/s port, a virtual one and one that is down, two are told, one with its speed."""
    stats = {
        "lo": SimpleNamespace(isup=True, speed=0, flags="up,loopback"),
        "eth0": SimpleNamespace(isup=True, speed=25_000, flags="up"),
        "veth": SimpleNamespace(isup=True, speed=0, flags="up"),
        "eth1": SimpleNamespace(isup=False, speed=1000, flags=""),
    }
    monkeypatch.setattr(psutil, "net_if_stats", lambda: stats)
    assert [(nic.name, nic.speed_bits_per_s) for nic in nic_facts()] == [("eth0", 25e9), ("veth", None)]


def test_accelerators_with_power_by_driver_or_catalogue(library: Any) -> None:
    """Given a driver that tells one device's power limit and not the other's, the catalogue fills in, and both say whence."""
    first, second = discover(name="lab 1", nvml=open_nvml()).nodes[0].accelerators
    assert (first.model, first.tdp_w, first.memory_bytes) == ("NVIDIA H100 80GB HBM3", 700, 80 * 1024**3)
    assert "ml-engineering" in str(first.tdp_source)
    assert (second.model, second.tdp_w, second.tdp_source) == ("Tesla P100-PCIE-16GB", 250, "NVML, default power limit")


def test_no_driver_or_no_package_means_no_accelerators(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given the library without a driver, then no Python package at all, the reason is kept and nothing is raised."""
    library.driver = False
    without_driver = open_nvml()
    assert isinstance(without_driver, NoNvml) and "Driver Not Loaded" in without_driver.reason
    monkeypatch.setitem(sys.modules, "pynvml", None)
    without_package = open_nvml()
    assert isinstance(without_package, NoNvml) and "nvidia-ml-py" in without_package.reason
    assert discover(nvml=without_package).nodes[0].accelerators == ()


def test_a_host_with_an_odd_name_gets_a_plain_one() -> None:
    """Given a name that could not stand in a path, a plain one is made of it."""
    assert discover(name="../Büro PC_1.", nvml=NO_NVML).name == "B-ro-PC_1"
    assert discover(name="机房", nvml=NO_NVML).name == "this-machine"


def test_no_row_of_the_catalogue_lacks_its_source() -> None:
    """Given the catalogue's rows, each has a source, a date and a unit, and its name finds that row and no other."""
    for rows in (cpu_rows(), accelerator_rows()):
        assert len(rows) > 10
        for row in rows:
            assert row.source and row.date and row.unit.startswith("W")
            assert row_for(f"NVIDIA {row.name} @ 2.50GHz", rows) == row


@pytest.mark.parametrize(
    ("model", "tdp_w"),
    [
        ("Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz", 210),
        ("AMD EPYC 7502P 32-Core", 180),
        ("AMD EPYC 77", None),
        ("AMD EPYC", None),
    ],
)
def test_processors_are_known_by_whole_words(model: str, tdp_w: float | None) -> None:
    """Given what processors call themselves, whole words decide; an unknown one has no row."""
    row = row_for(model, cpu_rows())
    assert (row.tdp_w if row else None) == tdp_w


def test_the_driver_answers_through_one_session(library: Any) -> None:
    """Given a session, energy is in joules, and None where the device does not count it."""
    session = open_nvml()
    assert isinstance(session, Nvml)
    assert (session.driver_version, session.energy_j(0), session.energy_j(1)) == ("580.1", 5000.0, None)
