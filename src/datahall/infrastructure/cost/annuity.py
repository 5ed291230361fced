"""What a sum spent today costs per year of its life."""

import math


def annuity(rate: float, periods: float) -> float:
    """Capital recovery factor A(r, n) = r / (1 - (1 + r)^-n): what each period pays back of 1 lent for n periods.

    rate: interest of one period, such as 0.08 a year; 0 is the limit 1/n. periods: > 0, in the same period.
    Raises ValueError for a negative rate or no periods.
    Source: any text of engineering economics, factor (A/P, i, n); the notes' TCO formula.
    """
    if rate < 0 or periods <= 0:
        raise ValueError(f"annuity: rate={rate:g}, periods={periods:g}, but a loan needs rate >= 0 and periods > 0")
    if rate * periods < 1e-12:
        return 1 / periods  # the limit, right to twelve digits; the formula divides two numbers next to nothing
    # expm1 and log1p keep the digits that 1 - (1 + r)^-n loses for a small rate.
    return rate / -math.expm1(-periods * math.log1p(rate))


def sinking_fund(rate: float, periods: float) -> float:
    """What each period sets aside to have 1 after n periods: A(r, n) / (1 + r)^n, factor (A/F, i, n)."""
    return annuity(rate, periods) * math.exp(-periods * math.log1p(rate))
