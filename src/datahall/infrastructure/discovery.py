"""The hall of the machine that this runs on, found out by asking it."""

import re
import socket
from pathlib import Path
from platform import machine, processor

import psutil

from datahall.infrastructure.catalog.rows import accelerator_rows, cpu_rows, row_for
from datahall.infrastructure.limits import affinity_cpus, cgroup_limits
from datahall.infrastructure.nvml import Device, NoNvml, Nvml, open_nvml
from datahall.infrastructure.spec import Accelerator, Cpu, Disk, DiskKind, Hall, Nic, Node, PlatformSettings, Reserved, Usable

ROOT = Path("/")
NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "ceph", "lustre", "gpfs", "beegfs", "9p", "virtiofs")


def discover(*, name: str | None = None, root: Path = ROOT, nvml: Nvml | NoNvml | None = None) -> Hall:
    """A hall of one node: this machine.

    name: of the hall and its node; without it, the host's name.
    root: where /proc and /sys are looked up.
    """
    plain = _plain_name(name or socket.gethostname())
    cpu = cpu_facts(root)
    memory_bytes = psutil.virtual_memory().total
    node = Node(
        name=plain,
        cpu=cpu,
        memory_bytes=memory_bytes,
        usable=usable_part(cpu, memory_bytes, root=root),
        disks=disk_facts(root),
        nics=nic_facts(),
        accelerators=accelerator_facts(nvml or open_nvml()),
    )
    spare_bytes = min(Reserved().memory_bytes, node.usable_memory_bytes // 8)  # a small machine keeps back less
    settings = PlatformSettings(reserved=Reserved(memory_bytes=spare_bytes))
    return Hall(schema_version=1, name=plain, nodes=(node,), platform=settings)


def cpu_facts(root: Path = ROOT) -> Cpu:
    """The processors, from /proc/cpuinfo where there is one, with the catalogue's power where the model is known."""
    processors = _cpuinfo(root / "proc/cpuinfo")
    first = processors[0] if processors else {}
    model = first.get("model name") or first.get("Model") or processor() or machine() or "unknown"
    threads = len(processors) or psutil.cpu_count() or 1
    sockets = len({p["physical id"] for p in processors if "physical id" in p}) or 1
    pairs = {(p.get("physical id"), p["core id"]) for p in processors if "core id" in p}
    cores = len(pairs) or psutil.cpu_count(logical=False) or threads
    row = row_for(model, cpu_rows())
    return Cpu(
        model=model[:200],
        sockets=sockets,
        cores=min(max(cores, sockets), max(threads, sockets)),
        threads=max(threads, sockets),
        tdp_w=row.tdp_w if row else None,
        tdp_source=row.cited if row else None,
    )


def usable_part(cpu: Cpu, memory_bytes: int, *, root: Path = ROOT) -> Usable | None:
    """What affinity and cgroups leave, or None when that is the whole machine."""
    limits = cgroup_limits(root)
    cpus = min(float(cpu.threads), float(affinity_cpus()), limits.cpus or float(cpu.threads))
    memory = min(memory_bytes, limits.memory_bytes or memory_bytes)
    whole = cpus == cpu.threads and memory == memory_bytes
    return None if whole else Usable(cpus=cpus, memory_bytes=memory)


def disk_facts(root: Path = ROOT) -> tuple[Disk, ...]:
    """Mounted file systems with a device, one for each device (its shortest mount point); the root always."""
    partitions = [(p.mountpoint, p.device, p.fstype) for p in psutil.disk_partitions(all=False)]
    if not any(mount == "/" for mount, *_ in partitions):
        partitions.append(("/", "root", ""))
    found: dict[str, Disk] = {}
    for mount, device, file_system in sorted(partitions, key=lambda p: (len(p[0]), p[0])):
        if device not in found and not device.startswith("/dev/loop") and (capacity_bytes := _capacity_bytes(mount)):
            kind = _disk_kind(device, file_system, root)
            found[device] = Disk(mount=mount, device=device, kind=kind, capacity_bytes=capacity_bytes)
    return tuple(found.values())


def nic_facts() -> tuple[Nic, ...]:
    """Network interfaces that are up, loopback aside."""
    up = {name: facts for name, facts in psutil.net_if_stats().items() if facts.isup and "loopback" not in facts.flags}
    return tuple(Nic(name=name, speed_bits_per_s=facts.speed * 1e6 if facts.speed > 0 else None) for name, facts in up.items())


def accelerator_facts(nvml: Nvml | NoNvml) -> tuple[Accelerator, ...]:
    """The driver's devices; none without a driver."""
    return () if isinstance(nvml, NoNvml) else tuple(_accelerator(device) for device in nvml.devices())


def _accelerator(device: Device) -> Accelerator:
    row = row_for(device.model, accelerator_rows())
    tdp_w, source = device.power_limit_w, "NVML, default power limit"
    if tdp_w is None and row:
        tdp_w, source = row.tdp_w, row.cited
    return Accelerator(
        index=device.index,
        model=device.model,
        memory_bytes=device.memory_bytes,
        uuid=device.uuid,
        tdp_w=tdp_w,
        tdp_source=source if tdp_w is not None else None,
    )


def _cpuinfo(path: Path) -> list[dict[str, str]]:
    """One mapping for each hardware thread; empty where the file is not there."""
    try:
        blocks = path.read_text(encoding="utf-8", errors="replace").strip().split("\n\n")
    except OSError:
        return []
    parsed = [dict(re.findall(r"^([^\t:]+?)\s*:[ \t]*(.*)$", block, re.MULTILINE)) for block in blocks]
    threads = [block for block in parsed if "processor" in block]
    common = {key: value for block in parsed if "processor" not in block for key, value in block.items()}
    return [common | block for block in threads]


def _capacity_bytes(mount: str) -> int:
    """0 for what is no folder or may not be looked at, such as a file bound into a container."""
    try:
        return psutil.disk_usage(mount).total if Path(mount).is_dir() else 0
    except OSError:
        return 0


def _disk_kind(device: str, file_system: str, root: Path) -> DiskKind:
    if file_system.startswith(NETWORK_FILE_SYSTEMS):
        return "network"
    block = Path(device).name
    if block.startswith("nvme"):
        return "nvme"
    if block.startswith(("vd", "xvd")):
        return "virtual"
    for name in (block, re.sub(r"p?\d+$", "", block)):
        try:
            rotates = (root / "sys/block" / name / "queue/rotational").read_text().strip()
        except OSError:
            continue
        return "hdd" if rotates == "1" else "ssd"
    return "unknown"


def _plain_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:63].strip("._-") or "this-machine"
