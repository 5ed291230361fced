"""The lines of a bill while it is being written: money in one currency, and what could not be priced."""

from dataclasses import dataclass, field

from datahall.foundation.money import Amount, in_currency
from datahall.infrastructure.cost.report import Gap, Input, Line
from datahall.infrastructure.spec import Economy


@dataclass(slots=True)
class Ledger:
    """Lines and gaps so far."""

    economy: Economy
    lines: list[Line] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    @property
    def currency(self) -> str:
        return self.economy.currency

    @property
    def rate(self) -> Input:
        return self.fact("discount_rate_ratio", "1/a")

    def fact(self, name: str, unit: str) -> Input:
        """A number of the hall's economy, as an input."""
        return Input(name, float(getattr(self.economy, name)), unit, ("economy", name))

    def money(self, line: str, amount: Amount | None, declare: str) -> float | None:
        """The amount in the hall's currency. Without an amount or its rate: None, and the gap is noted."""
        if amount is None:
            self.gaps.append(Gap(line, declare))
            return None
        try:
            return in_currency(amount, self.currency, self.economy.rates)
        except KeyError:
            self.gaps.append(
                Gap(line, f"economy.rates.{amount.currency}, the price of one {amount.currency} in {self.currency}")
            )
            return None

    def add(self, name: str, per_year: float, formula: str, *inputs: Input, capital: float = 0.0) -> None:
        self.lines.append(Line(name, per_year, capital, formula, inputs))

    def capital(self, *names: str) -> float:
        """Paid up front for these lines, or for all."""
        return sum(line.capital for line in self.lines if not names or line.name in names)
