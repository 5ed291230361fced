"""What a hall costs, line by line, each with its formula and what went into it."""

from dataclasses import dataclass

from datahall.foundation.paths import Path


@dataclass(frozen=True, slots=True)
class Input:
    """One number that a line was made from, in the hall's currency where it is money."""

    name: str
    value: float
    unit: str
    path: Path = ()
    """Where a hall file says it, such as ("economy", "land"); empty for what was counted or computed."""
    source: str = ""
    """Where it was read, when no hall file says it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the bill."""

    name: str
    per_year: float
    """In the hall's currency; negative for what comes back."""
    capital: float
    """What is paid once, up front; 0 for running costs."""
    formula: str
    inputs: tuple[Input, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """What the bill lacks, and what to declare for it. Nothing is invented in its place."""

    line: str
    declare: str


@dataclass(frozen=True, slots=True)
class CostReport:
    """The whole bill. While `missing` is not empty, the sums are lower bounds."""

    currency: str
    lines: tuple[Line, ...]
    missing: tuple[Gap, ...]
    accelerators: int
    hours: int
    """Of the year that was billed."""
    sold_ratio: float
    goodput_ratio: float

    @property
    def per_year(self) -> float:
        return sum(line.per_year for line in self.lines)

    @property
    def capital(self) -> float:
        """Paid up front, all lines together."""
        return sum(line.capital for line in self.lines)

    @property
    def complete(self) -> bool:
        return not self.missing

    @property
    def installed_hours(self) -> float:
        """Accelerator-hours of a year, used or not."""
        return float(self.accelerators * self.hours)

    @property
    def useful_hours(self) -> float:
        """Accelerator-hours that jobs hold and that end in kept work."""
        return self.installed_hours * self.sold_ratio * self.goodput_ratio

    @property
    def per_installed_hour(self) -> float | None:
        """Per accelerator-hour; None in a hall without accelerators, or while nothing has a price."""
        return self.per_year / self.installed_hours if self.accelerators and self.lines else None

    @property
    def per_useful_hour(self) -> float | None:
        """Per useful accelerator-hour; None without accelerators, or while nothing has a price."""
        return self.per_year / self.useful_hours if self.accelerators and self.lines else None

    def line(self, name: str) -> Line | None:
        return next((line for line in self.lines if line.name == name), None)
