"""One site's figures: the hall's year there, what it emits, what it costs."""

from dataclasses import dataclass

import numpy as np

from datahall.foundation.energy import pue
from datahall.foundation.money import Amount, in_currency
from datahall.infrastructure.carbon import cue, emissions_of, location_intensity
from datahall.infrastructure.cost import CostReport, bill_of, cost_of
from datahall.infrastructure.spec import Economy, Hall
from datahall.planner.site.hall_year import BuiltHall, HallYear
from datahall.planner.site.means import month_hour_means
from datahall.planner.site.methods import Array
from datahall.planner.site.sources import Sources
from datahall.planner.site.spec import Candidate


@dataclass(frozen=True, slots=True, eq=False)
class SiteYear:
    """Figures of a year; money in the hall's currency. None: not known."""

    it_kwh: float
    facility_kwh: float
    peak_w: float
    """At the meter, full load in the worst hour of the weather; where that is not known, the highest hour."""
    pue: float | None
    wue_l_per_kwh: float | None
    water_m3: float | None
    unmet_cooling_h: int
    cue_kgco2e_per_kwh: float | None
    """Location-based, per kWh of IT."""
    carbon_kgco2e: float | None
    energy_price_per_kwh: float | None
    """Paid for a mean kWh at the meter, without demand charges."""
    cost_per_year: float | None
    cost_per_accelerator_h: float | None
    """Per useful accelerator-hour."""
    gaps: tuple[str, ...]
    """Lines that the cost lacks: it is a lower bound."""
    pue_by_month_hour: Array | None
    """(12, 24): facility over IT energy, by month and hour of the local day."""
    basis: dict[str, str]


def site_year(candidate: Candidate, sources: Sources, built: BuiltHall) -> SiteYear:
    """The hall's year at the candidate. Raises Refused when the hall cannot stand there at all."""
    year = built.at(sources.site, sources.weather)
    economy = economy_at(candidate, built.loaded.hall.economy)
    report = _cost(sources, built, year, economy)
    cost = _net_cost(report, candidate, year, economy)
    it, facility = year.it.total, year.facility.total
    cooled = year.water_l is not None and it.kwh > 0
    intensity = location_intensity(sources.site, sources.carbon)
    emitted = None if intensity is None else emissions_of(year.facility, intensity)
    return SiteYear(
        it_kwh=it.kwh,
        facility_kwh=facility.kwh,
        peak_w=float(year.facility.kwh.max()) * 1e3 if year.design_w is None else year.design_w,
        pue=pue(facility, it) if cooled else None,
        wue_l_per_kwh=year.water_l / it.kwh if cooled and year.water_l is not None else None,
        water_m3=None if year.water_l is None else year.water_l / 1e3,
        unmet_cooling_h=year.unmet_cooling_h,
        cue_kgco2e_per_kwh=cue(emitted, it),
        carbon_kgco2e=None if emitted is None else float(emitted.sum()),
        energy_price_per_kwh=_mean_price(sources, year, economy),
        cost_per_year=cost,
        cost_per_accelerator_h=None if cost is None or report.useful_hours <= 0 else cost / report.useful_hours,
        gaps=tuple(sorted({gap.line for gap in report.missing})),
        pue_by_month_hour=_pue_by_month_hour(year) if cooled else None,
        basis=_with_country(sources, intensity is not None and intensity.assumed),
    )


def economy_at(candidate: Candidate, economy: Economy) -> Economy:
    """The hall's economy with what the candidate says instead."""
    told = {
        "build_per_critical_w": candidate.build_per_critical_w,
        "build_source": candidate.build_source,
        "land": candidate.land,
        "staff_cost_per_year": candidate.staff_cost_per_year,
    }
    return economy.model_copy(update={name: value for name, value in told.items() if value is not None})


def _cost(sources: Sources, built: BuiltHall, year: HallYear, economy: Economy) -> CostReport:
    hall: Hall = built.loaded.hall.model_copy(update={"site": sources.site, "economy": economy})
    bill = bill_of(
        hall,
        built.loaded.estate,
        built.loaded.catalogue,
        facility_w=year.facility.kwh * 1e3,
        critical_w=built.critical_w,
        water_m3=(year.water_l or 0.0) / 1e3,
        network=built.network,
        energy_series=sources.price,
    )
    return cost_of(bill, economy, hall.operation)


def _net_cost(report: CostReport, candidate: Candidate, year: HallYear, economy: Economy) -> float | None:
    """A year's cost less incentives; None without a price of energy, which would make a site cheap for what it does not say."""
    if report.line("energy") is None:
        return None
    given = candidate.incentives
    if given is None:
        return report.per_year
    building = report.line("building")
    saved = given.capital_ratio * (building.per_year if building else 0.0)
    saved += _money(given.per_year, economy) + _money(given.per_kwh, economy) * year.facility.total.kwh
    return report.per_year - saved


def _money(amount: Amount | None, economy: Economy) -> float:
    return 0.0 if amount is None else in_currency(amount, economy.currency, economy.rates)


def _mean_price(sources: Sources, year: HallYear, economy: Economy) -> float | None:
    tariff = sources.site.tariff
    if tariff is None or year.facility.total.kwh <= 0:
        return None
    if sources.price is None:
        amount = tariff.energy_per_kwh
        return _money(Amount(amount.value, amount.currency or tariff.currency), economy) if isinstance(amount, Amount) else None
    rate = _money(Amount(1.0, tariff.currency), economy)
    return rate * float(np.dot(year.facility.kwh, sources.price)) / year.facility.total.kwh


def _pue_by_month_hour(year: HallYear) -> Array:
    means: Array = month_hour_means(year.facility.kwh) / month_hour_means(year.it.kwh)
    return means


def _with_country(sources: Sources, country: bool) -> dict[str, str]:
    """The basis of each figure, with the country's average where the grid says nothing."""
    return sources.basis | ({"carbon": "yearly average of the country"} if country else {})
