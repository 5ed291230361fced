"""What is bought: building and plant, land, servers, network, storage; each spread over its life."""

from datahall.infrastructure.cost.annuity import annuity, sinking_fund
from datahall.infrastructure.cost.bill import Bill, Purchase
from datahall.infrastructure.cost.ledger import Ledger
from datahall.infrastructure.cost.report import Input


def add_capital(ledger: Ledger, bill: Bill) -> None:
    """All lines of what is bought, and what comes back for servers at the end of their life."""
    _add_housing(ledger, bill)
    _add_land(ledger)
    _add_purchases(ledger, "servers", bill.servers)
    _add_purchases(ledger, "network", bill.network)
    _add_purchases(ledger, "storage", bill.storage)
    _add_residual(ledger)


def _add_housing(ledger: Ledger, bill: Bill) -> None:
    """Rent where it is declared, else building and plant for the critical power."""
    economy, critical_kw = ledger.economy, bill.critical_w / 1e3
    power = Input("critical_power", critical_kw, "kW")
    if critical_kw <= 0:
        return
    if economy.colocation_per_kw_month is not None:
        rent = ledger.money("colocation", economy.colocation_per_kw_month, "economy.colocation_per_kw_month")
        if rent is not None:
            price = Input("rent", rent, f"{ledger.currency}/kW/month", ("economy", "colocation_per_kw_month"))
            ledger.add("colocation", 12 * rent * critical_kw, "12 x rent x critical_power", price, power)
        return
    declare = "economy.build_per_critical_w, or economy.colocation_per_kw_month where it is rented"
    per_w = ledger.money("building", economy.build_per_critical_w, declare)
    if per_w is None:
        return
    unit, source = f"{ledger.currency}/kW", economy.build_source or ""
    price = Input("build_price", per_w * 1e3, unit, ("economy", "build_per_critical_w"), source)
    what = "build_price x critical_power"
    _add_annuity(ledger, "building", per_w * bill.critical_w, price, power, life="building_life_years", what=what)


def _add_land(ledger: Ledger) -> None:
    """Land does not wear out: only its interest is paid."""
    if ledger.economy.land is None:
        return
    land = ledger.money("land", ledger.economy.land, "economy.land")
    if land is not None:
        price = Input("land", land, ledger.currency, ("economy", "land"))
        ledger.add("land", land * ledger.rate.value, "land x discount_rate", price, ledger.rate, capital=land)


def _add_purchases(ledger: Ledger, line: str, purchases: tuple[Purchase, ...]) -> None:
    """One line for all things of a class; those without a price are gaps."""
    inputs, capital = list[Input](), 0.0
    for bought in purchases:
        price = ledger.money(line, bought.price, bought.declare)
        if price is not None:
            capital += bought.count * price
            inputs += [
                Input(f"{bought.name} count", bought.count, ""),
                Input(f"{bought.name} price", price, ledger.currency, bought.path, bought.source),
            ]
    if inputs:
        _add_annuity(ledger, line, capital, *inputs, life=_LIFE[line], what="sum of count x price")


_LIFE = {"servers": "server_life_years", "network": "network_life_years", "storage": "storage_life_years"}


def _add_annuity(ledger: Ledger, line: str, capital: float, *inputs: Input, life: str, what: str) -> None:
    years = ledger.fact(life, "a")
    per_year = capital * annuity(ledger.rate.value, years.value)
    formula = f"A(discount_rate, {life}) x {what}, A(r, n) = r / (1 - (1 + r)^-n)"
    ledger.add(line, per_year, formula, *inputs, years, ledger.rate, capital=capital)


def _add_residual(ledger: Ledger) -> None:
    """What servers still fetch at the end of their life, as the yearly sum that would grow to it."""
    ratio, years = ledger.fact("residual_ratio", ""), ledger.fact("server_life_years", "a")
    servers = Input("servers", ledger.capital("servers"), ledger.currency)
    back = ratio.value * servers.value
    if back:
        formula = "- residual_ratio x servers x A(discount_rate, server_life_years) / (1 + discount_rate)^server_life_years"
        ledger.add(
            "residual", -back * sinking_fund(ledger.rate.value, years.value), formula, ratio, servers, years, ledger.rate
        )
