"""A plan traces what it says, lists what it took for granted, and does not invent the rest."""

from pathlib import Path

import pytest

from datahall.foundation.errors import Missing
from datahall.planner.figures import Figure, Figures
from datahall.planner.load import Loaded, load
from datahall.planner.plan import Plan, plan_of


@pytest.fixture
def plan(loaded: Loaded) -> Plan:
    return plan_of(loaded)


def test_the_cost_is_what_a_hand_computes(plan: Plan) -> None:
    """Given prices and lifetimes, energy is priced by the meter and servers by their annuity."""
    value = plan.figures.value
    energy = value("facility_energy_kwh")
    assert energy is not None
    assert value("cost_energy_per_year") == pytest.approx(0.10 * energy)
    annuity = 0.08 / (1 - 1.08**-5)
    assert value("cost_servers_per_year") == pytest.approx(4 * 300_000 * annuity)
    assert value("cost_per_installed_hour") == pytest.approx((value("cost_per_year") or 0) / (32 * 8760))


def test_every_computed_figure_has_a_formula_and_every_other_a_source(plan: Plan) -> None:
    """Given a plan, no figure stands there without a reason."""
    nowhere = [f.name for f in plan.figures.by_name.values() if not f.formula and not f.source]
    assert nowhere == []


def test_a_declared_figure_names_its_line(plan: Plan) -> None:
    """Given a load written in the file, its figure says the line; given a default, that it was assumed."""
    load_ratio, sold = plan.figures["utilisation_ratio"], plan.figures["sold_ratio"]
    assert load_ratio.source.endswith("hall.yaml:28 operation.utilisation_ratio") and not load_ratio.assumed
    assert sold.assumed and "operation.sold_ratio" in sold.source


def test_walking_from_pue_reaches_the_hall_file(plan: Plan) -> None:
    """Given PUE, its trace ends in lines of the file, catalogue rows and the weather."""
    leaves = [f.source for _, f in plan.figures["pue"].walk() if not f.inputs]
    assert any("hall.yaml:28" in source for source in leaves)
    assert any("catalogue row hgx-h100-8" in source for source in leaves)
    assert any("temperate" in source for source in leaves)


def test_what_no_rack_feels_is_said(plan: Plan) -> None:
    """Given one utility behind both sides, the sweep names it as what takes down everything; the UPSs it forgives."""
    assert plan.survival is not None
    by_name = plan.survival.sweep.by_name
    assert len(by_name["grid"].dark_racks) == 2 and not by_name["ups-a"].takes_down
    assert any("`grid`" in line for line in plan.survival.harm)


def test_what_is_not_declared_is_not_invented(tmp_path: Path) -> None:
    """Given a hall without site, cooling and prices, there is nothing is invented, and each gap says what to declare."""
    path = tmp_path / "bare.yaml"
    path.write_text("{schema_version: 1, name: bare, racks: [{name: r1, contents: [{part: hgx-h100-8, count: 1}]}]}")
    plan = plan_of(load(path))
    assert "pue" not in plan.figures and "carbon_location_kgco2e" not in plan.figures
    assert {"cooling", "power.elements"} <= {gap.where for gap in plan.missing}
    assert any("economy.server_price.hgx-h100-8" in gap.where or "build_per_critical_w" in gap.where for gap in plan.missing)
    assert plan.figures["it_peak_w"].value == 10_200


def test_an_unknown_figure_names_near_ones(plan: Plan) -> None:
    """Given a name with a slip, the near one is offered."""
    with pytest.raises(Missing, match="Did you mean pue"):
        plan.figures["peu"]


def test_two_figures_never_share_a_name() -> None:
    """Given a second value for a name, that is our fault, and it is not hidden."""
    figures = Figures()
    figures.add(Figure("pue", 1.1, "1", source="here"))
    with pytest.raises(AssertionError, match="two figures are called pue"):
        figures.add(Figure("pue", 1.2, "1", source="there"))


def test_json_has_no_holes(plan: Plan) -> None:
    """Given a plan as JSON, every number is finite and every input is a figure of the plan."""
    import json

    found = json.loads(json.dumps(plan.as_dict(), allow_nan=False))
    assert all(name in found["figures"] for figure in found["figures"].values() for name in figure["inputs"])


POWER = """
power:
  elements:
    - {name: grid, kind: utility, rating_w: 200 kW}
    - {name: tx-1, kind: transformer, rating_w: 200 kW, fed_by: [grid]PART}
racks: [{name: r1, feeds: [tx-1], contents: [{part: hgx-h100-8, count: 1}]}]
"""


@pytest.mark.parametrize(("part", "lost"), [("", 0), (", part: transformer-mv-lv", 1)])
def test_elements_that_lose_nothing_are_told(tmp_path: Path, part: str, lost: int) -> None:
    """Given a transformer without a part, no loss is counted, and the plan says of which elements; with one, of the rest."""
    path = tmp_path / "hall.yaml"
    path.write_text("schema_version: 1\nname: lossless" + POWER.replace("PART", part))
    plan = plan_of(load(path))
    [told] = [a.what for a in plan.assumptions if "no loss coefficients" in a.what]
    assert told.startswith(f"{2 - lost} elements") and "1 such as grid (utility)" in told
    assert ("tx-1 (transformer)" in told) == (not lost)
    assert any("losses between" in gap.what for gap in plan.missing) == (not lost)


def test_a_hall_without_power_elements_has_no_losses_to_tell(tmp_path: Path) -> None:
    """Given racks that hang on nothing, losses are named among what was not computed."""
    path = tmp_path / "hall.yaml"
    path.write_text("{schema_version: 1, name: bare, racks: [{name: r1, contents: [{part: hgx-h100-8, count: 1}]}]}")
    gaps = [gap for gap in plan_of(load(path)).missing if "losses between" in gap.what]
    assert [gap.where for gap in gaps] == ["power.elements"]
