"""Faults alone and in pairs: each gives exactly one problem, and none hides another or adds to it."""

import copy
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from datahall.foundation.errors import Refused
from datahall.planner.load import load

HALL = Path(__file__).with_name("good_hall.yaml")
GOOD: Any = yaml.safe_load(HALL.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Fault:
    name: str
    code: str
    where: str
    """Path in the file of the one problem that it gives."""
    plant: Callable[[Any], None]


def _named(items: list[dict[str, Any]], name: str) -> int:
    return next(i for i, item in enumerate(items) if item["name"] == name)


def _at(kind: str, section: str, name: str, code: str, field: str = "", /, **fields: Any) -> Fault:
    """A fault of one named entry: some of its fields say something else, or, where that is None, nothing."""
    items = GOOD["power"]["elements"] if section == "power" else GOOD[section]
    path = "power.elements" if section == "power" else section
    index = _named(items, name)

    def plant(hall: Any) -> None:
        entry = (hall["power"]["elements"] if section == "power" else hall[section])[index]
        entry.update(fields)
        for key in [key for key, value in entry.items() if value is None]:
            del entry[key]

    return Fault(kind, code, f"{path}[{index}]" + (f".{field}" if field else ""), plant)


def _in(kind: str, code: str, *path: str, value: Any, where: str = "") -> Fault:
    def plant(hall: Any) -> None:
        *above, last = path
        for key in above:
            hall = hall[key]
        if value is None:
            del hall[last]
        else:
            hall[last] = value

    return Fault(kind, code, where or ".".join(path), plant)


def _more(kind: str, code: str, *path: str, value: Any, field: str = ".name") -> Fault:
    """A fault of an entry more, at the end."""
    items = GOOD
    for key in path:
        items = items[key]

    def plant(hall: Any) -> None:
        for key in path:
            hall = hall[key]
        hall.append(value)

    return Fault(kind, code, f"{'.'.join(path)}[{len(items)}]{field}", plant)


FAULTS = (
    _at("unknown server part", "racks", "parts", "INF-102", "contents[0].part", contents=[{"part": "cpu-11u", "count": 2}]),
    _at("unknown power part", "power", "spare-3", "INF-202", "part", part="buswy"),
    _at("missing rating", "power", "spare-4", "INF-204", rating_w=None),
    _at("cycle", "power", "spare-1", "INF-207", "fed_by", fed_by=["spare-2"]),
    _at("dangling fed_by", "power", "spare-5", "INF-205", "fed_by[0]", fed_by=["no-such-feed"]),
    _in(
        "dangling mechanical feed", "INF-205", "power", "mechanical_fed_by", value=["ats-x"], where="power.mechanical_fed_by[0]"
    ),
    _more("duplicate element", "INF-201", "power", "elements", value={"name": "pdu-a9", "kind": "utility", "rating_w": 1e6}),
    _at("dangling feed", "racks", "dangling", "INF-206", "feeds[1]", feeds=["pdu-a8", "no-such-pdu"]),
    _at("generator too small", "power", "gen-a", "INF-212", rating_w=2e4),
    _at("PDU too small", "power", "tap-a", "INF-214", rating_w=1.8e4),
    _at("breaker 80 %", "power", "tap-b", "INF-213", breaker_w=2e4),
    _at("UPS battery short", "power", "ups-b", "INF-218", "battery_wh", battery_wh=20),
    _at(
        "single cord", "racks", "cords", "INF-216", "contents[0]", contents=[{"part": "management-1u", "count": 4, "cords": 1}]
    ),
    _more("duplicate rack", "INF-110", "racks", value={"name": "r08"}),
    _at("rack over power", "racks", "hot", "INF-104", contents=[{"part": "hgx-h100-8", "count": 3}]),
    _at("rack over weight", "racks", "heavy", "INF-106", weight_limit_kg=200),
    _at("units overflow", "racks", "tall", "INF-107", units=12),
    _at("racks over the row", "racks", "row[1-2]", "INF-114", "row", name="row[1-3]"),
    _at("unknown row", "racks", "lost-row", "INF-113", "row", row="d"),
    _at("unknown room", "racks", "lost-room", "INF-113", "room", room="black"),
    _at("bad type", "racks", "types", "SPEC-003", "units", units="many"),
    _at("unknown field", "racks", "fields", "SPEC-001", "colour", colour="red"),
    _at("bad range", "racks", "ranges[1-2]", "SPEC-003", "name", name="ranges[2-1]"),
    _in("wrong currency", "INF-501", "site", "tariff", "energy_per_kwh", value="0.09 CHF"),
    _in("negative capital", "INF-502", "economy", "land", value="-1000000 USD"),
    _in("unknown weather", "INF-305", "site", "weather", "builtin", value="temperat"),
    _in("supply too warm", "INF-316", "cooling", "air", "supply_c", value=40),
    _in("liquid side missing", "INF-313", "cooling", "liquid", value=None),
    _at("zone naming nothing", "zones", "outer", "INF-115", "racks[0]", racks=["q[05-08]"]),
    _at("unknown switch", "fabrics", "switched", "NET-001", "switch", switch="SN2210"),
    _at("radix too small", "fabrics", "radix", "NET-005", "switch", manager_links=1024),
    _at("oversubscription", "fabrics", "narrow", "NET-008", "oversubscription", oversubscription=3),
    _at("cable reach", "fabrics", "reach", "NET-009", "cable", cable_length_m=30),
    _at("too few switches", "fabrics", "compute", "NET-012", "racks", racks=["wet"]),
    _in("checkpoint too slow", "INF-409", "storage_demand", "checkpoint_within_s", value="2 s"),
)
PAIRS = tuple(itertools.combinations(FAULTS, 2))


def _told(tmp_path: Path, *planted: Fault) -> list[tuple[str, str]]:
    hall = copy.deepcopy(GOOD)
    for fault in planted:
        fault.plant(hall)
    path = tmp_path / "hall.yaml"
    path.write_text(yaml.dump(hall, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)), encoding="utf-8")
    try:
        load(path)
    except Refused as refused:
        return sorted((problem.code, problem.where.partition(" ")[2]) for problem in refused.problems)
    return []


def _expected(*planted: Fault) -> list[tuple[str, str]]:
    return sorted((fault.code, fault.where) for fault in planted)


def test_the_hall_is_a_good_one(tmp_path: Path) -> None:
    """Given the hall without a fault, nothing is told."""
    assert load(HALL).estate.racks == 25
    assert _told(tmp_path) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_one_fault_gives_one_problem(fault: Fault, tmp_path: Path) -> None:
    """Given one fault, that one is told, at its place, and nothing else."""
    assert _told(tmp_path, fault) == _expected(fault)


def test_two_faults_give_two_problems(tmp_path: Path) -> None:
    """Given any two of the faults at once, both are told, each at its place, and nothing else: all are independent."""
    wrong = [f"{a.name} + {b.name}: {told}" for a, b in PAIRS if (told := _told(tmp_path, a, b)) != _expected(a, b)]
    assert not wrong, "\n".join(wrong)


def test_all_faults_at_once(tmp_path: Path) -> None:
    """Given every fault in one hall, each is told and nothing else."""
    assert _told(tmp_path, *FAULTS) == _expected(*FAULTS)
