"""A document with faults is read as far as it holds."""

import pytest

from datahall.foundation.document import parse
from datahall.foundation.errors import Refused
from datahall.foundation.partial import partly
from datahall.foundation.spec import Name, Spec


class Rack(Spec):
    name: Name
    units: int = 42
    power_w: float


class Hall(Spec):
    name: Name
    racks: tuple[Rack, ...] = ()


TEXT = """name: hall
racks:
  - {name: r1, power_w: 1}
  - {name: r2, power_w: much}
  - {name: r3, power_w: 3, unit: 4}
  - {name: r4}
  - {name: r5, power_w: 5, units: few}
"""


def test_faulty_items_are_left_out_and_named_at_their_lines() -> None:
    """Given two racks that cannot be read and two with a bad choice, the other three remain and four problems are told."""
    read = partly(parse(TEXT, source="hall.yaml"), Hall)
    assert read.spec is not None
    assert [(rack.name, rack.units) for rack in read.spec.racks] == [("r1", 42), ("r3", 42), ("r5", 42)]
    assert [problem.where for problem in read.problems] == [
        "hall.yaml:4 racks[1].power_w",
        "hall.yaml:5 racks[2].unit",
        "hall.yaml:6 racks[3].power_w",
        "hall.yaml:7 racks[4].units",
    ]


def test_places_are_those_of_the_file() -> None:
    """Given items that were left out, a place in what remains is translated to the line where it stands."""
    read = partly(parse(TEXT, source="hall.yaml"), Hall)
    assert [read.where(("racks", i, "name")) for i in range(3)] == [
        f"hall.yaml:{n} racks[{m}].name" for n, m in ((3, 0), (5, 2), (7, 4))
    ]
    assert {"r2", "r4"} <= read.words_left_out() and "r3" not in read.words_left_out()


def test_a_sound_document_is_read_whole() -> None:
    """Given no fault, nothing is left out."""
    read = partly(parse("{name: hall}"), Hall)
    assert read.spec == Hall(name="hall") and read.problems == () and not read.removed


def test_without_what_all_need_nothing_remains() -> None:
    """Given a hall without a name, there is no spec, but every problem is told."""
    read = partly(parse("racks: [{name: r1, power_w: x}]"), Hall)
    assert read.spec is None and len(read.problems) == 2


def test_a_list_is_no_document() -> None:
    """Given a list, it is refused at once."""
    with pytest.raises(Refused, match="not a mapping"):
        partly(parse("[1, 2]"), Hall)
