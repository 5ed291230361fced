"""The twin's plant under the plan's steady load is the planner's year."""

from pathlib import Path

import pytest

from datahall.planner.facility import facility_year
from datahall.planner.load import Loaded, load
from datahall.planner.plan import plan_of
from datahall.twin.plant import Played, plant_of, play, steps
from datahall.twin.plant.slices import HOUR_MS

HALLS = Path(__file__).parents[2] / "halls"


def played(loaded: Loaded, *, more_it_w: float = 0.0, evenly: bool = False) -> Played:
    plant = plant_of(loaded.hall, loaded.estate, loaded.catalogue, loaded.folder, more_it_w=more_it_w)
    held = plant.places.units[:, None]
    end_ms = plant.year_h * HOUR_MS
    rows = steps(plant.places, [0, end_ms], held * loaded.hall.operation.utilisation_ratio, held)
    return play(plant, rows, end_ms=end_ms, evenly=evenly)


@pytest.mark.parametrize("name", ["h100-64", "h100-512", "rented-rack-4"])
def test_a_steady_year_is_the_plan(name: str) -> None:
    """Given a worked hall whose racks share the draw as the plan has it, energy, PUE, water, carbon and bill agree to 1e-6."""
    loaded = load(HALLS / f"{name}.yaml")
    plan = plan_of(loaded)
    found = played(loaded, more_it_w=plan.network.not_placed_w, evenly=True)
    assert found.total("it_kwh") == pytest.approx(plan.year.it.total.kwh, rel=1e-6)
    assert found.total("facility_kwh") == pytest.approx(plan.year.facility.total.kwh, rel=1e-6)
    assert found.mean_pue == (None if plan.year.pue is None else pytest.approx(plan.year.pue, rel=1e-6))
    if plan.year.water_l is not None:
        assert found.total("water_l") == pytest.approx(plan.year.water_l, rel=1e-6)
    figures = plan.figures
    assert found.total("carbon_kgco2e") == pytest.approx(figures["carbon_location_kgco2e"].value, rel=1e-6)
    lines = [figures.value(f"cost_{line}_per_year") or 0.0 for line in ("energy", "demand", "water")]
    assert found.total("money") == pytest.approx(sum(lines), rel=1e-6)


def test_racks_that_are_alike_need_no_even_share(tmp_path: Path) -> None:
    """Given a hall of one kind of rack with a demand charge, rack by rack gives the plan's year to 1e-6 as it stands."""
    path = tmp_path / "hall.yaml"
    path.write_text(ALIKE, encoding="utf-8")
    loaded = load(path)
    year = facility_year(loaded.hall, loaded.estate, loaded.catalogue, loaded.folder)
    found = played(loaded)
    assert found.total("facility_kwh") == pytest.approx(year.facility.total.kwh, rel=1e-6)
    assert found.mean_pue == pytest.approx(year.pue, rel=1e-6)
    assert found.demand_money == pytest.approx(plan_of(loaded).figures["cost_demand_per_year"].value, rel=1e-6)


ALIKE = """
schema_version: 1
name: alike
site:
  country: DEU
  weather: {builtin: temperate}
  tariff: {energy_per_kwh: 0.10, demand_per_kw_month: 10}
power:
  elements:
    - {name: grid, kind: utility, rating_w: 300 kW}
    - {name: "ups-[a,b]", kind: ups, part: ups-double-conversion, rating_w: 120 kW, fed_by: [grid]}
    - {name: "pdu-[a,b]", kind: pdu, part: pdu-transformer, rating_w: 120 kW, fed_by: ["ups-[a,b]"]}
cooling:
  air: {kind: chilled_water, supply_c: 24}
racks:
  - name: r[1-4]
    part: rack-48u-750x1200
    feeds: [pdu-a, pdu-b]
    contents: [{part: hgx-h100-8, count: 2}]
operation: {utilisation_ratio: 0.6}
"""
