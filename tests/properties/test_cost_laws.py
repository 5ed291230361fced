"""Laws of the bill, the carbon and the load that hold for any hall."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datahall.foundation.hourly import HourlyFacility, HourlyIt
from datahall.foundation.money import Amount
from datahall.infrastructure.carbon import Intensity, carbon_of, embodied_of
from datahall.infrastructure.cost import Bill, HourlyPrice, Purchase, annuity, cost_of, month_sums, tornado_of
from datahall.infrastructure.demand import utilisation_of
from datahall.infrastructure.spec import Economy, Operation

rates, lives = st.floats(0, 0.5), st.floats(1, 60)
prices = st.floats(1, 1e6)
OPERATION = Operation()


def bill_with(server: float, energy: float, *, currency: str | None = None, seed: int = 1) -> Bill:
    dice = np.random.default_rng(seed)
    return Bill(
        accelerators=64,
        critical_w=80e3,
        facility_w=dice.uniform(40e3, 110e3, 8760),
        servers=(Purchase("box", 8, Amount(server, currency), "x"),),
        energy_per_kwh=HourlyPrice(energy * dice.normal(1, 2, 8760), currency),
        demand_per_kw_month=Amount(energy * 100, currency),
    )


@given(rates, lives)
def test_a_loan_pays_at_least_its_interest_and_its_sum(rate: float, years: float) -> None:
    paid = annuity(rate, years)
    assert paid >= max(rate, 1 / years) * (1 - 1e-12) and paid <= (rate + 1 / years) * (1 + 1e-12)


@given(rates, lives, st.floats(0.01, 10))
def test_a_longer_life_is_cheaper_a_year_and_interest_dearer(rate: float, years: float, more: float) -> None:
    assert annuity(rate, years + more) < annuity(rate, years)
    assert annuity(rate + more, years) > annuity(rate, years)


@settings(max_examples=25)
@given(prices, st.floats(0.001, 1), st.floats(0.01, 100))
def test_all_prices_times_k_is_the_bill_times_k(server: float, energy: float, k: float) -> None:
    economy = Economy(build_per_critical_w=Amount(10.0), land=Amount(1e5), staff_count=1, staff_cost_per_year=Amount(1e4))
    dearer = economy.model_copy(
        update={n: Amount(k * getattr(economy, n).value) for n in ("build_per_critical_w", "land", "staff_cost_per_year")}
    )
    base = cost_of(bill_with(server, energy), economy, OPERATION)
    scaled = cost_of(bill_with(k * server, k * energy), dearer, OPERATION)
    assert scaled.per_year == pytest.approx(k * base.per_year, rel=1e-9)
    assert scaled.capital == pytest.approx(k * base.capital, rel=1e-9)


@settings(max_examples=25)
@given(prices, st.floats(0.001, 1), st.floats(0.01, 100))
def test_the_currency_of_the_hall_changes_no_value(server: float, energy: float, rate: float) -> None:
    """What a hall in EUR pays for things priced in USD is the USD bill at the rate, line by line."""
    own = cost_of(bill_with(server, energy), Economy(build_per_critical_w=Amount(10.0)), OPERATION)
    foreign = Economy(currency="EUR", rates={"USD": rate}, build_per_critical_w=Amount(10.0, "USD"))
    other = cost_of(bill_with(server, energy, currency="USD"), foreign, OPERATION)
    assert [line.name for line in own.lines] == [line.name for line in other.lines]
    assert [line.per_year for line in other.lines] == pytest.approx([rate * line.per_year for line in own.lines], rel=1e-9)


@settings(max_examples=25)
@given(prices, prices)
def test_a_dearer_server_never_makes_a_cheaper_hour(a: float, b: float) -> None:
    economy = Economy(build_per_critical_w=Amount(10.0), residual_ratio=0.3)
    cheap, dear = (cost_of(bill_with(price, 0.1), economy, OPERATION).per_useful_hour for price in sorted((a, b)))
    assert cheap is not None and dear is not None and cheap <= dear


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([8760, 8784]))
def test_months_conserve_the_year(seed: int, hours: int) -> None:
    hourly = np.random.default_rng(seed).normal(0, 1, hours)
    assert month_sums(hourly).sum() == pytest.approx(hourly.sum(), abs=1e-8)


@settings(max_examples=15)
@given(st.floats(0.01, 0.5))
def test_a_wider_span_never_swings_less(span: float) -> None:
    bill, economy = bill_with(3e5, 0.1), Economy(build_per_critical_w=Amount(10.0))
    narrow = {s.driver: s.swing for s in tornado_of(bill, economy, OPERATION, span_ratio=span).swings}
    wide = {s.driver: s.swing for s in tornado_of(bill, economy, OPERATION, span_ratio=span * 1.5).swings}
    assert narrow.keys() == wide.keys() and all(narrow[name] <= wide[name] * (1 + 1e-9) for name in narrow)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(1, 3))
def test_cue_lies_between_the_cleanest_and_the_dirtiest_hour_times_pue(seed: int, pue: float) -> None:
    dice = np.random.default_rng(seed)
    it = HourlyIt(dice.uniform(0.1, 2, 8760))
    intensity = dice.uniform(0.01, 1.2, 8760)
    year = carbon_of(
        HourlyFacility(it.kwh * pue), it, location=Intensity(intensity, "any"), market=None, embodied=embodied_of({}, Economy())
    )
    assert year.cue is not None
    assert pue * intensity.min() <= year.cue * (1 + 1e-12) and year.cue <= pue * intensity.max() * (1 + 1e-12)
    assert year.location_total_kgco2e == pytest.approx(year.cue * it.total.kwh)


factors = st.floats(0, 10).map(lambda f: 0.0 if f < 0.01 else f)


@settings(max_examples=60)
@given(
    st.floats(0, 1),
    st.lists(factors, min_size=24, max_size=24).filter(any),
    st.lists(factors, min_size=7, max_size=7).filter(any),
    st.sampled_from([8760, 8784]),
)
def test_a_load_keeps_its_mean_where_hours_are_open(mean: float, day: list[float], week: list[float], hours: int) -> None:
    operation = Operation(utilisation_ratio=mean, daily_profile=tuple(day), weekly_profile=tuple(week))
    load = utilisation_of(operation, hours)
    hour = np.arange(hours)
    shape = np.asarray(day)[hour % 24] * np.asarray(week)[hour // 24 % 7]
    open_ratio = float(np.mean(shape > 0))
    assert load.min() >= 0 and load.max() <= 1
    assert load.mean() == pytest.approx(min(mean, open_ratio), abs=1e-9)
    # More is never asked of an hour with the smaller factor.
    order = np.argsort(shape, kind="stable")
    assert np.all(np.diff(load[order]) >= -1e-9)
