"""How much energy something took: measured where a counter can be read, otherwise estimated, and always labelled.

Counters: NVML for accelerators, RAPL (/sys/class/powercap) for processors and memory. Both count the whole device, so a
process's part of the processor's joules is its share of the machine's CPU time in between.
"""

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from datahall.infrastructure.nvml import Nvml, open_nvml
from datahall.infrastructure.spec import Node

JOULES_PER_KWH = 3.6e6
POWERCAP = Path("/sys/class/powercap")
IDLE_RATIO = 90 / 280
"""Idle over full power of a server processor. Source: ExaDigiT/RAPS config/frontier.yaml, cpu 90 W idle, 280 W full."""
UNKNOWN_THREAD_IDLE_W, UNKNOWN_THREAD_FULL_W = 0.74, 3.5
"""A hardware thread of an unknown server processor. Source: Cloud Carbon Footprint, methodology, AWS averages, 2024."""


@dataclass(frozen=True, slots=True)
class Energy:
    """Joules, whether a meter read them, and which."""

    joules: float
    measured: bool
    source: str

    @property
    def kwh(self) -> float:
        return kwh(self.joules)


@dataclass(frozen=True, slots=True)
class Counter:
    """A meter that only counts up, until it wraps."""

    name: str
    joules: float
    range_joules: float | None = None
    """It starts again from zero here; None: never."""


def kwh(joules: float) -> float:
    """Joules as kilowatt-hours."""
    return joules / JOULES_PER_KWH


def estimate_joules(cpu_s: float, wall_s: float, *, cores_given: float, node: Node, accelerators: Sequence[int] = ()) -> Energy:
    """What a job took, from its CPU time: the idle share of the cores it held, and the rest as they worked.

    cpu_s: CPU-seconds used. wall_s: seconds it held its cores and accelerators.
    cores_given: hardware threads held. accelerators: indexes held, taken at their full power.
    """
    idle_w, full_w, source = _thread_power_w(node)
    joules = wall_s * cores_given * idle_w + cpu_s * (full_w - idle_w)
    known = {a.index: a.tdp_w for a in node.accelerators if a.tdp_w is not None}
    joules += sum(wall_s * known.get(index, 0.0) for index in accelerators)
    return Energy(max(0.0, joules), measured=False, source=source)


def read_counters(*, powercap: Path = POWERCAP, nvml: Nvml | None = None) -> tuple[Counter, ...]:
    """Every counter of this machine that can be read now; empty when there is none."""
    return (*rapl_counters(powercap), *nvml_counters(nvml))


def rapl_counters(powercap: Path = POWERCAP) -> tuple[Counter, ...]:
    """Packages and their memory. Zones inside a package (cores, uncore) and psys would count the same joules twice."""
    zones = (_rapl_counter(folder) for folder in sorted(powercap.glob("intel-rapl:*")))
    return tuple(zone for zone in zones if zone is not None)


def nvml_counters(nvml: Nvml | None) -> tuple[Counter, ...]:
    """One for each accelerator that counts its energy."""
    readings = {} if nvml is None else {device.index: nvml.energy_j(device.index) for device in nvml.devices()}
    return tuple(Counter(f"nvml:{index}", joules) for index, joules in readings.items() if joules is not None)


def joules_between(before: Iterable[Counter], after: Iterable[Counter]) -> float | None:
    """Joules that went by on the counters present both times, wrap-around included; None when there is none."""
    first = {counter.name: counter for counter in before}
    steps = [_step(first[counter.name], counter) for counter in after if counter.name in first]
    return sum(steps) if steps else None


class EnergyMeter:
    """Energy of a piece of work between `start` and `stop`: this process's own, or others' whose CPU time is told."""

    def __init__(
        self,
        *,
        node: Node,
        cores_given: float,
        accelerators: Sequence[int] = (),
        powercap: Path = POWERCAP,
        nvml: Nvml | None = None,
    ) -> None:
        """accelerators: indexes that this process works on. nvml: opened here when there are any and none is given."""
        opened = nvml or (open_nvml() if accelerators else None)
        self._nvml = opened if isinstance(opened, Nvml) else None
        self._node, self._cores, self._accelerators, self._powercap = node, cores_given, tuple(accelerators), powercap
        self._begun = self._reading()

    def start(self) -> None:
        self._begun = self._reading()

    def stop(self, *, cpu_s: float | None = None) -> Energy:
        """Energy since `start`. May be called again; it goes on counting.

        cpu_s: CPU-seconds of the work that is metered, where that is not this process's own.
        """
        before, now = self._begun, self._reading()
        cpu_s = now.own_cpu_s - before.own_cpu_s if cpu_s is None else cpu_s
        wall_s = now.at_s - before.at_s
        processor = self._processor(before, now, cpu_s, wall_s)
        return _together([processor, *self._devices(before, now, wall_s)])

    def _reading(self) -> "_Reading":
        counters = read_counters(powercap=self._powercap, nvml=self._nvml)
        return _Reading(time.monotonic(), _own_cpu_s(), _machine_cpu_s(), {counter.name: counter for counter in counters})

    def _processor(self, before: "_Reading", now: "_Reading", cpu_s: float, wall_s: float) -> Energy:
        joules = joules_between(before.of("rapl"), now.of("rapl"))
        busy_s = now.machine_cpu_s - before.machine_cpu_s
        if joules is None or busy_s <= 0:
            return estimate_joules(cpu_s, wall_s, cores_given=self._cores, node=self._node)
        return Energy(joules * min(1.0, cpu_s / busy_s), measured=True, source="RAPL, by share of CPU time")

    def _devices(self, before: "_Reading", now: "_Reading", wall_s: float) -> list[Energy]:
        energies = []
        for index in self._accelerators:
            joules = joules_between(before.of(f"nvml:{index}"), now.of(f"nvml:{index}"))
            if joules is None:
                full = estimate_joules(0, wall_s, cores_given=0, node=self._node, accelerators=(index,)).joules
                energies.append(Energy(full, measured=False, source=f"accelerator {index} at full power"))
            else:
                energies.append(Energy(joules, measured=True, source="NVML"))
        return energies


@dataclass(frozen=True, slots=True)
class _Reading:
    at_s: float
    own_cpu_s: float
    machine_cpu_s: float
    counters: dict[str, Counter]

    def of(self, name: str) -> list[Counter]:
        return [counter for key, counter in self.counters.items() if key == name or key.startswith(f"{name}:")]


def _together(parts: list[Energy]) -> Energy:
    sources = " + ".join(dict.fromkeys(part.source for part in parts))
    return Energy(sum(part.joules for part in parts), all(part.measured for part in parts), sources)


def _thread_power_w(node: Node) -> tuple[float, float, str]:
    """Idle and full power of one hardware thread, W, and what they rest on."""
    if node.cpu.tdp_w is None:
        return UNKNOWN_THREAD_IDLE_W, UNKNOWN_THREAD_FULL_W, "estimate: CPU time x average server thread"
    full_w = node.cpu.tdp_w * node.cpu.sockets / node.cpu.threads
    return full_w * IDLE_RATIO, full_w, "estimate: CPU time x TDP share"


def _rapl_counter(folder: Path) -> Counter | None:
    """None for zones that another one contains, and for what only root may read."""
    try:
        name = (folder / "name").read_text().strip()
        if not name.startswith(("package", "dram")):
            return None
        joules = int((folder / "energy_uj").read_text()) / 1e6
        range_joules = int((folder / "max_energy_range_uj").read_text()) / 1e6
    except (OSError, ValueError):
        return None
    return Counter(f"rapl:{folder.name}:{name}", joules, range_joules)


def _step(before: Counter, after: Counter) -> float:
    step = after.joules - before.joules
    if step >= 0:
        return step
    # A counter without a range that fell was reset, by a driver that was loaded anew: what it shows now went by since.
    return step + after.range_joules if after.range_joules else after.joules


def _own_cpu_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _machine_cpu_s() -> float:
    times = psutil.cpu_times()
    return float(
        sum(times)
        - times.idle
        - getattr(times, "iowait", 0.0)
        - getattr(times, "guest", 0.0)
        - getattr(times, "guest_nice", 0.0)
    )
