"""A plan lists what it took for granted."""

from datahall.infrastructure.spec import Hall
from datahall.planner.assumptions import assumed_choices

HALL = Hall.model_validate(
    {
        "schema_version": 1,
        "name": "small",
        "cooling": {"air": {"kind": "dx", "supply_c": 25}},
        "racks": [{"name": "r1"}, {"name": "r2", "rear_door": True}],
        "operation": {"utilisation_ratio": 0.5},
    }
)


def test_what_was_left_out_is_listed_and_what_was_written_is_not() -> None:
    """Given a supply temperature and a load that were written down, only the choices around them are assumed."""
    where = {assumption.where for assumption in assumed_choices(HALL)}
    assert {"cooling.air.rise_k", "operation.goodput_ratio", "cooling.plant.cycles_of_concentration"} <= where
    assert not {"cooling.air.supply_c", "operation.utilisation_ratio", "cooling.air.kind"} & where


def test_things_alike_are_listed_once() -> None:
    """Given two racks of which one leaves the rear door out, one line says so."""
    assert [a.where for a in assumed_choices(HALL) if "rear_door" in a.where and a.where.startswith("racks")] == [
        "racks[0].rear_door"
    ]


def test_an_assumption_says_value_and_meaning() -> None:
    """Given the discount rate's default, its line has the value."""
    [rate] = [a for a in assumed_choices(HALL) if a.where == "economy.discount_rate_ratio"]
    assert rate.what == "0.08"
    [maintenance] = [a for a in assumed_choices(HALL) if a.where == "economy.maintenance_ratio"]
    assert maintenance.what == "0.03 (Per year, of building and plant)"
