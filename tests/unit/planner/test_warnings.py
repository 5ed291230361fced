"""What power cannot carry once cooling is counted is said, and nothing is promised of a source that is overloaded."""

from pathlib import Path

import pytest

from datahall.interfaces.plan_text import plain_screen
from datahall.planner.load import load
from datahall.planner.plan import Plan, plan_of

ON_GENERATOR = (
    ("repair_h: 1}", """repair_h: 1}
    - {name: gen, kind: generator, part: generator-diesel, rating_w: GEN kW, start_s: 60 s, fuel_h: 24}
    - {name: "ats-[a,b]", kind: transfer_switch, rating_w: 100 kW, failures_per_year: 0, repair_h: 8, fed_by: [grid, gen]}"""),
    ("fed_by: [grid], battery_wh", "fed_by: [\"ats-[a,b]\"], battery_wh"),
    ("mechanical_fed_by: [grid]", "mechanical_fed_by: [ats-a, ats-b]"),
)  # fmt: skip


@pytest.fixture
def plan_with(hall_file: Path):
    def made(*changes: tuple[str, str]) -> Plan:
        text = hall_file.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        hall_file.write_text(text)
        return plan_of(load(hall_file))

    return made


def warnings(plan: Plan) -> list[str]:
    assert plan.notes[0][0] == "Warning" and plan.survival is not None and plan.notes[0][1] == plan.survival.warnings
    return plan.as_dict()["notes"]["Warning"]


def test_a_hall_that_is_sized_for_its_cooling_has_nothing_to_warn_of(plan_with) -> None:
    """Given ratings with room for cooling, there is no warning."""
    assert warnings(plan_with()) == []


def test_a_contract_that_ignores_cooling_is_warned_of(plan_with) -> None:
    """Given a contract of 46 kW for 41 kW of IT with losses, the checks are content, and cooling goes beyond it."""
    plan = plan_with(("rating_w: 200 kW, failures", "rating_w: 46 kW, failures"))
    [line] = warnings(plan)
    asked = plan.year.design.facility_w / 1e3
    assert f"`grid` would give {asked:.1f} kW" in line and "its contract allows 46.0 kW" in line and "°C outside" in line
    subjects = [text for text in plain_screen(plan) if text.startswith("Warning\t")]
    assert subjects == [f"Warning\t{line}"]


def test_a_generator_that_ignores_cooling_promises_no_hours(plan_with) -> None:
    """Given a generator of 46 kW, its load ratio is above 1; no hours of fuel are stated, and the gap says why."""
    plan = plan_with(*ON_GENERATOR, ("GEN", "46"))
    [line] = warnings(plan)
    assert line.startswith("with the grid gone, `gen` would give") and "add generators" in line
    assert plan.figures["generator_load_ratio"].value > 1 and "generator_fuel_h" not in plan.figures
    assert any("hours of fuel" in gap.what and "% of its rating" in gap.what for gap in plan.missing)


def test_a_generator_with_room_states_its_hours(plan_with) -> None:
    """Given a generator of 100 kW, hours of fuel are those at rating over its load ratio."""
    figures = plan_with(*ON_GENERATOR, ("GEN", "100")).figures
    assert figures["generator_fuel_h"].value == pytest.approx(24 / figures["generator_load_ratio"].value)


def test_a_ups_that_ignores_fans_and_pumps_promises_no_minutes(plan_with) -> None:
    """Given fans and pumps on UPSs that are sized for IT alone, the loss of a side overloads the other: no battery time."""
    plan = plan_with(
        ("rating_w: 120 kW, fed_by: [grid], battery_wh: 20000", "rating_w: 43 kW, fed_by: [grid], battery_wh: 20000"),
        ("mechanical_fed_by: [grid]", "mechanical_fed_by: [grid]\n  critical_mechanical_fed_by: [ups-a]"),
    )
    assert any("ups-" in line and "its rating allows 43.0 kW" in line for line in warnings(plan))


def test_an_overloaded_ups_has_no_battery_time(plan_with) -> None:
    """Given the whole cooling with strong fans on one UPS that is sized for IT alone, no battery time is stated."""
    plan = plan_with(
        ("rating_w: 120 kW, fed_by: [grid]", "rating_w: 43 kW, fed_by: [grid]"),
        ("mechanical_fed_by: [grid]", "mechanical_fed_by: [ups-a]"),
        ("supply_c: 24}", "supply_c: 24, fan_w_per_m3_per_s: 6000}"),
    )
    assert any(line.startswith("`ups-[a,b]` would give") for line in warnings(plan))
    assert "battery_s" not in plan.figures and any("batteries last" in gap.what for gap in plan.missing)


def test_a_battery_that_is_short_with_cooling_is_warned_of(plan_with) -> None:
    """Given a battery that carries IT for as long as the generator needs, fans and pumps on it make it too short."""
    plan = plan_with(
        *ON_GENERATOR,
        ("GEN", "100"),
        ("battery_wh: 20000", "battery_wh: 376"),
        ("[ats-a, ats-b]", "[ats-a, ats-b]\n  critical_mechanical_fed_by: [ups-a, ups-b]"),
    )
    [line] = warnings(plan)
    assert line.startswith("the battery of `ups-[a,b]` carries") and "generators need" in line


@pytest.mark.parametrize("hall", ["h100-64", "h100-512", "gb200-16k", "rented-rack-4"])
def test_the_worked_halls_are_sized_for_their_cooling(hall: str) -> None:
    """Given each worked hall with power elements, there is no warning."""
    assert warnings(plan_of(load(Path(__file__).parents[3] / "halls" / f"{hall}.yaml"))) == []
