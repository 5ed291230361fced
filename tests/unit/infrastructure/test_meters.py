from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahall.infrastructure import meters
from datahall.infrastructure.meters import (
    Counter,
    EnergyMeter,
    estimate_joules,
    joules_between,
    kwh,
    nvml_counters,
    rapl_counters,
    read_counters,
)
from datahall.infrastructure.nvml import Nvml
from datahall.infrastructure.spec import Accelerator, Cpu, Node

GPU = Accelerator(index=0, model="g", memory_bytes=1, tdp_w=300, tdp_source="s")
KNOWN = Node(
    name="n", cpu=Cpu(model="m", sockets=2, cores=8, threads=16, tdp_w=140, tdp_source="s"), memory_bytes=1, accelerators=(GPU,)
)
UNKNOWN = Node(name="n", cpu=Cpu(model="m", sockets=1, cores=2, threads=2), memory_bytes=1)


def zone(powercap: Path, folder: str, name: str, energy_uj: str, range_uj: str = "262143328850") -> None:
    place = powercap / folder
    place.mkdir(parents=True, exist_ok=True)
    for file, text in (("name", name), ("energy_uj", energy_uj), ("max_energy_range_uj", range_uj)):
        (place / file).write_text(text + "\n")


def test_an_estimate_from_tdp() -> None:
    """Given 16 threads on 2 x 140 W, a busy thread is 17.5 W, and an idle one the idle share of that."""
    busy = estimate_joules(10, 10, cores_given=1, node=KNOWN)
    idle = estimate_joules(0, 10, cores_given=1, node=KNOWN)
    assert busy.joules == pytest.approx(175)
    assert idle.joules == pytest.approx(175 * 90 / 280)
    assert not busy.measured and busy.source == "estimate: CPU time x TDP share"


def test_an_estimate_for_an_unknown_processor() -> None:
    """Given no TDP, the published average of a server thread is used, and the source says so."""
    energy = estimate_joules(3600, 3600, cores_given=1, node=UNKNOWN)
    assert energy.kwh == pytest.approx(0.0035)  # 3.5 W for an hour
    assert "average server thread" in energy.source


def test_accelerators_held_count_at_full_power() -> None:
    """Given a device held for 10 s, its board power counts; a device of unknown power adds nothing."""
    with_gpu = estimate_joules(0, 10, cores_given=0, node=KNOWN, accelerators=(0, 7))
    assert with_gpu.joules == pytest.approx(3000)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 64))
def test_estimates_are_never_negative_and_grow_with_work(cpu_s: float, wall_s: float, cores: float) -> None:
    less, more = (estimate_joules(s, wall_s, cores_given=cores, node=KNOWN).joules for s in (cpu_s, cpu_s + 1))
    assert 0 <= less < more


def test_rapl_zones_are_counted_once(tmp_path: Path) -> None:
    """Given a package with its cores and memory, and psys, only package and memory are taken."""
    zone(tmp_path, "intel-rapl:0", "package-0", "5000000")
    zone(tmp_path, "intel-rapl:0:0", "core", "3000000")
    zone(tmp_path, "intel-rapl:0:1", "dram", "1000000")
    zone(tmp_path, "intel-rapl:1", "psys", "9000000")
    assert [(c.name, c.joules) for c in rapl_counters(tmp_path)] == [
        ("rapl:intel-rapl:0:package-0", 5.0),
        ("rapl:intel-rapl:0:1:dram", 1.0),
    ]


def test_zones_that_cannot_be_read_are_not_used(tmp_path: Path) -> None:
    """Given a zone without its counter (only root may read it), or with nonsense in it, there is no counter."""
    zone(tmp_path, "intel-rapl:0", "package-0", "1")
    (tmp_path / "intel-rapl:0/energy_uj").unlink()
    zone(tmp_path, "intel-rapl:1", "package-1", "nonsense")
    assert rapl_counters(tmp_path) == () == rapl_counters(tmp_path / "nowhere")


def test_counters_wrap_around() -> None:
    """Given a counter that passed its range once, the joules in between come out right; a new counter does not count."""
    before = [Counter("a", 95, 100), Counter("b", 7)]
    after = [Counter("a", 10, 100), Counter("b", 3), Counter("new", 1000)]
    assert joules_between(before, after) == 15 + 3
    assert joules_between(before, [Counter("new", 1)]) is None


@given(st.integers(0, 250), st.lists(st.integers(0, 99), max_size=9))
def test_joules_are_conserved_over_any_number_of_samples(start: int, steps: list[int]) -> None:
    """Given any samples closer than one range, their differences add up to what went by."""
    totals = [start]
    for step in steps:
        totals.append(totals[-1] + step)
    samples = [[Counter("a", total % 100, 100)] for total in totals]
    assert sum(joules_between(a, b) or 0 for a, b in pairwise(samples)) == sum(steps)


def test_a_meter_measures_where_it_can(tmp_path: Path, library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given RAPL, NVML and a quarter of the machine's CPU time, a quarter of its joules is ours, and all the device's."""
    zone(tmp_path, "intel-rapl:0", "package-0", "1000000")
    own, machine = iter([1.0, 1.0, 2.0]), iter([100.0, 100.0, 104.0])
    monkeypatch.setattr(meters, "_own_cpu_s", lambda: next(own))
    monkeypatch.setattr(meters, "_machine_cpu_s", lambda: next(machine))
    meter = EnergyMeter(node=KNOWN, cores_given=1, accelerators=(0,), powercap=tmp_path, nvml=Nvml(library))
    meter.start()
    zone(tmp_path, "intel-rapl:0", "package-0", "81000000")
    library.millijoules += 7000
    energy = meter.stop()
    assert energy.joules == pytest.approx(80 / 4 + 7)
    assert energy.measured and energy.source == "RAPL, by share of CPU time + NVML"


def test_a_meter_estimates_otherwise_and_says_so(tmp_path: Path, library: Any) -> None:
    """Given neither RAPL nor an accelerator that counts, the result is an estimate by name."""
    meter = EnergyMeter(node=KNOWN, cores_given=1, accelerators=(0, 1), powercap=tmp_path, nvml=Nvml(library))
    energy = meter.stop()
    assert not energy.measured and energy.joules > 0
    assert "estimate: CPU time x TDP share" in energy.source and "accelerator 1 at full power" in energy.source


def test_a_meter_for_the_work_of_other_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a job's CPU time as its engine tells it, the job's share of the machine's joules comes back, not ours."""
    zone(tmp_path, "intel-rapl:0", "package-0", "0")
    machine = iter([100.0, 108.0])
    monkeypatch.setattr(meters, "_machine_cpu_s", lambda: next(machine))
    meter = EnergyMeter(node=KNOWN, cores_given=1, powercap=tmp_path)
    zone(tmp_path, "intel-rapl:0", "package-0", "40000000")
    assert meter.stop(cpu_s=2).joules == pytest.approx(10)


def test_all_counters_of_a_machine(tmp_path: Path, library: Any) -> None:
    """Given one RAPL zone and one counting device, both are sampled; without a driver only the zone is."""
    zone(tmp_path, "intel-rapl:0", "package-0", "1000000")
    assert [counter.name for counter in read_counters(powercap=tmp_path, nvml=Nvml(library))] == [
        "rapl:intel-rapl:0:package-0",
        "nvml:0",
    ]
    assert nvml_counters(None) == ()


def test_a_kilowatt_hour() -> None:
    """Given 3.6 million joules, that is one kilowatt-hour."""
    assert kwh(3.6e6) == 1
