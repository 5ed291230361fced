"""Faults that much else hangs on: each gives one problem, which says what to do, and not what follows from it."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.test_pairs_of_faults import GOOD

from datahall.foundation.errors import Problem, Refused
from datahall.planner.load import load

Change = Callable[[Any], None]


def _told(tmp_path: Path, *changes: Change) -> list[Problem]:
    hall = copy.deepcopy(GOOD)
    for change in changes:
        change(hall)
    path = tmp_path / "hall.yaml"
    path.write_text(yaml.safe_dump(hall), encoding="utf-8")
    try:
        load(path)
    except Refused as refused:
        return list(refused.problems)
    return []


def _rack(name: str, /, **fields: Any) -> Change:
    return lambda hall: next(rack for rack in hall["racks"] if rack["name"] == name).update(fields)


def _element(name: str, /, **fields: Any) -> Change:
    return lambda hall: next(e for e in hall["power"]["elements"] if e["name"] == name).update(fields)


def _empty(hall: Any) -> None:
    """No rack holds anything, but a fabric and prices name servers."""
    for rack in hall["racks"]:
        del rack["contents"]
    hall["economy"]["server_price"] = {"hgx-h100-8": "250000 USD", "cpu-1u": "9000 USD"}


def _foreign_prices(hall: Any) -> None:
    """Prices in another currency, whose rate cannot be read."""
    hall["site"]["tariff"]["energy_per_kwh"] = "0.09 CHF"
    hall["economy"]["rates"] = {"CHF": "dear"}


def _with_small_feeds(hall: Any) -> list[Any]:
    """Feeds that a cap on all IT keeps within their contract."""
    return [{**e, "rating_w": 1e5} if e["kind"] == "utility" else e for e in hall["power"]["elements"]]


def _shared(side: str | None) -> Change:
    def plant(hall: Any) -> None:
        gear = {"name": "gear", "kind": "switchgear", "rating_w": 3e6, "fed_by": ["utility-a"]}
        hall["power"]["elements"].append(gear if side is None else {**gear, "side": side})
        for name in ("ats-a", "ats-b"):
            _element(name, fed_by=["gear"])(hall)
        if side is None:
            for element in hall["power"]["elements"]:
                element.pop("side", None)

    return plant


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("SPEC-003", _rack("r[01-08]", name="r[08-01]")),
        ("SPEC-003", _rack("r[01-08]", name="r[1-")),
        ("SPEC-003", _rack("net", name="ne t")),
        ("SPEC-003", lambda hall: hall.update(racks=3)),
        ("SPEC-003", _rack("hot", contents=[{"part": "hgx-h100-8", "count": 2, "power_cap_w": "much"}])),
        ("SPEC-003", lambda hall: hall["storage"][0].update(devices="many")),
        ("SPEC-003", _foreign_prices),
        ("SPEC-003", _element("spare-3", failures_per_year=0.1, repair_h="long")),
        ("SPEC-003", lambda hall: hall["power"].update(it_cap_w="low", elements=_with_small_feeds(hall))),
        ("SPEC-003", lambda hall: hall["cooling"]["liquid"].update(supply_c="warm")),
        ("INF-102", _rack("net", contents=[{"part": "QM970", "count": 20}])),
        ("INF-101", _empty),
        ("INF-201", _element("ups-b", name="ups-a")),
        ("INF-201", _element("pdu-b[1-9]", name="pdu-a[1-9]")),
        ("INF-215", _shared(None)),
        ("INF-215", _shared("A")),
    ],
)  # fmt: skip
def test_nothing_is_told_that_follows_from_a_fault(code: str, change: Change, tmp_path: Path) -> None:
    """Given one fault that racks, zones, fabrics and prices hang on, it alone is told."""
    assert [problem.code for problem in _told(tmp_path, change)] == [code]


def test_what_is_absent_beside_an_unreadable_name_is_told(tmp_path: Path) -> None:
    """Given a rack whose range runs backwards, and a zone that names another rack which is nowhere, both are told."""
    told = _told(tmp_path, _rack("ranges[1-2]", name="ranges[2-1]"), lambda hall: hall["zones"][1].update(racks=["s05"]))
    assert sorted(problem.code for problem in told) == ["INF-115", "SPEC-003"]


@pytest.mark.parametrize(("limit_w", "rating_w"), [(15e3, 18e3), (10e3, 18e3)])
def test_a_rack_over_its_limit_hides_no_weak_element(limit_w: float, rating_w: float, tmp_path: Path) -> None:
    """Given a rack of 20.4 kW over its limit, on a PDU that is weaker than that of the other side, both are told."""
    told = _told(tmp_path, _rack("tapped", power_limit_w=limit_w), _element("tap-a", rating_w=rating_w))
    assert sorted(problem.code for problem in told) == ["INF-104", "INF-214"]


def test_a_rack_over_its_limit_is_not_told_again_upstream(tmp_path: Path) -> None:
    """Given a rack filled with 30.6 kW for 25 kW, on two PDUs of 28 kW, the rack is what is wrong: mended, all of it holds."""
    filled = _rack("tapped", power_limit_w=25e3, contents=[{"part": "hgx-h100-8", "count": 3}])
    told = _told(tmp_path, filled, *(_element(name, rating_w=28e3) for name in ("tap-a", "tap-b")))
    assert [problem.code for problem in told] == ["INF-104"]


def test_a_copied_element_hides_no_feed_to_nowhere(tmp_path: Path) -> None:
    """Given an element that stands twice, and feeds of a rack and of cooling that name nothing, all three are told."""
    told = _told(
        tmp_path,
        lambda hall: hall["power"]["elements"].append(dict(hall["power"]["elements"][5])),
        _rack("cords", feeds=["pdu-a6", "pdu-c6"]),
        lambda hall: hall["power"].update(mechanical_fed_by=["ats-a", "no-ats"]),
    )
    assert sorted(problem.code for problem in told) == ["INF-201", "INF-205", "INF-206"]


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        (_element("tap-b", fed_by=["ups-a"]), "`tap-b` of side B is fed by `ups-a` of side A: name an element of side B"),
        (_rack("cords", feeds=["pdu-a6", "pdu-a6"]), "`pdu-a6` stands more than once in feeds"),
        (_rack("cords", feeds=["pdu-a6", "pdu-a7"]), "`pdu-a6` and `pdu-a7` are both of side A: name an element of the other"),
        (_shared(None), "if both sides share `gear` by intent, give `pdu-a1` its `side: A`"),
        (_rack("cords", contents=[{"part": "dgx-h100", "count": 1}]), "feed the rack from 3 sides, or let one transfer switch"),
        (_rack("cords", contents=[{"part": "dgx-b200", "count": 1}]), "feed the rack from 6 sides, or let one transfer switch"),
        (_rack("cords", contents=[{"part": "cpu-1u", "count": 1, "cords": 1}]), "plug in all 2 of its cords: `cords: 2`"),
    ],
)  # fmt: skip
def test_the_way_out_fits_the_hall(change: Change, fix: str, tmp_path: Path) -> None:
    """Given sides that meet, or cords that do not suffice, the fix names what makes it so and what to write."""
    (problem,) = _told(tmp_path, change)
    assert fix in problem.fix
