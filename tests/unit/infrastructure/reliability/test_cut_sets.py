"""Cut sets by symmetry against all sets tried one by one."""

import itertools
from collections import Counter

import pytest
from tests.unit.infrastructure.reliability.supplies import drawn, large, one_side, two_sides

from datahall.infrastructure.reliability.common_cause import SharedCause, shared_causes
from datahall.infrastructure.reliability.cut_sets import CutSet, CutSets
from datahall.infrastructure.reliability.supply import Load, Supply


def tried_one_by_one(cuts: CutSets, order: int) -> Counter[int]:
    """Minimal sets of an order for each rack: nothing but the definition."""
    found: Counter[int] = Counter()
    for units in itertools.combinations(range(len(cuts.supply.units)), order):
        smaller = [cuts.outages.after(set(units) - {unit}).dark_loads for unit in units] if order > 1 else []
        found.update(cuts.outages.after(units).dark_loads.difference(*smaller))
    return found


def by_symmetry(cuts: CutSets, sets: tuple[CutSet, ...]) -> Counter[int]:
    found: Counter[int] = Counter()
    for cut in sets:
        for number, count in cut.racks.items():
            assert count == pytest.approx(round(count)), "an orbit hits each rack of a class equally often"
            found.update(dict.fromkeys(cuts.rack_classes[number], round(count)))
    return found


@pytest.mark.parametrize("seed", range(40))
def test_random_graphs(seed: int) -> None:
    """Given a random supply, singles and pairs by symmetry are as many, for each rack, as those tried one by one."""
    cuts = CutSets(drawn(seed))
    assert by_symmetry(cuts, cuts.singles) == tried_one_by_one(cuts, 1)
    assert by_symmetry(cuts, cuts.pairs) == tried_one_by_one(cuts, 2)


@pytest.mark.parametrize("rack_w", [40e3, 47e3])
def test_a_regular_hall(rack_w: float) -> None:
    """Given two blocks with spares that are enough, or not, counts for each rack are those tried one by one."""
    cuts = CutSets(large(blocks=2, pdus=2, taps=2, rack_w=rack_w))
    assert by_symmetry(cuts, cuts.singles) == tried_one_by_one(cuts, 1)
    assert by_symmetry(cuts, cuts.pairs) == tried_one_by_one(cuts, 2)


def test_spares_come_from_ratings_and_load() -> None:
    """Given 100 kW on five modules of 30 kW, four are needed: any two of five are a cut set; on modules of 50 kW, any four."""
    tight, ample = CutSets(one_side(modules=5, module_w=30e3)), CutSets(one_side(modules=5, module_w=50e3))
    [pair] = [cut for cut in tight.pairs if tight.supply.units[cut.units[0]].kind == "ups"]
    assert pair.racks == {0: 10.0} and not [cut for cut in tight.groups if cut.down > 2]
    assert [(cut.down, len(cut.group)) for cut in ample.groups if not cut.units] == [(4, 5)]


def test_power_of_the_plant_counts_for_all_racks() -> None:
    """Given a cooling plant on one of two utilities, that utility is a cut set of cooled racks, though not of their power."""
    hall = two_sides()
    plant = Load("cooling plant", 1e3, (0,), kind="mechanical")
    cuts = CutSets(Supply(hall.units, (*hall.loads, plant)))
    [cut] = cuts.singles
    assert (cut.units, cut.racks, cut.served, cut.plant) == ((0,), {}, {0: 1.0}, 1.0)


def test_generators_share_a_cause_that_matters_only_without_the_grid() -> None:
    """Given two sides, both UPS share a cause; a cause of both utilities takes the racks down only beside the generator."""
    hall = two_sides()
    cuts = CutSets(hall)
    causes = shared_causes(hall, hall.upstream_of(0), lambda units, given=(): 0 in cuts.down(units, given=given).racks)
    name = hall.index
    assert SharedCause((name["ups-a"], name["ups-b"])) in causes
    assert SharedCause((name["utility-a"], name["utility-b"]), (name["gen"],)) in causes
