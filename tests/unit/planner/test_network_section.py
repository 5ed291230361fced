"""The network of a plan: ports of the servers meant, one draw of a switch wherever it stands, each part bought once."""

from math import prod
from pathlib import Path

import pytest

from datahall.planner.load import load
from datahall.planner.plan import Plan, plan_of

FABRIC = "protocol: infiniband, switch: QM9700, link_bits_per_s: 400 Gbit/s"
CABLED = "cable_length_m: 30, uplink_length_m: 30"


def planned(folder: Path, *, racks: str, fabrics: str = "", more: str = "") -> Plan:
    path = folder / "hall.yaml"
    path.write_text(f"schema_version: 1\nname: made\nracks: [{racks}]\nfabrics: [{fabrics}]\n{more}", encoding="utf-8")
    return plan_of(load(path))


def rack(name: str, *contents: str) -> str:
    return f"{{name: '{name}', contents: [{', '.join(contents)}]}}"


def test_a_few_smaller_servers_do_not_slow_the_others(tmp_path: Path) -> None:
    """Given 16 servers with eight ports, two with four beside them leave an all-reduce of the 16 its eight ports."""
    eight = "{part: hgx-h100-8, count: 2}"
    fabric = f"{{name: compute, topology: leaf_spine, {FABRIC}, {CABLED}}}"
    alone = planned(tmp_path, racks=rack("r[1-8]", eight), fabrics=fabric)
    mixed = planned(
        tmp_path,
        racks=f"{rack('r[1-8]', eight)}, {rack('s', '{part: hgx-a100-4, count: 2}')}",
        fabrics=fabric,
    )
    assert mixed.network.group == alone.network.group and mixed.network.group is not None
    assert mixed.network.group.nics_per_domain == 8
    assert any("differ in ports" in a.what for a in mixed.assumptions)
    assert "cut off" in alone.network.lines[0] and "cut off" not in mixed.network.lines[0]


def test_a_rack_wide_domain_has_the_ports_of_all_its_trays(tmp_path: Path) -> None:
    """Given NVL72 as a rack or as 18 trays, 72 accelerators share one domain with 72 ports."""
    fabric = f"{{name: compute, topology: leaf_spine, {FABRIC}}}"
    for content in ("{part: gb200-nvl72, count: 1}", "{part: gb200-compute-tray, count: 18}"):
        group = planned(tmp_path, racks=rack("r[1-2]", content), fabrics=fabric).network.group
        assert group is not None and (group.ranks, group.ranks_per_domain, group.nics_per_domain) == (144, 72, 72)


def test_oversubscription_of_tiers_is_multiplied(tmp_path: Path) -> None:
    """Given a 3-tier fabric that leaves less to each tier, a flow gets what all of them leave together."""
    fabric = f"{{name: compute, topology: fat_tree, tiers: 3, oversubscription: 2, oversubscription_limit: 4, {FABRIC}}}"
    plan = planned(tmp_path, racks=rack("r[01-64]", "{part: hgx-h100-8, count: 4}"), fabrics=fabric)
    [build], group = plan.network.builds, plan.network.group
    assert group is not None
    assert group.oversubscription == pytest.approx(prod(max(1, over) for over in build.oversubscription.values()))


@pytest.mark.parametrize("cabled", [CABLED, "cable_length_m: 30"])
def test_switches_draw_the_same_in_racks_and_out_of_them(tmp_path: Path, cabled: str) -> None:
    """Given six switches placed, some placed, or none, the hall's IT takes the same energy."""
    fabric = f"{{name: compute, topology: leaf_spine, {FABRIC}, {cabled}}}"
    servers, found = rack("r[1-4]", "{part: hgx-h100-8, count: 4}"), []
    for count in (0, 3, 6):
        switches = f", {rack('n', f'{{part: QM9700, count: {count}}}')}" if count else ""
        plan = planned(tmp_path, racks=servers + switches, fabrics=fabric)
        assert plan.network.builds[0].switches == 6
        found.append((plan.figures.value("it_energy_kwh"), plan.figures.value("it_peak_w")))
    assert found[1] == pytest.approx(found[0], rel=1e-12) and found[2] == pytest.approx(found[0], rel=1e-12)


def test_a_switch_draws_the_same_at_any_load(tmp_path: Path) -> None:
    """Given switches beside a server, they take as much in a year without load as at full load: no share of their peak."""
    server, switches = "{part: hgx-h100-8, count: 1}", "{part: QM9700, count: 2}"
    for busy in (0, 1):
        more = f"operation: {{utilisation_ratio: {busy}}}\n"
        found = [
            planned(tmp_path, racks=racks, more=more).figures["it_energy_kwh"].value
            for racks in (rack("r", server), rack("r", server, switches))
        ]
        assert found[1] - found[0] == pytest.approx(2 * 1.720 * 8760)


def test_switches_of_no_fabric_are_bought_once(tmp_path: Path) -> None:
    """Given three switches in racks, a hall without fabrics buys three; one whose fabric has two, the third beside them."""
    bare, servers = rack("n", "{part: QM9700, count: 3}"), rack("r", "{part: hgx-h100-8, count: 4}")
    alone = planned(tmp_path, racks=f"{servers}, {bare}")
    price = alone.figures["cost.network.in racks: QM9700.price"].value
    assert alone.figures["capital_network"].value == pytest.approx(3 * price)
    fabric = f"{{name: compute, topology: rail_only, rails: 2, {FABRIC}}}"
    joined = planned(tmp_path, racks=f"{servers}, {bare}", fabrics=fabric)
    assert joined.network.builds[0].switches == 2
    assert joined.figures["cost.network.in racks: QM9700.count"].value == 1
    assert joined.figures["cost.network.compute: QM9700.count"].value == 2


def test_switches_without_a_price_are_a_gap(tmp_path: Path) -> None:
    """Given switches in racks whose row has no price, the bill names the row that would have to have one."""
    plan = planned(tmp_path, racks=rack("r", "{part: hgx-h100-8, count: 1}", "{part: SN5600, count: 1}"))
    assert any("SN5600" in gap.where and "network" in gap.what for gap in plan.missing)


def test_a_bill_without_cooling_is_a_lower_bound(tmp_path: Path) -> None:
    """Given a hall with all prices but no cooling, its cost lacks the energy of cooling, and says so."""
    plan = planned(tmp_path, racks=rack("r", "{part: hgx-h100-8, count: 1}"))
    assert any(gap.declare == "cooling" and gap.line == "energy" for gap in plan.cost.missing)
    assert any("cooling" in gap.where and "cost of energy" in gap.what for gap in plan.missing)
