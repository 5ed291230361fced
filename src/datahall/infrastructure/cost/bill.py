"""What a hall buys and uses in a year: the quantities that its cost is made from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from datahall.foundation.hourly import Series
from datahall.foundation.money import Amount
from datahall.foundation.paths import Path
from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.catalog.part_specs import ServerPart
from datahall.infrastructure.estate import Estate
from datahall.infrastructure.spec import Economy, Hall, HourlyFile, StorageTier, Tariff


@dataclass(frozen=True, slots=True)
class Purchase:
    """Things of one type that are bought."""

    name: str
    count: float
    price: Amount | None
    """Of one; None: not known, and then the bill says so."""
    declare: str
    """What a user writes to give the price."""
    path: Path = ()
    """Where the hall file gives it; empty when the catalogue does."""
    source: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class HourlyPrice:
    """Price of a kWh in each hour; some of them may be negative."""

    per_kwh: Series
    currency: str | None = None
    """None: the hall's."""


@dataclass(frozen=True, slots=True, eq=False)
class Bill:
    """Quantities of a year, with their prices as declared."""

    accelerators: int
    critical_w: float
    """IT power that building and plant are made for, or that is rented, W."""
    facility_w: Series
    """Mean power at the meter in each hour, W, shape [8760] or [8784]."""
    servers: tuple[Purchase, ...] = ()
    network: tuple[Purchase, ...] = ()
    storage: tuple[Purchase, ...] = ()
    energy_per_kwh: Amount | HourlyPrice | None = None
    demand_per_kw_month: Amount | None = None
    """None: the tariff has none."""
    water_m3: float = 0.0
    water_per_m3: Amount | None = None


def bill_of(
    hall: Hall,
    estate: Estate,
    catalogue: Catalogue,
    *,
    facility_w: Series,
    critical_w: float,
    water_m3: float = 0.0,
    network: tuple[Purchase, ...] = (),
    energy_series: Series | None = None,
) -> Bill:
    """The bill of a hall's year.

    network: switches, cables and optics, as the network floor counts them. energy_series: the hourly prices that
    site.tariff.energy_per_kwh names, read from their file, per kWh.
    """
    site = hall.site
    tariff, water = (site.tariff, site.water) if site else (None, None)
    return Bill(
        accelerators=estate.accelerators,
        critical_w=critical_w,
        facility_w=facility_w,
        servers=tuple(server_purchases(estate, hall.economy)),
        network=network,
        storage=tuple(storage_purchases(hall.storage, catalogue)),
        energy_per_kwh=energy_price_of(tariff, energy_series),
        demand_per_kw_month=in_tariff(tariff.demand_per_kw_month, tariff) if tariff else None,
        water_m3=water_m3,
        water_per_m3=water.price_per_m3 if water else None,
    )


def server_purchases(estate: Estate, economy: Economy) -> Iterator[Purchase]:
    """Servers in racks by part, then the machines that are here, each at the hall's own price or the catalogue's."""
    for name, (part, count) in estate.servers.items():
        own = economy.server_price.get(name)
        path: Path = ("economy", "server_price", name) if own else ()
        source = "" if own else part.price_source or part.cited
        yield Purchase(name, count, own or part.price, f"economy.server_price.{name}", path, source)
    for node in estate.nodes:
        own, path = economy.server_price.get(node.name), ("economy", "server_price", node.name)
        # A machine and a part may share a name: they are two purchases.
        yield Purchase(f"machine {node.name}", 1, own, f"economy.server_price.{node.name}", path if own else ())


def device_purchases(estate: Estate, billed: Mapping[str, int]) -> Iterator[Purchase]:
    """Switches and other devices in racks that are no servers, by part, at the catalogue's price.

    billed: how many of a part the fabrics have in their own bills.
    """
    for name, (part, count) in estate.devices.items():
        left = count - billed.get(name, 0)
        if left > 0 and not isinstance(part, ServerPart):
            source = part.price_source or part.cited
            yield Purchase(f"in racks: {name}", left, part.price, f"a price in a catalogue row {name}", source=source)


def storage_purchases(tiers: tuple[StorageTier, ...], catalogue: Catalogue) -> Iterator[Purchase]:
    """Devices by tier, at the tier's own price or the catalogue's."""
    for index, tier in enumerate(tiers):
        part = catalogue.storage.get(tier.part) if tier.part else None
        price = tier.device_price or (part.price if part else None)
        path: Path = ("storage", index, "device_price") if tier.device_price else ()
        source = "" if tier.device_price or part is None else part.cited
        yield Purchase(tier.name, tier.devices, price, f"storage[{index}].device_price", path, source)


def energy_price_of(tariff: Tariff | None, series: Series | None) -> Amount | HourlyPrice | None:
    """What a kWh costs; None when the hall has no tariff, or its hourly file was not read."""
    if tariff is None:
        return None
    if isinstance(tariff.energy_per_kwh, HourlyFile):
        return HourlyPrice(series, tariff.currency) if series is not None else None
    return in_tariff(tariff.energy_per_kwh, tariff)


def in_tariff(amount: Amount | None, tariff: Tariff) -> Amount | None:
    """The amount in its own currency, else in the tariff's."""
    if amount is None or amount.currency is not None:
        return amount
    return Amount(amount.value, tariff.currency)
