"""A figure follows from the inputs that it names, by the formula that it tells: each is worked out again here."""

from collections.abc import Callable
from math import exp, expm1, log, prod
from pathlib import Path

import pytest

from datahall.planner.figures import Figure
from datahall.planner.load import load
from datahall.planner.plan import Plan, plan_of

HALLS = Path(__file__).parents[3] / "halls"
Facts = dict[str, float]


@pytest.fixture(scope="module")
def whole() -> Plan:
    """A hall with all sections."""
    return plan_of(load(HALLS / "h100-64.yaml"))


def facts_of(figure: Figure) -> Facts:
    """Inputs by the last word of their name."""
    found: Facts = {}
    for part in figure.inputs:
        short = part.name.rpartition(".")[2]
        assert short not in found, f"{figure.name} has two inputs called {short}"
        found[short] = part.value
    return found


def added(figure: Figure) -> float:
    return sum(part.value for part in figure.inputs)


@pytest.mark.parametrize("hall", sorted(path.stem for path in HALLS.glob("*.yaml")))
def test_every_computed_figure_names_its_inputs(hall: str) -> None:
    """Given each of the halls that come with Datahall, no formula stands there without what goes into it."""
    figures = plan_of(load(HALLS / f"{hall}.yaml")).figures
    assert [f.name for f in figures.by_name.values() if f.formula and not f.inputs] == []
    assert [f.name for f in figures.by_name.values() if not f.formula and not f.source] == []


SIMPLE: dict[str, Callable[[Facts], float]] = {
    "pue": lambda f: f["facility_energy_kwh"] / f["it_energy_kwh"],
    "wue_l_per_kwh": lambda f: f["water_m3"] * 1e3 / f["it_energy_kwh"],
    "cue_kgco2e_per_kwh": lambda f: f["carbon_location_kgco2e"] / f["it_energy_kwh"],
    "carbon_location_kgco2e": lambda f: f["facility_energy_kwh"] * f["grid_location_kgco2e_per_kwh"],
    "cost_per_installed_hour": lambda f: f["cost_per_year"] / f["accelerators"] / f["year_h"],
    "cost_per_useful_hour": lambda f: (
        f["cost_per_year"] / prod(f[n] for n in ("accelerators", "year_h", "sold_ratio", "goodput_ratio"))
    ),
    "cost_energy_per_year": lambda f: f["facility_energy"] * f["mean_price"],
    "capital_building": lambda f: f["build_price"] * f["critical_power"],
    "storage.fast.usable_bytes": lambda f: (
        f["devices"] * f["device_bytes"] * (f["fragments"] - f["tolerated"]) / f["fragments"] * f["fill_ratio"]
    ),
    "storage.fast.read_bytes_per_s": lambda f: min(
        f["devices"] * f["device_read_bytes_per_s"], f.get("network_bytes_per_s", 1e30)
    ),
    "storage.fast.write_bytes_per_s": lambda f: (
        min(f["devices"] * f["device_write_bytes_per_s"], f.get("network_bytes_per_s", 1e30))
        * (f["fragments"] - f["tolerated"])
        / f["fragments"]
    ),
    "checkpoint_write_s": lambda f: f["checkpoint_bytes"] / f["write_bytes_per_s"],
    "data_loading_ratio": lambda f: f["accelerators"] * f["load_bytes_per_s_per_accelerator"] / f["read_bytes_per_s"],
    "generator_fuel_h": lambda f: f["fuel_h"] / f["generator_load_ratio"],
    "battery_s": lambda f: f["battery_wh"] * 3600 / (f["battery_load_w"] + f["battery_ups_loss_w"]),
    "air_heat_at_full_load_w": lambda f: f["it_design_w"] * (1 - f["liquid_heat_ratio"]) + f["indoor_loss_at_full_load_w"],
    "house_energy_kwh": lambda f: f["house_load_w"] * 8.76,
    "downtime_h_per_year": lambda f: (1 - f["availability"]) * 8760,
    "fabric.compute.endpoints": lambda f: f["servers"] * f["ports_of_one_server"],
    "fabric.compute.radix": lambda f: (
        f["ports_of_one_switch"] * min(f["port_splits_into"], f["port_bits_per_s"] // f["link_bits_per_s"])
    ),
    "fabric.compute.power_not_placed_w": lambda f: f["power_w"] * (1 - f["switches_in_racks"] / f["switches"]),
    "job_mtti_h": lambda f: 8760 / f["interruptions_per_accelerator_year"] / f["accelerators"],
    "job_goodput_ratio": lambda f: (
        f["job_save_every_s"]
        / (
            (m := f["job_mtti_h"] * 3600)
            * exp(f["job_restart_s"] / m)
            * expm1((f["job_save_every_s"] + f["checkpoint_write_s"]) / m)
        )
    ),
}


@pytest.mark.parametrize("name", list(SIMPLE))
def test_closed_formulas_give_what_the_plan_says(whole: Plan, name: str) -> None:
    """Given the inputs of a figure, its formula worked out by hand gives its value."""
    figure = whole.figures[name]
    assert figure.value == pytest.approx(SIMPLE[name](facts_of(figure)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    "name",
    [
        "cost_per_year",
        "capital",
        "facility_energy_kwh",
        "cooling_energy_kwh",
        "power_loss_kwh",
        "it_peak_w",
        "it_peak_in_racks_w",
        "it_idle_w",
        "racks",
        "servers",
        "fabric.compute.switches",
        "fabric.compute.links",
    ],
)
def test_sums_are_the_sum_of_their_inputs(whole: Plan, name: str) -> None:
    """Given a figure whose formula is a sum, its inputs add up to it."""
    assert whole.figures[name].value == pytest.approx(added(whole.figures[name]), rel=1e-9)


@pytest.mark.parametrize("line", ["servers", "network", "storage"])
def test_what_is_bought_is_counts_times_prices(whole: Plan, line: str) -> None:
    """Given a line of things that are bought, counts and prices of its inputs give its capital, and the annuity its year."""
    capital, year = whole.figures[f"capital_{line}"], whole.figures[f"cost_{line}_per_year"]
    inputs = list(capital.inputs)
    pairs = zip(inputs[::2], inputs[1::2], strict=True)
    assert capital.value == pytest.approx(sum(count.value * price.value for count, price in pairs), rel=1e-9)
    facts = {part.name.rpartition(".")[2]: part.value for part in year.inputs}
    rate, life = facts["discount_rate_ratio"], next(v for k, v in facts.items() if k.endswith("life_years"))
    assert year.value == pytest.approx(capital.value * rate / -expm1(-life * log(1 + rate)), rel=1e-9)


@pytest.mark.parametrize("fabric", ["compute", "storage", "management"])
def test_a_fabric_draws_its_switches_and_their_optics(whole: Plan, fabric: str) -> None:
    """Given counts and draws of switches and optics, they make the fabric's power."""
    switches, one, *optics = whole.figures[f"fabric.{fabric}.power_w"].inputs
    pairs = zip(optics[::2], optics[1::2], strict=True)
    hand = switches.value * one.value + sum(count.value * each.value for count, each in pairs)
    assert whole.figures[f"fabric.{fabric}.power_w"].value == pytest.approx(hand, rel=1e-9)


def test_embodied_carbon_is_counts_over_lives(whole: Plan) -> None:
    """Given what making one emits, how many there are and how long they live, the year's share follows."""
    inputs = list(whole.figures["embodied_kgco2e"].inputs)
    lines = zip(inputs[::3], inputs[1::3], inputs[2::3], strict=True)
    hand = sum(count.value * each.value / life.value for count, each, life in lines)
    assert whole.figures["embodied_kgco2e"].value == pytest.approx(hand, rel=1e-9)


def test_energy_of_it_follows_from_idle_peak_and_load(whole: Plan) -> None:
    """Given a hall without a cap, the year's energy is idle and the mean load's share of what is above it."""
    f = facts_of(whole.figures["it_energy_kwh"])
    hand = (f["it_idle_w"] + (f["it_peak_w"] - f["it_idle_w"]) * f["utilisation_ratio"]) * f["year_h"] / 1e3
    assert whole.figures["it_energy_kwh"].value == pytest.approx(hand, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("cooling_compressors_kwh", {"carnot_ratio", "evaporator_approach_k", "heat_rejected_kwh"}),
        ("water_m3", {"latent_heat_j_per_kg", "heat_rejected_kwh", "cooling_plant_cycles_of_concentration"}),
        (
            "ride_through_s",
            {
                "cooling_ride_through_tank_water_kg",
                "cooling_ride_through_wall_w_per_k",
                "cooling_ride_through_rack_coupling_ratio",
                "cooling_air_supply_c",
                "racks_weight_kg",
                "air_heat_at_full_load_w",
            },
        ),
        ("availability_independent", {"failures_per_year", "repair_h"}),
        ("availability", {"maintenance_h_per_year", "human_error_per_maintenance", "availability_with_common_cause"}),
        (
            "all_reduce_whole_fabric_1073741824_s",
            {"link_bits_per_s", "scale_up_bytes_per_s", "collectives_hop_cycles", "domains"},
        ),
        ("fabric.compute.leaf_switches", {"endpoints", "radix", "rails", "oversubscription"}),
    ],
)
def test_what_is_solved_names_what_it_was_solved_from(whole: Plan, name: str, wanted: set[str]) -> None:
    """Given a figure without a formula of one line, what its formula speaks of is among its inputs."""
    found = {part.name.rpartition(".")[2] for part in whole.figures[name].inputs}
    assert wanted <= found


def test_unverified_failure_rates_show_under_availability(whole: Plan) -> None:
    """Given rates that nobody checked, they stand under availability as assumed."""
    inputs = whole.figures["availability_independent"].inputs
    assert any(part.assumed and "unverified" in part.source for part in inputs)


def test_the_price_of_the_building_says_whence_it_is(whole: Plan) -> None:
    """Given economy.build_source, it stands beside the line of the price."""
    source = whole.figures["cost.building.build_price"].source
    assert "economy.build_per_critical_w" in source and str(whole.loaded.hall.economy.build_source) in source
