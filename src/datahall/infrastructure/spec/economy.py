"""What a hall costs to build and to run, how it is used, and how its parts fail."""

from pydantic import Field

from datahall.foundation.money import Currency, Money
from datahall.foundation.spec import Spec


class Economy(Spec):
    """Money. Prices are facts and have no defaults; lifetimes and rates are choices, and are listed as assumed."""

    currency: Currency = "USD"
    rates: dict[Currency, float] = Field(default_factory=dict)
    """Price of one unit of each other currency, in the hall's: `EUR: 1.08`."""
    discount_rate_ratio: float = Field(default=0.08, ge=0, le=1)
    server_life_years: float = Field(default=5.0, gt=0, le=50)
    network_life_years: float = Field(default=5.0, gt=0, le=50)
    storage_life_years: float = Field(default=5.0, gt=0, le=50)
    building_life_years: float = Field(default=15.0, gt=0, le=100)
    build_per_critical_w: Money | None = None
    """Building, power and cooling plant for one W of IT, without the IT."""
    build_source: str | None = None
    land: Money | None = None
    server_price: dict[str, Money] = Field(default_factory=dict)
    """Price of one server by part, where it differs from the catalogue's."""
    staff_count: float = Field(default=0.0, ge=0)
    staff_cost_per_year: Money | None = None
    """Of one person, all included."""
    maintenance_ratio: float = Field(default=0.03, ge=0, le=1)
    """Per year, of building and plant."""
    it_support_ratio: float = Field(default=0.0, ge=0, le=1)
    """Per year, of servers, network and storage."""
    insurance_and_tax_ratio: float = Field(default=0.01, ge=0, le=1)
    """Per year, of all that was bought."""
    residual_ratio: float = Field(default=0.0, ge=0, le=1)
    """Of the price of servers, at the end of their life."""
    colocation_per_kw_month: Money | None = None
    """Rent for space, power path and cooling, per kW of IT; it takes the place of building and plant."""


class Operation(Spec):
    """How the hall is used."""

    utilisation_ratio: float = Field(default=0.7, ge=0, le=1)
    """Mean load of the accelerators while in service; equipment draws idle + (peak - idle) x load."""
    daily_profile: tuple[float, ...] = ()
    """24 factors of the mean load, from midnight; their mean is taken as 1."""
    weekly_profile: tuple[float, ...] = ()
    """7 factors, from the first day of the weather year."""
    sold_ratio: float = Field(default=0.9, gt=0, le=1)
    """Share of all accelerator-hours that jobs hold."""
    goodput_ratio: float = Field(default=0.95, gt=0, le=1)
    """Share of the held hours that ends in kept work."""


class Reliability(Spec):
    """How parts fail together, and what people do to them."""

    beta_ratio: float = Field(default=0.05, ge=0, le=1)
    """Share of failures of a redundant group that takes all of it at once."""
    maintenance_h_per_year: float = Field(default=8.0, ge=0, le=8760)
    """Planned work on each power and cooling element."""
    human_error_per_maintenance: float = Field(default=0.001, ge=0, le=1)
    """Chance that one piece of work takes down what it should not."""
    human_error_repair_h: float = Field(default=2.0, gt=0)
