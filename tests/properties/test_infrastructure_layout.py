"""Laws of racks and rows: nothing is lost between declaration and floor, and more equipment never weighs or draws less."""

from hypothesis import given
from hypothesis import strategies as st

from datahall.foundation.ranges import names_of
from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.checks import racks
from datahall.infrastructure.checks.context import Context
from datahall.infrastructure.estate import estate_of
from datahall.infrastructure.estate_nodes import nodes_of
from datahall.infrastructure.floor import floor_of
from datahall.infrastructure.spec import Hall

SERVERS = sorted(Catalogue().servers)
rows = st.lists(st.integers(1, 6), min_size=1, max_size=4)
groups = st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=5)


def hall_of(**fields: object) -> Hall:
    return Hall.model_validate({"schema_version": 1, "name": "h", **fields})


@given(rows, groups)
def test_every_rack_finds_one_position_or_is_counted_as_left(positions: list[int], sizes: list[tuple[int, bool]]) -> None:
    """Given rows and groups of any size, placed and left over add up, and no two racks share a position."""
    room = {"name": "w", "rows": [{"name": f"row{i}", "positions": count} for i, count in enumerate(positions)]}
    declared = [
        {"name": f"g{i}-[1-{size}]", **({"row": "row0"} if first_row else {"room": "w"})}
        for i, (size, first_row) in enumerate(sizes)
    ]
    hall = hall_of(rooms=[room], racks=declared)
    floor = floor_of(hall)
    assert len(floor.places) + sum(floor.without_place.values()) == sum(size for size, _ in sizes)
    assert len(set(floor.places.values())) == len(floor.places)
    assert all(1 <= place.position <= positions[int(place.row[3:])] for place in floor.places.values())
    assert {name for group in hall.racks for name in names_of(group.name)} >= floor.places.keys()


@given(st.sampled_from(SERVERS), st.integers(1, 20), st.integers(1, 30))
def test_a_rack_that_passes_with_more_passes_with_less(part: str, count: int, limit_units: int) -> None:
    """Given any server, taking one out of a rack never breaks a limit that held, and adding one never mends a broken one."""

    def broken(number: int) -> set[str]:
        rack = {"name": "r", "units": limit_units, "power_limit_w": 40_000, "weight_limit_kg": 900}
        hall = hall_of(racks=[{**rack, "contents": [{"part": part, "count": number}]}])
        return {problem.code for check in racks.CHECKS for problem in check(Context(hall))}

    assert broken(count) <= broken(count + 1)


@given(st.sampled_from(SERVERS), st.integers(1, 5), st.integers(1, 5))
def test_machines_of_racks_add_up_to_the_estate(part: str, in_rack: int, count: int) -> None:
    """Given racks of any server, their machines are as many, and have as many accelerators, as the estate counts."""
    hall = hall_of(racks=[{"name": f"r[1-{count}]", "contents": [{"part": part, "count": in_rack}]}])
    nodes, estate = nodes_of(hall, Catalogue()), estate_of(hall, Catalogue())
    assert len(nodes) == len({node.name for node in nodes}) == in_rack * count
    assert sum(len(node.accelerators) for node in nodes) == estate.accelerators
