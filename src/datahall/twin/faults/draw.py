"""Faults drawn by dice: when, which, and for how long."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from datahall.foundation.dice import stream
from datahall.twin.faults.elements import Element
from datahall.twin.faults.spec import Repair

YEAR_S = 365 * 86400
MS_PER_S = 1000


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One fault of one element."""

    element: Element
    at_ms: int
    repair_ms: int | None
    """From at_ms until it is repaired; None: never."""
    cause: str
    interrupts: bool = False
    """Counted where it was published as an interruption of work: what runs there stops, even where the machine stays up."""


@dataclass(frozen=True, slots=True)
class Process:
    """A constant rate over alike elements, resolved against a hall."""

    name: str
    """Of the dice stream."""
    cause: str
    elements: Sequence[Element]
    per_year: float
    """Of all elements together."""
    repair: Repair | None
    """None: never repaired."""
    interrupts: bool = False

    def expected(self, horizon_s: float) -> float:
        """Faults within the horizon, on average."""
        return self.per_year * horizon_s / YEAR_S

    def drawn(self, seed: int, horizon_s: float) -> Iterator[Occurrence]:
        """Poisson arrivals, each on one element at random: the same seed gives the same, and a longer horizon only more."""
        dice = stream(seed, f"faults/{self.name}")
        at_s = 0.0
        while (at_s := at_s + dice.expovariate(self.per_year / YEAR_S)) < horizon_s:
            element = self.elements[dice.randrange(len(self.elements))]
            repair_ms = None if self.repair is None else round(repair_s(self.repair, dice) * MS_PER_S)
            yield Occurrence(element, round(at_s * MS_PER_S), repair_ms, self.cause, self.interrupts)


def repair_s(repair: Repair, dice: Random) -> float:
    """One repair, s; its mean over many is the stated one."""
    match repair.kind:
        case "fixed":
            return repair.mean_s
        case "exponential":
            return dice.expovariate(1 / repair.mean_s) if repair.mean_s else 0.0
        case "lognormal":
            median_s = repair.mean_s * math.exp(-(repair.sigma**2) / 2)
            return median_s * math.exp(dice.gauss(0.0, repair.sigma))
