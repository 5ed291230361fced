"""Cut sets and closed forms against repyability 0.15, an independent solver of block diagrams and fault trees."""

import itertools
import warnings
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.infrastructure.reliability.supplies import one_side, two_sides

from datahall.infrastructure.reliability.availability import availability_of_supply
from datahall.infrastructure.reliability.closed_forms import any_of, at_least, k_of_n_unavailability, unavailability
from datahall.infrastructure.reliability.supply import Supply
from datahall.infrastructure.spec import Reliability

NAIVE = Reliability(beta_ratio=0, maintenance_h_per_year=0, human_error_per_maintenance=0)
UPS, PDU, UTILITY = (0.0128, 24.0), (0.0024, 61.0), (2.0, 1.5)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from repyability import BetaFactor, CCFGroup, FaultTree, RepairableRBD
    from surpyval import Exponential


def diagram(edges: list[tuple[str, str]], figures: dict[str, tuple[float, float]], **more: Any) -> float:
    """Long-run unavailability between `in` and `out`; figures: failures a year and hours of repair of each block."""
    parts = {
        name: {
            "reliability": Exponential.from_params([failures_per_year / 8760]),
            "repairability": Exponential.from_params([1 / repair_h]),
        }
        for name, (failures_per_year, repair_h) in figures.items()
    }
    return float(RepairableRBD(edges, parts, input_node="in", output_node="out", **more).mean_unavailability())


def down(figures: tuple[float, float]) -> float:
    return unavailability(failures_per_year=figures[0], repair_h=figures[1])


def test_series() -> None:
    """Given utility, UPS and PDU in series, both say the same."""
    edges = [("in", "utility"), ("utility", "ups"), ("ups", "pdu"), ("pdu", "out")]
    theirs = diagram(edges, {"utility": UTILITY, "ups": UPS, "pdu": PDU})
    assert any_of(map(down, (UTILITY, UPS, PDU))) == pytest.approx(theirs, rel=1e-9)


def test_two_of_three_with_the_graph_counting_the_spares() -> None:
    """Given 100 kW on three modules of 60 kW, the cut sets of the graph give what their 2-of-3 diagram gives."""
    modules = [f"ups{i}" for i in range(3)]
    edges = [("in", "utility"), *(("utility", m) for m in modules), *((m, "pdu") for m in modules), ("pdu", "out")]
    theirs = diagram(edges, {"utility": UTILITY, "pdu": PDU, **dict.fromkeys(modules, UPS)}, k={"pdu": 2})
    assert 1 - availability_of_supply(one_side(), reliability=NAIVE).availability == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize(("needed", "count", "beta"), [(1, 2, 0.05), (2, 3, 0.1), (3, 5, 0.02)])
def test_beta_factor_of_a_group(needed: int, count: int, beta: float) -> None:
    """Given k of n units that share a part of their failures, their fault tree and our closed form say the same."""
    names = [f"ups{i}" for i in range(count)]
    tree = FaultTree(
        {"top": ("vote", count - needed + 1, names)},
        dict.fromkeys(names, down(UPS)),
        ccf_groups=[CCFGroup(names, BetaFactor(beta))],
    )
    ours = k_of_n_unavailability(needed=needed, count=count, chance=down(UPS), beta_ratio=beta)
    assert ours == pytest.approx(float(tree.ff()), rel=1e-9)


def test_we_repair_after_a_common_cause_as_one_where_their_diagram_repairs_each() -> None:
    """Given two units with a beta of 5 %, their diagram is up again with the first of two repairs: half as long as ours."""
    edges = [("in", "a"), ("in", "b"), ("a", "out"), ("b", "out")]
    theirs = diagram(edges, {"a": UPS, "b": UPS}, ccf_groups=[CCFGroup(["a", "b"], BetaFactor(0.05))])
    assert k_of_n_unavailability(needed=1, count=2, chance=down(UPS), beta_ratio=0.05) == pytest.approx(2 * theirs, rel=1e-3)


def test_two_sides_with_utilities_a_generator_and_switches() -> None:
    """Given two paths that share a generator, the exact diagram has what our cut sets have, plus the sets of three."""
    hall = two_sides()
    edges = [("in", "utility-a"), ("in", "utility-b"), ("in", "gen")]
    edges += [(source, f"ats-{side}") for side in "ab" for source in (f"utility-{side}", "gen")]
    edges += [(f"ats-{side}", f"ups-{side}") for side in "ab"] + [(f"ups-{side}", "out") for side in "ab"]
    figures = {unit.name: (unit.failures_per_year or 0.0, unit.repair_h or 0.0) for unit in hall.units}
    started = Supply(tuple(replace(unit, fail_to_start_ratio=None) for unit in hall.units), hall.loads)
    ours = 1 - availability_of_supply(started, reliability=NAIVE).availability
    utility, gen, side = down(UTILITY), down(figures["gen"]), any_of(map(down, (UPS, figures["ats-a"])))
    of_three = utility * gen * (utility + 2 * side)
    assert ours + of_three == pytest.approx(diagram(edges, figures), rel=1e-3)
    assert of_three < 0.05 * ours


def test_the_bridge_of_the_textbooks() -> None:
    """Given the bridge with five alike parts, its minimal cuts {1,2} {4,5} {1,3,5} {2,3,4} bound the exact diagram closely.

    Source: Billinton and Allan, Reliability Evaluation of Engineering Systems, 1992, chapter 5: the bridge and its cut sets.
    """
    p = 0.01
    edges = [("in", "1"), ("in", "2"), ("1", "4"), ("2", "5"), ("4", "out"), ("5", "out")]
    across = [("1", "3"), ("2", "3"), ("3", "4"), ("3", "5")]
    theirs = diagram([*edges, *across], {str(i): (8760 * p / (1 - p), 1.0) for i in range(1, 6)})
    exact = 0.0
    for up in itertools.product((0, 1), repeat=5):
        works = (up[0] and (up[3] or (up[2] and up[4]))) or (up[1] and (up[4] or (up[2] and up[3])))
        exact += 0.0 if works else p ** (5 - sum(up)) * (1 - p) ** sum(up)
    assert theirs == pytest.approx(exact, rel=1e-9)
    assert exact <= any_of((p**2, p**2, p**3, p**3)) == pytest.approx(exact, rel=1e-3)
    assert any_of((at_least(2, of=2, chance=p),) * 2) < exact, "order two alone is below: the order-three cuts are missing"
