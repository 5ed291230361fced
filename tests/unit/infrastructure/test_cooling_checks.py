"""Rules about weather and cooling: each has a hall that must fail it, on the line that says `# fault`."""

import re
from pathlib import Path

import pytest

from datahall.foundation.document import as_spec, parse
from datahall.foundation.errors import Refused
from datahall.infrastructure.checks import climate, cooling, load_hall, problems_of_hall, weather
from datahall.infrastructure.spec import Hall

FAULTY = Path(__file__).parent / "faulty"
CODES = [str(check.__doc__)[:7] for check in (*weather.CHECKS, *cooling.CHECKS, *climate.CHECKS)]


def place_of_fault(path: Path) -> str:
    """The line that says `# fault`, or the place that it names instead."""
    lines = [(n, text) for n, text in enumerate(path.read_text().splitlines(), 1) if "# fault" in text]
    [(number, text)] = lines
    elsewhere = re.search(r"# fault at (\S+)", text)
    return f"{path.parent}/{elsewhere[1]}" if elsewhere else f"{path}:{number}"


@pytest.mark.parametrize("code", CODES)
def test_a_hall_with_one_fault_gives_one_problem_on_its_line(code: str) -> None:
    """Given a hall with one planted fault, exactly that rule speaks, on the line of the fault."""
    path = FAULTY / f"{code}.yaml"
    with pytest.raises(Refused, match=code) as caught:
        load_hall(path)
    assert [(p.code, p.where.split(" ")[0]) for p in caught.value.problems] == [(code, place_of_fault(path))]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("INF-302", "weather.csv.gz has no column `rh_pc`. Did you mean rh_pct"),
        ("INF-303", "1 hour is missing before 2023-01-01 03:00"),
        ("INF-304", "`price` is empty. Fill the gap"),
        ("INF-305", "there is no built-in year `temperat`. Did you mean `temperate`?"),
        (
            "INF-310",
            "163 kW of equipment go to air, but 1 units of 100 kW carry 100 kW with 1 spare ones out. Raise count to 3",
        ),
        (
            "INF-312",
            "kW to liquid need 3.2 L/s at a rise of 10 K, but the loop carries 2 L/s. Raise max_flow_l_per_s, or rise_k to",
        ),
        ("INF-314", "163.2 kW go to air, but a room without a plant of its own takes 10 kW at most. Choose dx"),
        ("INF-316", "supply air of 12 C is outside 15 to 32 C, what ASHRAE class A1 allows"),
        ("INF-318", "chilled water of 24 C is to cool supply air of 22 C"),
        ("INF-319", "outside air cannot hold the inlets below 32 C"),
        ("INF-321", "the cooling catalogue has no `crac-dz`. Did you mean `crac-dx`"),
        ("INF-323", "the dry cooler cannot hold 32 C: the warmest has 45.8 C dry"),
    ],
)
def test_a_problem_says_numbers_and_the_way_out(code: str, text: str) -> None:
    """Given each faulty hall, the problem says what was seen, what is allowed, and what to do."""
    with pytest.raises(Refused, match=re.escape(text)):
        load_hall(FAULTY / f"{code}.yaml")


ROOM = "{schema_version: 1, name: h, racks: [{name: r1, contents: [{part: dgx-h100, count: 1}]}], cooling: "


@pytest.mark.parametrize(
    ("cooling_text", "codes"),
    [
        ("{air: {kind: dx, units: {count: 1, capacity_w: 20 kW}}}", []),
        ("{liquid: {supply_c: 32, rejection: dry_cooler}}", ["INF-314"]),
        ("{air: {kind: none}}", ["INF-314"]),
        ("{air: {kind: none, supply_c: 40}}", ["INF-314"]),
        ("{air: {kind: air_economiser, supply_c: 40, trim: chilled_water}, plant: {chilled_water_c: 30}}", ["INF-316"]),
        (
            "{air: {kind: chilled_water}, liquid: {supply_c: 25, rejection: chilled_water}, plant: {chilled_water_c: 28}}",
            ["INF-318"],
        ),
        ("{air: {kind: dx, units: {count: 1, capacity_w: 1 kW, spare: 1}}}", ["INF-322"]),
    ],
)
def test_one_fault_is_told_once(cooling_text: str, codes: list[str]) -> None:
    """Given one DGX H100 of 10.2 kW under a cooling plant, each fault of the plant is one problem, and a sound one none."""
    hall = as_spec(parse(ROOM + cooling_text + "}"), Hall)
    found = [p.code for p in problems_of_hall(hall)]
    assert [code for code in found if code.startswith("INF-3")] == codes


def test_a_hall_without_cooling_is_not_judged() -> None:
    """Given a machine that merely stands somewhere, nothing is said about weather or cooling."""
    assert not [p for p in problems_of_hall(as_spec(parse(ROOM + "null}"), Hall)) if p.code.startswith("INF-3")]
