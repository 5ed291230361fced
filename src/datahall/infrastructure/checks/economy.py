"""Rules about money and about how a hall is used."""

from collections.abc import Iterator

from datahall.foundation.errors import Problem
from datahall.foundation.money import Amount
from datahall.foundation.paths import Path
from datahall.infrastructure.catalog.catalogue import near
from datahall.infrastructure.checks.context import Check, Context
from datahall.infrastructure.spec import Hall


def unknown_rates(context: Context) -> Iterator[Problem]:
    """INF-501: each currency that a price is in has a rate."""
    economy = context.hall.economy
    seen = {economy.currency, *economy.rates}
    if context.unread(("economy", "rates")) or context.unread(("economy", "currency")):
        return
    for path, currency in _currencies(context.hall):
        if currency not in seen:
            seen.add(currency)  # one rate is lacking, however many prices wait for it
            what = f"a price is in {currency}, but the hall counts in {economy.currency} and has no rate for it"
            fix = f"add `rates: {{{currency}: …}}` to economy: the price of one {currency} in {economy.currency}"
            yield Problem("INF-501", context.where(path), what, fix)


def negative_prices(context: Context) -> Iterator[Problem]:
    """INF-502: only energy may have a negative price."""
    for path, price in _prices(context.hall):
        if price.value < 0 and path != ENERGY:
            what = f"{price} is below zero, but only the grid pays for what is taken"
            yield Problem("INF-502", context.where(path), what, "give the price as a positive number")


def rate_for_the_own_currency(context: Context) -> Iterator[Problem]:
    """INF-503: the hall's own currency has no rate."""
    economy = context.hall.economy
    if economy.currency in economy.rates:
        rate = economy.rates[economy.currency]
        what = f"one {economy.currency} is said to cost {rate:g} {economy.currency}, the hall's own currency"
        yield Problem("INF-503", context.where(("economy", "rates", economy.currency)), what, "remove this rate")


def rates_above_zero(context: Context) -> Iterator[Problem]:
    """INF-504: a rate is above zero."""
    economy = context.hall.economy
    for currency, rate in economy.rates.items():
        if rate <= 0 and currency != economy.currency:
            what = f"one {currency} is said to cost {rate:g} {economy.currency}"
            fix = f"give the price of one {currency} in {economy.currency}"
            yield Problem("INF-504", context.where(("economy", "rates", currency)), what, fix)


def odd_daily_profile(context: Context) -> Iterator[Problem]:
    """INF-505: a daily profile has 24 factors, none below zero, not all of them zero."""
    if what := _odd(context.hall.operation.daily_profile, 24, "hours of a day"):
        where = context.where(("operation", "daily_profile"))
        yield Problem("INF-505", where, what, "give one factor for each hour from midnight, such as 1 for the mean")


def odd_weekly_profile(context: Context) -> Iterator[Problem]:
    """INF-506: a weekly profile has 7 factors, none below zero, not all of them zero."""
    if what := _odd(context.hall.operation.weekly_profile, 7, "days of a week"):
        where = context.where(("operation", "weekly_profile"))
        yield Problem("INF-506", where, what, "give one factor for each day, such as 1 for the mean")


def price_of_nothing(context: Context) -> Iterator[Problem]:
    """INF-507: a server whose price is given stands in the hall."""
    hall = context.hall
    held = {contents.part for group in hall.racks for contents in group.contents}
    here = held | {node.name for node in hall.nodes}
    if any(part not in context.catalogue.devices for part in held) or not here:
        return  # a part's name is wrong or there is no machine, and another rule says so: what the price is for is not known
    for name in hall.economy.server_price:
        if name not in here:
            what = f"a price is given for `{name}`, but no rack holds one and no node is called so"
            yield Problem("INF-507", context.where(("economy", "server_price", name)), what, near(name, here))


def rented_and_built(context: Context) -> Iterator[Problem]:
    """INF-508: a hall is rented or built, not both."""
    economy = context.hall.economy
    if economy.colocation_per_kw_month is not None and economy.build_per_critical_w is not None:
        what = f"a rent of {economy.colocation_per_kw_month} and building at {economy.build_per_critical_w} are both declared"
        fix = "keep colocation_per_kw_month where space is rented, or build_per_critical_w where it is built"
        yield Problem("INF-508", context.where(("economy", "colocation_per_kw_month")), what, fix)


CHECKS: tuple[Check, ...] = (
    unknown_rates,
    negative_prices,
    rate_for_the_own_currency,
    rates_above_zero,
    odd_daily_profile,
    odd_weekly_profile,
    price_of_nothing,
    rented_and_built,
)

ENERGY: Path = ("site", "tariff", "energy_per_kwh")


def _prices(hall: Hall) -> Iterator[tuple[Path, Amount]]:
    """Every amount of money that the hall declares, with its place."""
    economy, site = hall.economy, hall.site
    for name in ("build_per_critical_w", "land", "staff_cost_per_year", "colocation_per_kw_month"):
        yield from _if_price(("economy", name), getattr(economy, name))
    for part, price in economy.server_price.items():
        yield ("economy", "server_price", part), price
    for index, tier in enumerate(hall.storage):
        yield from _if_price(("storage", index, "device_price"), tier.device_price)
    if site and site.tariff:
        yield from _if_price(ENERGY, site.tariff.energy_per_kwh)
        yield from _if_price(("site", "tariff", "demand_per_kw_month"), site.tariff.demand_per_kw_month)
    if site and site.water:
        yield from _if_price(("site", "water", "price_per_m3"), site.water.price_per_m3)


def _if_price(path: Path, value: object) -> Iterator[tuple[Path, Amount]]:
    if isinstance(value, Amount):
        yield path, value


def _currencies(hall: Hall) -> Iterator[tuple[Path, str]]:
    for path, price in _prices(hall):
        if price.currency is not None:
            yield path, price.currency
    tariff = hall.site.tariff if hall.site else None
    prices = (tariff.energy_per_kwh, tariff.demand_per_kw_month) if tariff else ()
    if tariff and tariff.currency and any(price and getattr(price, "currency", None) is None for price in prices):
        yield ("site", "tariff", "currency"), tariff.currency


def _odd(profile: tuple[float, ...], count: int, of: str) -> str | None:
    """What is wrong with a profile."""
    if not profile:
        return None
    if len(profile) != count:
        return f"there are {len(profile)} factors for the {count} {of}"
    if min(profile) < 0:
        return f"the factor {min(profile):g} is below zero"
    return None if max(profile) > 0 else f"all {count} factors are zero, so there is no load to shape"
