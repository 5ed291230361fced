"""What a plan says of single losses and of lost cooling, and what the twin does with the same losses."""

from pathlib import Path

import pytest

from datahall.network.load import load
from datahall.planner.plan import plan_of
from datahall.twin.faults import Elements, Reach

HALLS = Path(__file__).parents[2] / "halls"


WEAK = """
schema_version: 1
name: weak
power:
  elements:
    - {name: "feed-[1-2]", kind: utility, rating_w: 30 kW}
    - {name: gen-1, kind: generator, rating_w: 100 kW, start_s: 30 s, fuel_h: 24}
    - {name: board, kind: switchgear, rating_w: 100 kW, fed_by: ["feed-[1-2]"], deal: all}
    - {name: ats, kind: transfer_switch, rating_w: 100 kW, fed_by: [board, gen-1]}
    - {name: "pdu-[1-2]", kind: pdu, rating_w: 60 kW, fed_by: [ats]}
racks:
  - {name: "r[1-4]", power_limit_w: 25 kW, heat_limit_w: 25 kW, units: 42, feeds: ["pdu-[1-2]"],
     contents: [{part: hgx-h100-8, count: 1, cords: 4}]}
"""
"""One feed left is too weak for all, so the other one trips and generators take over; PDUs have no counterpart."""


@pytest.mark.parametrize("name", ["h100-64", "rented-rack-4", "weak"])
def test_single_losses_of_power_take_the_same_racks(name: str, tmp_path: Path):
    """Given every class of power elements in a plan's sweep, the loss of its first takes the same racks in the twin."""
    (tmp_path / "weak.yaml").write_text(WEAK, encoding="utf-8")
    loaded = load((tmp_path if name == "weak" else HALLS) / f"{name}.yaml")
    survival, elements = plan_of(loaded).survival, Elements(loaded)
    reach, power = Reach(elements), elements.of("power")
    assert survival is not None and survival.sweep.elements == len(power)
    assert name != "weak" or any(removal.interrupted_racks and removal.tripped for removal in survival.sweep.removals)
    for removal in survival.sweep.removals:
        harm = reach.of(power[removal.names[0]])
        lost = {*harm.racks, *(rack for stage in harm.later if stage.side == "battery" for rack in stage.racks)}
        assert lost == set(removal.lost_racks), removal.names[0]
        assert harm.nodes_interrupted == {
            f"{rack}-n{k}" for rack in removal.interrupted_racks for k in range(1, 1 + len(elements.machines_in[rack]))
        }


def test_lost_cooling_holds_as_long_as_planned():
    """Given all chillers of a hall lost with fans running, racks stop when the plan's ride-through on UPS is over."""
    loaded = load(HALLS / "h100-64.yaml")
    plan, elements = plan_of(loaded), Elements(loaded)
    [stage] = Reach(elements).of(*elements.of("chiller").values()).later
    assert stage.after_s == pytest.approx(plan.figures["ride_through_on_ups_s"].value, rel=1e-6)
