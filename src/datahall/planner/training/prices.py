"""What changes of a hall cost, as factors on the lines of its bill; None where the catalogue has no price."""

from datahall.foundation.errors import DatahallError
from datahall.foundation.money import Amount, in_currency
from datahall.infrastructure.catalog.part_specs import ServerPart
from datahall.network.fabric import FabricBuild, build
from datahall.planner.training.cluster import fabric_of
from datahall.planner.training.hall import Home


def servers_factor(home: Home, part: ServerPart) -> float | None:
    """On the servers' line, where those of the run are replaced by others."""
    old, new = (_money(home, found.price if found else None) for found in (home.kind.part, part))
    capital = home.plan.figures.value("capital_servers")
    if old is None or new is None or not capital:
        return None
    return 1 + home.kind.servers * (new - old) / capital


def second_network_factor(home: Home) -> float | None:
    """On the network's line, where the compute fabric is bought twice."""
    fabric = fabric_of(home.loaded, home.kind)
    return _factor(home, _price(home, fabric) if fabric else None)


def wide_network_factor(home: Home) -> float | None:
    """On the network's line, where the compute fabric is built anew with as many uplinks as downlinks."""
    fabric = fabric_of(home.loaded, home.kind)
    wide = _widened(home, fabric) if fabric else None
    old, new = (_price(home, found) if found else None for found in (fabric, wide))
    return None if old is None or new is None else _factor(home, new - old)


def _widened(home: Home, fabric: FabricBuild) -> FabricBuild | None:
    if not hasattr(fabric.fabric, "oversubscription"):
        return None
    declared = fabric.fabric.model_copy(update={"oversubscription": 1.0})
    asked = fabric.demand
    try:
        return build(
            declared,
            servers=asked.servers,
            endpoints_per_server=asked.endpoints_per_server,
            catalogue=home.loaded.network,
        )
    except DatahallError:
        return None


def _price(home: Home, fabric: FabricBuild) -> float | None:
    return _money(home, fabric.price)


def _factor(home: Home, more: float | None) -> float | None:
    """On the line, for so much more capital of the same life."""
    capital = home.plan.figures.value("capital_network")
    return None if more is None or not capital else 1 + more / capital


def _money(home: Home, amount: Amount | None) -> float | None:
    economy = home.loaded.hall.economy
    try:
        return None if amount is None else in_currency(amount, economy.currency, economy.rates)
    except KeyError:
        return None
