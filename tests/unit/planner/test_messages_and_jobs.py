"""What stands between a fabric and its users: paths, hashing, messages; and what interruptions leave of a job."""

from pathlib import Path

import pytest
from tests.unit.planner.test_network_section import planned, rack

from datahall.network.fabric.paths import busiest_path_flows
from datahall.planner.plan import Plan

STORED = """storage:
  - {name: fast, devices: 10, device_capacity_bytes: 8 TB, device_read_bytes_per_s: 4 GB/s, device_write_bytes_per_s: 2 GB/s,
     redundancy: {kind: replicas, copies: 1}}
storage_demand: {checkpoint_bytes: 1 TB}
"""


def fabric(folder: Path, protocol: str, switch: str, more: str = "") -> Plan:
    """16 servers with 8 ports of 400 Gbit/s."""
    spec = f"{{name: f, topology: leaf_spine, protocol: {protocol}, switch: {switch}, link_bits_per_s: 400 Gbit/s}}"
    return planned(folder, racks=rack("r[1-8]", "{part: hgx-h100-8, count: 2}"), fabrics=spec, more=more)


def said(plan: Plan, title: str) -> str:
    [lines] = [lines for name, lines in plan.notes if name == title]
    return "\n".join(lines)


@pytest.mark.parametrize("protocol", ["tcp", "roce_v2"])
def test_flows_that_are_hashed_meet_on_the_busiest_path(tmp_path: Path, protocol: str) -> None:
    """Given a protocol whose flows are hashed, the plan warns how much more than its share the busiest path takes."""
    plan = fabric(tmp_path, protocol, "SN5400")
    ratio, flows, paths = (
        plan.figures[f"fabric.f.{what}"].value for what in ("busiest_path_ratio", "flows_of_a_leaf", "paths_between_leaves")
    )
    assert ratio == pytest.approx(busiest_path_flows(int(flows), int(paths)) * paths / flows) and ratio > 1.05
    assert "ECMP" in said(plan, "Messages")


def test_infiniband_is_not_hashed(tmp_path: Path) -> None:
    """Given InfiniBand, the paths are told, one over each spine, without a warning."""
    plan = fabric(tmp_path, "infiniband", "QM9700")
    assert plan.figures["fabric.f.paths_between_leaves"].value == plan.network.builds[0].switches_of("spine")
    assert "shortest paths" in said(plan, "Messages") and "ECMP" not in said(plan, "Messages")


def test_a_message_takes_longer_than_its_bytes_and_nearly_that_when_it_is_large(tmp_path: Path) -> None:
    """Given 64 MiB over 400 Gbit/s, the time is close to bytes over rate; 4 KiB mostly wait."""
    plan = fabric(tmp_path, "infiniband", "QM9700")
    small, large = (plan.figures[f"fabric.f.message_{size}_s"] for size in (4 << 10, 64 << 20))
    assert large.value == pytest.approx((64 << 20) / 50e9, rel=0.02) and small.value > 5 * (4 << 10) / 50e9
    facts = {figure.name.rpartition(".")[2]: figure.value for figure in large.inputs}
    hand = facts["infiniband_overhead_s"] + facts["switches_on_the_way"] * facts["switch_s"]
    hand += facts["cable_on_the_way_m"] * facts["fibre_s_per_m"]
    hand += facts[f"infiniband_{64 << 20}_on_the_wire_bytes"] * 8 / facts["link_bits_per_s"]
    assert large.value == pytest.approx(hand, rel=1e-9)


def test_a_job_on_all_accelerators_is_interrupted_as_published_counts_say(tmp_path: Path) -> None:
    """Given 128 accelerators, the mean time to an interruption is 128th of one's; saving takes 50 s, reading back 25 s."""
    plan = fabric(tmp_path, "infiniband", "QM9700", STORED)
    value = plan.figures.value
    assert value("job_mtti_h") == pytest.approx(54 * 24 * 16384 / 419 / 128)
    assert value("checkpoint_write_s") == pytest.approx(50) and value("job_restart_s") == pytest.approx(25)
    assert 0.9 < (value("job_goodput_ratio") or 0) < 1 and "kept work" in said(plan, "Jobs")


def test_without_a_checkpoint_a_job_is_told_its_interruptions_only(tmp_path: Path) -> None:
    """Given no size of a checkpoint, no goodput is invented, and the gap says what to declare."""
    plan = fabric(tmp_path, "infiniband", "QM9700")
    assert "job_mtti_h" in plan.figures and "job_goodput_ratio" not in plan.figures
    assert any("storage_demand.checkpoint_bytes" in gap.where for gap in plan.missing)
