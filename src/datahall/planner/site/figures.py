"""The figures of one site by measure, and the rules that they break."""

from collections.abc import Mapping

from datahall.foundation.money import Amount, in_currency
from datahall.infrastructure.spec import Economy
from datahall.planner.site.constraints import Exclusion, Seen, computed_exclusions
from datahall.planner.site.hazards import hazard_score
from datahall.planner.site.latency import mean_round_trip_s
from datahall.planner.site.read import Read
from datahall.planner.site.site_year import SiteYear, economy_at
from datahall.planner.site.spec import Candidate, MeasureName

Figures = Mapping[MeasureName, float | None]


def figures_of(candidate: Candidate, year: SiteYear, read: Read) -> Figures:
    """Every measure of one site; None where the file, the hall or the site does not say enough."""
    economy = economy_at(candidate, read.loaded.hall.economy)
    available_w = candidate.power_available_w
    return {
        "cost_per_accelerator_h": year.cost_per_accelerator_h,
        "energy_price_per_kwh": year.energy_price_per_kwh,
        "cue_kgco2e_per_kwh": year.cue_kgco2e_per_kwh,
        "pue": year.pue,
        "wue_l_per_kwh": year.wue_l_per_kwh,
        "rtt_s": mean_round_trip_s(candidate.site, read.spec.users),
        "hazard": hazard_score(candidate.hazards),
        "build_per_critical_w": _money(economy.build_per_critical_w, economy),
        "power_headroom_ratio": None if available_w is None or year.peak_w <= 0 else available_w / year.peak_w - 1,
    }


def exclusions_of(candidate: Candidate, year: SiteYear, figures: Figures, read: Read) -> list[Exclusion]:
    """The rules that need the hall's year at the site."""
    limits, economy = read.spec.constraints, read.loaded.hall.economy
    seen = Seen(
        peak_w=year.peak_w,
        rtt_s=figures["rtt_s"],
        cue_kgco2e_per_kwh=year.cue_kgco2e_per_kwh,
        pue=year.pue,
        wue_l_per_kwh=year.wue_l_per_kwh,
        energy_price_per_kwh=year.energy_price_per_kwh,
        hazard=figures["hazard"],
        unmet_cooling_h=year.unmet_cooling_h,
        water_m3=year.water_m3,
    )
    return list(computed_exclusions(candidate, limits, seen, _money(limits.max_energy_price_per_kwh, economy)))


def _money(amount: Amount | None, economy: Economy) -> float | None:
    return None if amount is None else in_currency(amount, economy.currency, economy.rates)
