"""Amounts of money: a number in the hall's currency, or a number with a currency's code."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, StringConstraints

_AMOUNT = re.compile(r"^\s*(-?[0-9]{1,30}(?:\.[0-9]{1,30})?)\s*([A-Z]{3})\s*$", re.ASCII)

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""A code of ISO 4217, such as USD, EUR or CNY."""


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of money. Negative ones exist: at times the grid pays for what is drawn."""

    value: float
    currency: str | None = None
    """None: the currency of the hall."""

    def __str__(self) -> str:
        return f"{self.value:g} {self.currency}" if self.currency else f"{self.value:g}"


def _amount(value: Any) -> Any:
    if isinstance(value, Amount):
        return value
    if isinstance(value, str) and (match := _AMOUNT.match(value)):
        return Amount(float(match[1]), match[2])
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e15:
        raise ValueError("an amount of money is a number, or a number with a currency such as `36000 USD`")
    return Amount(float(value))


def _plain(amount: Amount) -> float | str:
    return str(amount) if amount.currency else amount.value


Money = Annotated[Amount, BeforeValidator(_amount), PlainSerializer(_plain)]
"""A user may write `36000` (the hall's currency) or `36000 USD`."""


def in_currency(amount: Amount, currency: str, rates: Mapping[str, float]) -> float:
    """The amount in `currency`. rates: price of one unit of each other currency, in `currency`.

    Raises KeyError with the code of a currency that has no rate.
    """
    if amount.currency is None or amount.currency == currency:
        return amount.value
    return amount.value * rates[amount.currency]
