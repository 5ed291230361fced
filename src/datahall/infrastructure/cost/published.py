"""Published costs, to cite in a hall file or to hold a plan against. They are never a hall's default."""

import functools
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.spec import Spec
from datahall.infrastructure.catalog.part_specs import Checked

FOLDER = Path(__file__).parent


class PublishedCost(Spec):
    """One figure or range, as printed."""

    name: str = Field(min_length=2)
    about: str
    low: float
    high: float
    """Equal to `low` where one figure was printed."""
    unit: str = Field(min_length=1)
    source: str = Field(min_length=8)
    date: str = Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")
    """What the figure is of, year first."""
    checked: Checked = "read"
    note: str | None = None

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    @property
    def cited(self) -> str:
        return f"{self.source} ({self.date}{'' if self.checked == 'read' else f', {self.checked}'})"


class PublishedCosts(Spec):
    rows: tuple[PublishedCost, ...]


class PlacePrice(Spec):
    """Mean price of a kWh in a state or country."""

    place: str
    commercial: float | None = None
    industrial: float | None = None


class PriceTable(Spec):
    """Prices of one publisher."""

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    unit: str = Field(min_length=1)
    source: str = Field(min_length=8)
    date: str = Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")
    checked: Checked = "read"
    licence: str | None = None
    rows: tuple[PlacePrice, ...]


class PriceTables(Spec):
    tables: tuple[PriceTable, ...]


@functools.cache
def published_costs() -> Mapping[str, PublishedCost]:
    """All published costs by name."""
    return {row.name: row for row in load(FOLDER / "published.yaml", PublishedCosts).rows}


@functools.cache
def electricity_prices() -> Mapping[str, tuple[PlacePrice, PriceTable]]:
    """Mean electricity prices by place, each with the table that it is from. A hall's own tariff is a fact that it declares."""
    tables = load(FOLDER / "electricity.yaml", PriceTables).tables
    return {row.place: (row, table) for table in tables for row in table.rows}
