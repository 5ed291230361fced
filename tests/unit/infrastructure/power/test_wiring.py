"""From names to a graph: ranges, blocks, and rows of the catalogue under what the hall says."""

import pytest
from tests.unit.infrastructure.power.halls import TWO_N, graph_of

from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.power.figures import element_of
from datahall.infrastructure.power.losses import efficiency_ratio
from datahall.infrastructure.power.sides import meeting_points, sides
from datahall.infrastructure.power.wiring import wired
from datahall.infrastructure.spec import Power, PowerElement, RackGroup


def wiring_of(*elements: PowerElement, racks: tuple[RackGroup, ...] = ()):
    grid = PowerElement(name="grid-[1-2]", kind="utility", rating_w=1e6)
    return wired(Power(elements=(grid, *elements)), racks)


def test_blocks_deal_out_in_equal_consecutive_runs() -> None:
    """Given five PDUs on two feeds, the first three hang on the first and the others on the second."""
    made = wiring_of(PowerElement(name="pdu-[1-5]", kind="pdu", rating_w=1, fed_by=("grid-[1-2]",)))
    assert made.parents[2:] == [(0,), (0,), (0,), (1,), (1,)] and made.faults == []


def test_each_entry_gives_one_parent() -> None:
    """Given two entries, each element has a parent from both, in the order they are written."""
    made = wiring_of(PowerElement(name="ats-[1-2]", kind="transfer_switch", rating_w=1, fed_by=("grid-2", "grid-1")))
    assert made.parents[2:] == [(1, 0), (1, 0)]


def test_all_feeds_each_from_every_one() -> None:
    """Given `deal: all`, each element hangs on all that are named, each of them once."""
    made = wiring_of(PowerElement(name="bus-[1-3]", kind="busway", rating_w=1, fed_by=("grid-[1-2]", "grid-1"), deal="all"))
    assert made.parents[2:] == [(0, 1)] * 3


def test_racks_keep_a_side_for_each_entry() -> None:
    """Given both cords on the same element, the rack still has two sides: a check says that they are one."""
    made = wiring_of(racks=(RackGroup(name="r[1-2]", feeds=("grid-1", "grid-1")),))
    assert made.rack_feeds == [[(0, 0), (0, 0)]]


def test_mechanical_loads_hang_on_all_utilities_unless_told_otherwise() -> None:
    """Given no mechanical feeds, all utilities share them; critical ones hang where the rest do."""
    assert wiring_of().mechanical == wiring_of().critical == (0, 1)


def test_what_the_hall_says_overrides_the_row() -> None:
    """Given a part and a failure rate of its own, losses come from the row and failures from the hall."""
    row = Catalogue().power["ups-eco-mode"]
    spec = PowerElement(name="u", kind="ups", part=row.name, rating_w=5e5, failures_per_year=0.0, indoors=False)
    made = element_of(spec, row, name="u", number=0, parents=())
    assert (made.no_load_ratio, made.failures_per_year, made.repair_h, made.indoors) == (0.003, 0.0, 24, False)
    with pytest.raises(ValueError, match="u has no rating"):
        element_of(PowerElement(name="u", kind="ups"), None, name="u", number=0, parents=())


def test_there_is_no_efficiency_without_load() -> None:
    """Given no load, asking for the efficiency says so."""
    with pytest.raises(ValueError, match="x=0, but there is no efficiency without load"):
        efficiency_ratio(0.0, no_load_ratio=0.01, linear_ratio=0.0, square_ratio=0.0)


def test_elements_stand_below_what_feeds_them() -> None:
    """Given elements declared from the racks up, the graph still has sources first."""
    lines = TWO_N.split("  elements:\n")[1].split("racks:")[0].splitlines(keepends=True)
    graph = graph_of(TWO_N.replace("".join(lines), "".join(reversed(lines))))
    assert all(parent < i for i, element in enumerate(graph.elements) for parent in element.parents)
    assert graph.solve(1.0).facility_w == pytest.approx(graph_of().solve(1.0).facility_w)


def test_sides_are_what_declares_them_or_the_places_of_feeds() -> None:
    """Given declared sides, they are lost; given none, the feeds at each place are, unless a place feeds at another too."""
    graph = graph_of()
    assert [(side, len(lost)) for side, lost in sides(graph)] == [("side A", 5), ("side B", 5)]
    bare = TWO_N.replace(", side: A", "").replace(", side: B", "")
    assert [(side, len(lost)) for side, lost in sides(graph_of(bare))] == [
        ("feed 1 of the racks", 4),
        ("feed 2 of the racks", 4),
    ]
    swapped = bare + '  - {name: x, feeds: ["pdu-b1", "pdu-a1"], contents: [{part: server, count: 1}]}\n'
    assert list(sides(graph_of(swapped))) == []


def test_sides_meet_in_the_nearest_element_that_all_power_passes() -> None:
    """Given one grid above everything, sides meet nowhere below it; given one UPS for both, they meet there."""
    assert meeting_points(graph_of()) == {}
    text = TWO_N.replace("side: B, fed_by: [ups-b]", "side: B, fed_by: [ups-a]")
    graph = graph_of(text)
    assert {graph.elements[i].name for i in meeting_points(graph).values()} == {"ups-a"}
