"""Each rule of the network with a hall that must fail it, and no other rule with it."""

from pathlib import Path

import pytest

from datahall.foundation.document import as_spec, read
from datahall.foundation.errors import Problem
from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.checks import Context
from datahall.infrastructure.spec import Hall
from datahall.network.catalog import NetworkCatalogue
from datahall.network.checks import CHECKS, problems_of_network

FAULTY = Path(__file__).parent / "faulty"
HALLS = sorted(FAULTY.glob("*.yaml"))


def problems_in(path: Path) -> list[Problem]:
    document, network = read(path), NetworkCatalogue()
    catalogue = Catalogue(more_devices=network.devices())
    context = Context(as_spec(document, Hall), catalogue, folder=path.parent, where=document.where)
    return problems_of_network(context, network)


@pytest.mark.parametrize("path", HALLS, ids=lambda path: path.stem)
def test_one_planted_fault_is_one_problem(path):
    """Given a hall with one fault, its rule finds it on its line, and no other rule says a word."""
    [problem] = problems_in(path)
    assert problem.code == path.stem
    [line] = [n for n, text in enumerate(path.read_text().splitlines(), 1) if "# the fault" in text]
    assert problem.where.startswith(f"{path}:{line} ")
    assert problem.fix


def test_each_rule_has_its_hall():
    """Given all rules of the network, each has a code of its own and a hall that fails it."""
    codes = [(check.__doc__ or "")[:7] for check in CHECKS]
    assert sorted(codes) == sorted(set(codes)) == [path.stem for path in HALLS]


def test_a_hall_without_the_fault_is_clean(tmp_path):
    """Given the faulty hall with a switch that exists, nothing is left to say."""
    text = (FAULTY / "NET-001.yaml").read_text().replace("QM9800", "QM9700")
    path = tmp_path / "hall.yaml"
    path.write_text(text)
    assert problems_in(path) == []


def test_unknown_names_come_with_near_ones():
    """Given `QM9800`, the fix offers the switch that was probably meant."""
    [problem] = problems_in(FAULTY / "NET-001.yaml")
    assert "QM9700" in problem.fix


def test_two_fabrics_share_the_switches_of_a_rack(tmp_path):
    """Given racks with 32 switches, a fabric of 24 leaves 8, too few for a second of 24."""
    text = (FAULTY / "NET-001.yaml").read_text().replace("QM9800", "QM9700")
    second = text[text.index("  - name: compute") :].replace("name: compute", "name: second")
    path = tmp_path / "hall.yaml"
    path.write_text(text + second)
    [problem] = problems_in(path)
    assert (problem.code, "hold 8 for it" in problem.what) == ("NET-012", True)
