"""Rules about racks, places and zones: each has a hall that must fail it, on the line that says `# fault`."""

from pathlib import Path

import pytest

from datahall.foundation.errors import Refused
from datahall.infrastructure.checks import layout, load_hall, racks
from datahall.infrastructure.floor import Place, floor_of
from datahall.infrastructure.spec import Hall

FAULTY = Path(__file__).parent / "faulty"
CODES = [*(str(check.__doc__)[:7] for check in (*racks.CHECKS, *layout.CHECKS)), "INF-121"]


@pytest.mark.parametrize("code", CODES)
def test_a_hall_with_one_fault_gives_one_problem_on_its_line(code: str) -> None:
    """Given a hall with one planted fault, exactly that rule speaks, on the line of the fault."""
    path = FAULTY / f"{code}.yaml"
    [line] = [n for n, text in enumerate(path.read_text().splitlines(), 1) if "# fault" in text]
    with pytest.raises(Refused, match=code) as caught:
        load_hall(path)
    assert [(p.code, p.where.split(" ")[0]) for p in caught.value.problems] == [(code, f"{path}:{line}")]
    assert caught.value.problems[0].fix


def told(code: str) -> str:
    with pytest.raises(Refused, match=code) as caught:
        load_hall(FAULTY / f"{code}.yaml")
    return str(caught.value.problems[0]).partition(f": {code} ")[2]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("INF-102", "no catalogue has `dgx-h10`. Did you mean `dgx-h100`"),
        ("INF-104", "4 x dgx-h100 in r2 and 7 alike draw 40.8 kW at full load, but the rack may draw 35.0 kW"),
        ("INF-106", "13 x storage-hdd-4u in r2 weigh 1430 kg, but the rack carries 1400 kg"),
        ("INF-107", "take 43 units, but the rack has 42"),
        ("INF-108", "presses on the floor with 1722 kg/m2, but `white` carries 1200"),
        ("INF-110", "a rack `r08` stands above already. Rename"),
        ("INF-114", "8 racks `r[1-8]` go into row `row-[1-2]`, where 7 positions are free. Make room for 1 more"),
        ("INF-115", "there is no rack `r09`"),
    ],
)
def test_a_problem_says_what_was_seen_and_the_limit(code: str, text: str) -> None:
    """Given a planted fault, its problem has both figures and the way out."""
    assert text in told(code)


def test_racks_fill_rows_in_order() -> None:
    """Given two groups for two rows of two positions, they stand one after the other; a group without a row stands anywhere."""
    hall = Hall.model_validate(
        {
            "schema_version": 1,
            "name": "h",
            "rooms": [{"name": "w", "rows": [{"name": "a", "positions": 2}, {"name": "b", "positions": 2}]}],
            "racks": [{"name": "s1", "row": "a"}, {"name": "r[1-3]", "room": "w"}, {"name": "x"}],
        }
    )
    floor = floor_of(hall)
    assert floor.places == {
        "s1": Place("w", "a", 1),
        "r1": Place("w", "a", 2),
        "r2": Place("w", "b", 1),
        "r3": Place("w", "b", 2),
    }
    assert floor.without_place == {}


def test_a_row_that_two_rooms_have_needs_its_room() -> None:
    """Given a row `a` in two rooms and racks that say no room, the problem asks for it."""
    rooms = [{"name": name, "rows": [{"name": "a", "positions": 2}]} for name in ("x", "y")]
    hall = Hall.model_validate({"schema_version": 1, "name": "h", "rooms": rooms, "racks": [{"name": "r1", "row": "a"}]})
    [problem] = layout.undeclared_place(layout.Context(hall))
    assert problem.where == "racks[0].row" and "more than one room" in problem.what
