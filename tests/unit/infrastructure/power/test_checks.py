"""Rules about power: each has a hall that must fail it, on the line that says `# fault`, and says the numbers."""

import re
from pathlib import Path

import pytest
from tests.unit.infrastructure.power.halls import CATALOGUE, TWO_N, hall_of

from datahall.foundation.errors import Problem, Refused
from datahall.infrastructure.checks import Context, load_hall, power, power_load, problems_of

FAULTY = Path(__file__).parents[1] / "faulty"
CODES = [str(check.__doc__)[:7] for check in (*power.CHECKS, *power_load.CHECKS)]


def problems(text: str) -> list[Problem]:
    return problems_of(Context(hall_of(text), CATALOGUE))


@pytest.mark.parametrize("code", CODES)
def test_a_hall_with_one_fault_gives_one_problem_on_its_line(code: str) -> None:
    """Given a hall with one planted fault, exactly that rule speaks, on the line of the fault."""
    path = FAULTY / f"{code}.yaml"
    [line] = [n for n, text in enumerate(path.read_text().splitlines(), 1) if "# fault" in text]
    with pytest.raises(Refused, match=code) as caught:
        load_hall(path)
    assert [(p.code, p.where.split(" ")[0]) for p in caught.value.problems] == [(code, f"{path}:{line}")]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("INF-201", "`pdu-b` stands above already, in `pdu-[a,b]`. Rename one"),
        ("INF-202", "no power catalogue has `transformer-mv-vl`. Did you mean `transformer-mv-lv`?"),
        ("INF-203", "`ups-eco-mode` is a UPS, but `tx` is declared as a transformer"),
        ("INF-205", "no power element `gird-a`, `gird-b` (2 of the 2 of `gird-[a,b]`). Did you mean `grid-[a,b]`"),
        ("INF-207", "power goes round in a circle: ring-a <- ring-b <- ring-a"),
        (
            "INF-209",
            "the 4 of `ups-[1-4]` are dealt out to 1, so 3 of them feed nothing here. Name 1 of them, or say `deal: all`",
        ),
        ("INF-211", "`grid` gives 20.7 kW at full load, but the contract allows 20.0 kW"),
        (
            "INF-213",
            "with feed 1 of the racks lost, `pdu-b` gives 20.4 kW at full load, but 80% of the 25.0 kW breaker are 20.0 kW",
        ),
        ("INF-214", "with side A lost, `ups-b` gives 20.4 kW at full load, but it is rated 20.0 kW"),
        ("INF-215", "all 2 sides of `r1` hang on `ups`"),
        ("INF-216", "1 cord of `management-1u` over 2 sides leaves 0 when a side is lost, but it needs 1"),
        ("INF-217", "L1 20.4 kW, L2 10.2 kW, L3 10.2 kW: 50% over the mean"),
        ("INF-218", "carries its 20.4 kW for 51.0 s, but its generators need 1 min 5 s"),
        ("INF-219", "IT may draw 1.0 kW together, but draws 6.1 kW when idle"),
    ],
)
def test_a_problem_says_numbers_and_the_way_out(code: str, text: str) -> None:
    """Given the faulty hall of a rule, its problem names what it saw, the limit and what to do."""
    with pytest.raises(Refused, match=re.escape(text)):
        load_hall(FAULTY / f"{code}.yaml")


def test_a_good_hall_has_no_problems() -> None:
    """Given the 2N hall of these tests, no rule speaks."""
    assert problems(TWO_N) == []


def test_all_faults_of_one_hall_are_told_at_once() -> None:
    """Given a 2N hall with five faults in as many places, exactly five problems are told."""
    text = TWO_N.replace("kind: generator, part: generator-diesel, rating_w: 1.5 MW", "kind: generator, rating_w: 300 kW")
    text = text.replace("battery_wh: 80000, fed_by: [ats-a]", "battery_wh: 1000, fed_by: [ats-a]")
    text = text.replace("rating_w: 250 kW, side: B", "rating_w: 250 kW, side: B, breaker_w: 150 kW")
    text = text.replace('"grid-[a,b]", kind: utility, rating_w: 2 MW', '"grid-[a,b]", kind: utility, rating_w: 330 kW')
    text = text.replace("house_load_w: 5 kW", "house_load_w: 5 kW\n  it_cap_w: 159 kW")
    assert [p.code for p in problems(text)] == ["INF-211", "INF-212", "INF-213", "INF-218", "INF-219"]


def test_too_many_racks_are_told_once_and_not_again_upstream() -> None:
    """Given so many servers that PDUs, UPSs, transformers and grid are all too small, the PDUs of both sides are told, once."""
    [problem] = problems(TWO_N.replace("count: 4", "count: 40"))
    assert problem.code == "INF-210" and problem.where == "power.elements[6]"
    assert problem.what == "`pdu-a[1-4]` and `pdu-b[1-4]` give up to 800.0 kW each at full load, but each is rated 250.0 kW"


def test_what_is_too_small_itself_is_told_beside_an_overload_below_it() -> None:
    """Given PDUs with too much load and a UPS that would be too small even without, both are told."""
    text = TWO_N.replace("count: 4", "count: 14").replace("rating_w: 1 MW, side: A", "rating_w: 500 kW, side: A")
    found = problems(text)
    assert [(p.code, p.where) for p in found] == [("INF-210", "power.elements[6]"), ("INF-210", "power.elements[4]")]


def test_a_rack_over_its_limit_is_not_told_again_by_its_feeds() -> None:
    """Given racks that draw three times what they may, the rule about racks speaks; rules of power take them at their limit."""
    text = TWO_N.replace("  - name: r[01-16]\n", "  - name: r[01-16]\n    power_limit_w: 40 kW\n").replace(
        "count: 4", "count: 14"
    )
    assert [p.code for p in problems(text)] == ["INF-104"]


def test_a_name_that_is_missing_in_many_places_is_one_fault() -> None:
    """Given an element whose name was mistyped where it is declared, what refers to it is told once."""
    [problem] = problems(TWO_N.replace("name: ups-a,", "name: ups-aa,"))
    assert problem.code == "INF-205" and problem.what == "there is no power element `ups-a`; 1 more place names it or its like"
    assert "did you mean `ups-aa`" in problem.fix


def test_names_out_of_reach_in_two_places_are_two_faults() -> None:
    """Given two groups of racks that name different PDUs beyond the last, both are told."""
    more = "".join(f"  - {{name: x{i}, feeds: [pdu-a{i}], contents: [{{part: server, count: 1}}]}}\n" for i in (7, 8))
    assert [(p.code, p.where) for p in problems(TWO_N + more)] == [("INF-206", f"racks[{i}].feeds[0]") for i in (1, 2)]


def test_an_element_under_another_name_is_one_fault() -> None:
    """Given PDUs of side B that were named like those of side A, that is told, and not that the racks miss side B's."""
    found = problems(TWO_N.replace('name: "pdu-b[1-4]"', 'name: "pdu-a[1-4]"'))
    assert [(p.code, p.where) for p in found] == [("INF-201", "power.elements[7].name")]


def test_two_circles_are_two_faults() -> None:
    """Given an element that feeds itself and a ring of two, both are named."""
    ring = "    - {name: x, kind: ups, rating_w: 1 kW, fed_by: [x]}\n    - {name: y, kind: ups, rating_w: 1 kW, fed_by: [z]}\n"
    text = TWO_N.replace("racks:", ring + "    - {name: z, kind: ups, rating_w: 1 kW, fed_by: [y]}\nracks:")
    found = problems(text)
    assert [p.code for p in found] == ["INF-207", "INF-207"]
    assert {p.what.split(":")[0] for p in found} == {"`x` feeds itself", "power goes round in a circle"}


def test_a_shared_intake_is_allowed_where_the_sides_are_named() -> None:
    """Given both sides on one switchboard that has no side, nothing is said, as the feeds name theirs; a shared UPS is told."""
    board = '    - {name: board, kind: switchgear, rating_w: 2 MW, fed_by: ["grid-[a,b]"], deal: all}\nracks:'
    text = TWO_N.replace("racks:", board).replace('fed_by: ["grid-[a,b]"]}', "fed_by: [board]}")
    text = text.replace(", gen-[a,b]", "").replace('fed_by: ["tx-[a,b]", "gen-[a,b]"]', 'fed_by: ["tx-[a,b]"]')
    assert problems(text) == []
    assert [p.code for p in problems(text.replace("kind: switchgear", "kind: ups"))] == ["INF-215"]


def test_racks_that_name_feeds_in_a_hall_without_power_are_told() -> None:
    """Given a rack with a feed and no power section, the feed leads to nowhere."""
    [problem] = problems("{schema_version: 1, name: h, racks: [{name: r, feeds: [pdu], contents: [{part: server, count: 1}]}]}")
    assert (problem.code, problem.where) == ("INF-206", "racks[0].feeds[0]")
