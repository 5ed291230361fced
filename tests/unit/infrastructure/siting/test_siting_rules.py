from pathlib import Path

import pytest

from datahall.foundation.document import as_spec, read
from datahall.infrastructure.checks import problems_of
from datahall.infrastructure.checks.context import Context
from datahall.infrastructure.siting import findings, siting_notes, siting_rules
from datahall.infrastructure.spec import Cpu, Hall, Node, Site, Surroundings

FAULTY = Path(__file__).parent.parent / "faulty"


def hall_at(site: Site) -> Hall:
    node = Node(name="n1", cpu=Cpu(model="test", sockets=1, cores=2, threads=2), memory_bytes=8 * 1024**3)
    return Hall(schema_version=1, name="h", site=site, nodes=(node,))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("INF-601", "12 km away, and GB 50174-2017 class A shall keep 40 km"),
        ("INF-602", "floods"),
        ("INF-603", "fault"),
        ("INF-604", "there is 1 of roads from station and airport, and GB 50174-2017 class A shall have 2"),
    ],
)
def test_a_hall_in_the_wrong_place_is_told_so(code, said):
    """Given a class A hall with one binding siting rule broken, exactly that rule speaks, on its line, with its numbers."""
    document = read(FAULTY / f"{code}.yaml")
    [problem] = problems_of(Context(as_spec(document, Hall), folder=FAULTY, where=document.where))
    assert problem.code == code
    assert f"{code}.yaml:6 site.surroundings." in problem.where
    assert said in problem.what
    assert "Appendix A" in problem.what


def test_advice_is_a_note_and_no_problem():
    """Given a class B hall 90 m from a railway, where B should keep 100 m, it is noted and nothing is refused."""
    site = Site(class_gb50174="B", surroundings=Surroundings(railway_or_highway_m=90, flood_prone=True))
    assert problems_of(Context(hall_at(site))) == []
    near, flood, unknown = siting_notes(site)
    assert near.startswith("a railway or motorway is 90 m away, and GB 50174-2017 class B should keep 100 m (Appendix A")
    assert "should not be built" in flood
    assert "not judged" in unknown
    assert "airport_m" in unknown


def test_without_a_class_nothing_is_judged():
    """Given a site in the middle of everything but no class to meet, no rule speaks."""
    near = Surroundings(car_park_m=0, nuclear_plant_m=0, flood_prone=True, on_seismic_fault=True, access_roads=0)
    assert problems_of(Context(hall_at(Site(surroundings=near)))) == []
    assert siting_notes(Site(surroundings=near)) == []
    assert siting_notes(None) == []


def test_what_is_not_known_is_neither_kept_nor_broken():
    """Given a site that says nothing of its surroundings, each of the eleven rules of class A is unknown; C has no rules."""
    assert [f.verdict for f in findings(None, "A")] == ["unknown"] * 11
    assert list(findings(None, "C")) == []


def test_class_a_keeps_every_limit_exactly():
    """Given a site just at each limit of class A, every rule is kept: the limits themselves are allowed."""
    at = {rule.field: rule.limits["A"].least for rule in siting_rules() if rule.kind == "distance"}
    site = Surroundings(**at, flood_prone=False, on_seismic_fault=False, access_roads=2)
    assert {f.verdict for f in findings(site, "A")} == {"kept"}


def test_no_rule_lacks_its_source():
    """Given the rules as shipped, each looks at a field of the surroundings and says where, when and how well it was read."""
    rules = siting_rules()
    assert len({rule.name for rule in rules}) == len(rules) == 11
    assert {rule.field for rule in rules} == set(Surroundings.model_fields)
    assert all("GB 50174-2017" in rule.source and rule.date and rule.checked and rule.limits for rule in rules)
