"""What fails together, in sentences."""

from tests.unit.infrastructure.reliability.supplies import one_side, two_sides

from datahall.infrastructure.reliability.supply import Load, Supply, Unit
from datahall.infrastructure.reliability.sweep import swept
from datahall.infrastructure.reliability.together import fails_together


def test_the_worst_comes_first_with_its_size() -> None:
    """Given one path, the first sentences tell of what takes down every rack, and how much that is."""
    first = fails_together(swept(one_side()))[0]
    assert (first.racks, first.accelerators, first.load_w) == (2, 16, 100e3)
    assert first.sentence == "The loss of `utility` takes down every rack: 16 accelerators, 100 kW."


def test_a_trip_is_told_with_its_figures() -> None:
    """Given sides too small for each other, the sentence names what trips, and by how much."""
    row = next(row for row in fails_together(swept(two_sides(ups_w=90e3))) if "ups-a" in row.elements)
    assert row.sentence == (
        "The loss of one of 2, such as `ups-a`, trips `ups-b` (100 kW asked, 90 kW allowed), and takes down every rack: "
        "16 accelerators, 100 kW."
    )
    harmless = next(row for row in fails_together(swept(two_sides())) if row.elements == ("gen",))
    assert harmless.sentence == "The loss of `gen` takes down no rack." and harmless.trips == 0


def test_gaps_and_the_plant_are_told() -> None:
    """Given racks without a battery before the generator and a plant on the utility alone, both are said."""
    units = (
        Unit("utility", "utility", 1e6),
        Unit("gen", "generator", 1e6, start_s=10),
        Unit("ats", "transfer_switch", 1e6, (0, 1), takes_first=True),
    )
    loads = (Load("r0", 1e3, (2,)), Load("cooling plant", 1e3, (0,), kind="mechanical"))
    row = fails_together(swept(Supply(units, loads)))[0]
    assert row.sentence == (
        "The loss of `utility` interrupts every rack until generators run and stops the cooling plant: 1 kW."
    )
