"""Fault files: read, resolved against a hall, refused with every problem at once, drawn by named dice."""

from collections import Counter
from collections.abc import Callable
from math import sqrt
from pathlib import Path

import pytest

from datahall.foundation.errors import Missing, Refused
from datahall.infrastructure.estate_nodes import nodes_of
from datahall.infrastructure.reliability import published_failures
from datahall.twin.faults.elements import KINDS, Elements
from datahall.twin.faults.named import fault_set, set_names

Shipped = Callable[[str], Elements]
Written = Callable[[str], Path]
DAY_S = 86400.0


@pytest.mark.parametrize("name", ["h100-64", "rented-rack-4", "workstation"])
def test_machines_have_the_names_that_jobs_see(shipped: Shipped, name: str):
    """Given a hall, the machines that faults name are those that jobs may run on, in the same order."""
    elements = shipped(name)
    hall, catalogue = elements.loaded.hall, elements.loaded.catalogue
    assert [m.name for m in elements.machines] == [node.name for node in nodes_of(hall, catalogue)]


def test_every_kind_can_be_named(shipped: Shipped, written: Written):
    """Given the first name of every kind in a hall of 512 accelerators, a file of one fault each is taken as it stands."""
    elements = shipped("h100-64")
    names = {what: next(iter(elements.of(what))) for what in KINDS}
    lines = "".join(f"  - {{what: {what}, name: {name}, at: 1 min, for: 2 min}}\n" for what, name in names.items())
    found = fault_set(written(f"faults:\n{lines}"), elements).occurrences(DAY_S)
    assert [(one.element.what, one.element.name, one.at_ms, one.repair_ms) for one in found] == [
        (what, name, 60_000, 120_000) for what, name in names.items()
    ]


def test_a_rack_stands_for_its_machines(shipped: Shipped, written: Written):
    """Given `r[01-02]` as node, all four machines of these racks fail; without `for`, they stay down."""
    faults = fault_set(written("faults: [{what: node, name: 'r[01-02]', at: 3 d}]"), shipped("h100-64"))
    assert [one.element.name for one in faults.planned] == ["r01-n1", "r01-n2", "r02-n1", "r02-n2"]
    assert {(one.at_ms, one.repair_ms) for one in faults.planned} == {(3 * 86_400_000, None)}


def test_all_that_the_hall_lacks_is_told_at_once(shipped: Shipped, written: Written):
    """Given names that are not in the hall, one problem each with its line, and the near ones."""
    text = """faults:
  - {what: node, name: "r[01-34]-n1", at: 1 h}
  - {what: pdu, name: pdu-c1, at: 1 h}
  - {what: link, at: 1 h}
  - {what: leaf, first: 99, at: 1 h}
  - {what: node, side: A, at: 1 h}
drawn:
  - {process: mine}
"""
    with pytest.raises(Refused) as refused:
        fault_set(written(text), shipped("h100-64"))
    told = [(p.code, int(p.where.split(":")[1].split()[0])) for p in refused.value.problems]
    assert told == [("TWIN-031", 2), ("TWIN-031", 3), ("TWIN-033", 4), ("TWIN-031", 5), ("TWIN-033", 6), ("TWIN-034", 8)]
    assert "`r33-n1` and 1 more" in refused.value.problems[0].what and "`r32-n1`" in refused.value.problems[0].fix
    assert "`pdu-a1`" in refused.value.problems[1].fix


def test_a_kind_that_the_hall_does_not_declare_is_refused(shipped: Shipped):
    """Given a workstation, the loss of a chiller is refused, with where one would be declared."""
    with pytest.raises(Refused, match=r"TWIN-032 the hall declares no chiller.*chillers"):
        fault_set("chiller-lost", shipped("workstation"))


def test_a_side_that_no_feed_is_on_names_the_feeds(shipped: Shipped):
    """Given one intake without a side, `feed-a-lost` says that it is `grid`."""
    with pytest.raises(Refused, match=r"TWIN-031 no feed of the hall is on side A.*grid"):
        fault_set("feed-a-lost", shipped("h100-64"))


def test_an_unknown_set_lists_near_ones(shipped: Shipped):
    """Given `lama3`, the answer is `llama3`; a YAML file that is not there is told as a file."""
    with pytest.raises(Missing, match=r"TWIN-030 .*`llama3`"):
        fault_set("lama3", shipped("h100-64"))
    with pytest.raises(Missing, match="DOC-001"):
        fault_set("nothing-here.yaml", shipped("h100-64"))


def test_sets_that_come_along_hold_for_a_hall_that_has_all(shipped: Shipped):
    """Given a hall with two feeds and every kind of equipment, no set that comes with Datahall is refused."""
    assert all(fault_set(name, shipped("h100-512")) for name in set_names()) and "feed-a-lost" in set_names()


def test_drawn_counts_match_the_published_rate(shipped: Shipped):
    """Given 16,416 accelerators for 540 days, interruptions stay within four standard deviations of 419 in 54 days, scaled."""
    counts, elements = published_failures(), shipped("gb200-16k")
    expected = counts.unexpected * 10 * len(elements.of("accelerator")) / counts.accelerators
    found = fault_set("llama3", elements).occurrences(540 * DAY_S, seed=5)
    assert abs(len(found) - expected) < 4 * sqrt(expected)
    by_cause = Counter(one.cause for one in found)
    for cause in counts.causes:
        share = expected * cause.count / counts.unexpected
        assert abs(by_cause[cause.cause] - share) < 5 * sqrt(share)
    assert all(one.interrupts for one in found)
    assert {one.repair_ms for one in found if one.cause == "software bug"} == {0}


def test_mean_repair_is_the_stated_one(shipped: Shipped, written: Written):
    """Given lognormal repairs of 4 h and thousands of draws, their mean is 4 h within four standard errors."""
    drawn = "{process: p, what: node, per_year: 100, repair: {kind: lognormal, mean: 4 h, sigma: 0.8}}"
    found = fault_set(written(f"drawn: [{drawn}]"), shipped("h100-64")).occurrences(365 * DAY_S)
    hours = [one.repair_ms / 3.6e6 for one in found if one.repair_ms is not None]
    deviation = sqrt(sum((h - 4) ** 2 for h in hours) / len(hours))
    assert len(hours) == len(found) > 7000
    assert abs(sum(hours) / len(hours) - 4) < 4 * deviation / sqrt(len(hours))


def test_streams_stand_apart(shipped: Shipped, written: Written):
    """Given one more process, what the first draws stays as it was; another seed draws anew."""
    one = "{process: a, what: node, per_year: 5, repair: {mean: 1 h}}"
    more = "{process: b, what: leaf, per_year: 5}"
    alone = fault_set(written(f"drawn: [{one}]"), shipped("h100-64"))
    both = fault_set(written(f"drawn: [{more}, {one}]"), shipped("h100-64")).occurrences(30 * DAY_S)
    first = alone.occurrences(30 * DAY_S)
    assert first and [o for o in both if o.cause == "a"] == list(first)
    assert alone.occurrences(30 * DAY_S, seed=1) != first
    assert alone.occurrences(10 * DAY_S) == tuple(o for o in first if o.at_ms < 10 * DAY_S * 1000)


def test_more_faults_than_a_million_are_refused(shipped: Shipped, written: Written):
    """Given a million faults a year of every node, it is refused before anything is drawn."""
    faults = fault_set(written("drawn: [{process: a, what: node, per_year: 1000000}]"), shipped("h100-64"))
    with pytest.raises(Refused, match=r"TWIN-036 about 82,000,000"):
        faults.occurrences(365 * DAY_S)
