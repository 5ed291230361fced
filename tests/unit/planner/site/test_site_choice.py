import json

import pytest
from tests.unit.planner.site.conftest import SITES

from datahall.planner.site.measures import figure_text

WEIGHTS = SITES[SITES.index("weights:") : SITES.index("draws:")]


def test_the_best_in_everything_wins_and_says_why(choose):
    """Given a northern site that is cheaper, cleaner, nearer and with more power, it wins by all methods, in any draw."""
    choice = choose()
    assert [site.name for site in choice.sites] == ["north", "middle", "south"]
    winner = choice.sites[0]
    assert winner.ranks == {"topsis": 1, "promethee": 1, "vikor": 1}
    assert winner.around["topsis"].first_ratio == winner.anywhere["vikor"].first_ratio == 1.0
    who, why, firmly, *rest = choice.answer
    assert who == "north comes first of 3 sites by TOPSIS (1.000), and by PROMETHEE II and VIKOR."
    assert "Against middle, the runner-up, it earns" in why
    assert "carbon (" in why
    assert "100% of 500 weight draws" in firmly
    assert "No change of a single weight, others in proportion, would put another site first." in rest


def test_figures_are_those_of_the_hall_at_the_site(choose):
    """Given a year of 1 kW at PUE 1.2 in the north, PUE, carbon, price and headroom follow by hand."""
    north = choose().sites[0]
    assert north.figures["pue"] == pytest.approx(1.2)
    assert north.figures["cue_kgco2e_per_kwh"] == pytest.approx(0.02 * 1.2)
    assert north.figures["energy_price_per_kwh"] == pytest.approx(0.05)
    assert north.figures["power_headroom_ratio"] == pytest.approx(5 / 1.2 - 1)
    assert north.figures["wue_l_per_kwh"] == pytest.approx(1.0)
    assert north.figures["hazard"] == pytest.approx(1 - 0.9 * 0.8)
    assert north.year.peak_w == pytest.approx(1200)


def test_foreign_prices_are_converted(choose):
    """Given 0.10 EUR at 1.1 USD, the middle site pays 0.11 USD."""
    middle = choose().sites[1]
    assert middle.figures["energy_price_per_kwh"] == pytest.approx(0.11)


def test_incentives_lower_the_cost(choose):
    """Given 0.01 USD back for each kWh, 100 USD a year and half the building paid, the cost falls by their sum."""
    before = choose().sites[0].year
    told = "    incentives: {per_year: 100, per_kwh: 0.01, capital_ratio: 0.5, source: test}\n    power_available_w: 5 kW"
    after = choose(("    power_available_w: 5 kW", told)).sites[0].year
    building = 10 * 1000 * 0.08 / (1 - 1.08**-15)  # annuity of 15 years at 8 %
    saved = 100 + 0.01 * 8760 * 1.2 + 0.5 * building
    assert before.cost_per_year - after.cost_per_year == pytest.approx(saved, rel=1e-9)


def test_the_same_seed_gives_the_same_answer(choose):
    """Given the same file twice, all that is said is the same; another seed moves only the draws."""
    closer = (("latitude_deg: 60", "latitude_deg: 40"), ("0.05}", "0.20}"), ("0.02}", "0.3}"))
    one, two = choose(*closer).as_dict(), choose().as_dict()
    assert one == two
    other = choose(("draws: 500", "draws: 500\nseed: 2")).as_dict()
    assert other["sites"][0]["scores"] == one["sites"][0]["scores"]
    assert other != one
    assert json.loads(json.dumps(one)) == one


@pytest.mark.parametrize(
    ("edits", "rule", "said"),
    [
        (
            (("    power_available_w: 3 kW", "    policy: {allowed: false, note: a moratorium}"),),
            "policy.allowed",
            "a moratorium",
        ),
        ((("criteria:", "constraints: {min_power_w: 3.5 kW}\ncriteria:"),), "min_power_w", "3.00 kW are at hand, but 3.50 kW"),
        (
            (("power_available_w: 3 kW", "power_available_w: 1 kW"),),
            "power_available_w",
            "at full load, but 1.00 kW are at hand",
        ),
        (
            (("criteria:", "constraints: {max_rtt_s: 100 ms}\ncriteria:"),),
            "max_rtt_s",
            "ms to the users, but at most 100 ms",
        ),
        ((("criteria:", "constraints: {max_cue_kgco2e_per_kwh: 0.6}\ncriteria:"),), "max_cue_kgco2e_per_kwh", "at most 0.600"),
        ((("criteria:", "constraints: {max_pue: 1.3}\ncriteria:"),), "max_pue", "1.40 PUE, but at most 1.30"),
        ((("criteria:", "constraints: {max_hazard: 0.29}\ncriteria:"),), "max_hazard", "0.300 natural hazards"),
        (
            (("criteria:", "constraints: {max_energy_price_per_kwh: 0.105 EUR}\ncriteria:"),),
            "max_energy_price_per_kwh",
            "0.120 a kWh on average, but at most 0.116",
        ),
    ],
)
def test_a_broken_rule_excludes_with_its_numbers(choose, edits, rule, said):
    """Given one limit that the southern site breaks, it is out by that rule alone, and the others are ranked."""
    choice = choose(*edits)
    [exclusion] = choice.excluded
    assert (exclusion.candidate, exclusion.rule) == ("south", rule)
    assert said in exclusion.what
    assert [site.name for site in choice.sites] == ["north", "middle"]
    assert any(line.startswith("south is out: ") for line in choice.answer)


def test_siting_rules_exclude_by_clause_and_advice_is_noted(choose):
    """Given class A, a site 12 km from a nuclear plant is out by clause; 50 m from a metro line is noted, unless it binds."""
    near = ("      longitude_deg: 104", "      longitude_deg: 104\n      surroundings: {nuclear_plant_m: 12000}")
    metro = ("      longitude_deg: 9\n", "      longitude_deg: 9\n      surroundings: {metro_m: 50}\n")
    limits = ("criteria:", "constraints: {class_gb50174: A}\ncriteria:")
    choice = choose(near, metro, limits)
    [exclusion] = choice.excluded
    assert exclusion.candidate == "south"
    assert exclusion.rule == "GB 50174-2017, Appendix A, siting: danger zones of nuclear power stations"
    assert "12 km away, and GB 50174-2017 class A shall keep 40 km" in exclusion.what
    assert any("middle: a metro line is 50 m away" in note and "advice" in note for note in choice.notes)
    assert any(note.startswith("north: 11 of 11 siting rules were not judged") for note in choice.notes)
    binding = choose(("class_gb50174: A", "class_gb50174: A, advice_binds: true"))
    assert {e.candidate for e in binding.excluded} == {"south", "middle"}


def test_flood_fault_and_roads_exclude_without_a_class(choose):
    """Given a site that may flood, on a fault, with one road, each of the three limits excludes it, each told once."""
    near = "surroundings: {flood_prone: true, on_seismic_fault: true, access_roads: 1}"
    limits = "constraints: {not_flood_prone: true, not_on_fault: true, min_access_roads: 2}"
    choice = choose(
        ("      longitude_deg: 104", f"      longitude_deg: 104\n      {near}"), ("criteria:", f"{limits}\ncriteria:")
    )
    assert [e.rule for e in choice.excluded] == ["not_flood_prone", "not_on_fault", "min_access_roads"]


@pytest.mark.parametrize(("limit", "said"), [("0.05", "only `north` is left"), ("0.001", "none is left")])
def test_with_one_site_or_none_left_there_is_nothing_to_rank(choose, limit, said):
    """Given limits that leave one site, or none, the choice has no winner, names who is out, and says what to do."""
    choice = choose(("criteria:", f"constraints: {{max_cue_kgco2e_per_kwh: {limit}}}\ncriteria:"))
    assert choice.winner is None
    assert choice.verdict.code == "SITE-009"
    assert said in choice.verdict.what
    assert "sites.yaml:31 constraints" in choice.verdict.where
    assert choice.as_dict()["winner"] is None
    assert len(choice.excluded) in (2, 3)


def test_weights_by_entropy_and_equal(choose):
    """Given entropy weights, PUE weighs least, for there sites differ least; given equal ones, all weigh a fifth."""
    choice = choose((WEIGHTS, "weights: entropy\n"))
    weights = {c.measure: c.weight for c in choice.criteria}
    assert min(weights, key=weights.get) == "pue"
    assert weights["cue_kgco2e_per_kwh"] > 0.2
    assert sum(weights.values()) == pytest.approx(1)
    assert choice.weights_from == "entropy"
    assert {c.weight for c in choose(("weights: entropy\n", "")).criteria} == {0.2}


def test_what_would_change_it_is_named(choose):
    """Given a cheap dirty site against a clean dear one, the weight of carbon that turns it and the price to reach are told."""
    choice = choose(
        ("{carbon_kgco2e_per_kwh: 0.02}", "{carbon_kgco2e_per_kwh: 0.45}"),
        ("0.10 EUR", "0.11 EUR"),
        ("cost_per_accelerator_h: 0.4", "cost_per_accelerator_h: 0.3"),
        ("cue_kgco2e_per_kwh: 0.3", "cue_kgco2e_per_kwh: 0.4"),
    )
    change = choice.as_dict()["what_would_change"]
    [carbon] = [c for c in change if c["measure"] == "cue_kgco2e_per_kwh"]
    assert carbon["then_first"] == choice.sites[1].name or carbon["weight_needed"] is None
    assert any("would come" in line or "would put" in line for line in choice.answer)


def test_one_criterion_decides_alone(choose):
    """Given PUE as the only criterion, the order is that of PUE, and no weight could change it."""
    block = SITES[SITES.index("criteria:") : SITES.index("draws:")]
    choice = choose((block, "criteria: [{measure: pue}]\n"))
    assert [site.name for site in choice.sites] == ["north", "middle", "south"]
    assert choice.weight_changes[0].needed is None
    assert choice.criteria[0].weight == 1


def test_equal_sites_share_the_first_place(choose):
    """Given two sites that are the same in all that matters, both are first, in every draw."""
    block = SITES[SITES.index("criteria:") : SITES.index("draws:")]
    choice = choose((block, "criteria: [{measure: pue}]\n"), ("latitude_deg: 50", "latitude_deg: 60"))
    assert [site.ranks["topsis"] for site in choice.sites] == [1, 1, 3]
    assert [site.around["vikor"].first_ratio for site in choice.sites] == [1, 1, 0]


def test_figures_read_with_their_units():
    """Given seconds, a ratio and money, they read as people write them."""
    assert figure_text(0.0688, "s") == "68.8 ms"
    assert figure_text(1.1776, "1") == "1.18"
    assert figure_text(1.749, "USD/h") == "1.75 USD/h"
