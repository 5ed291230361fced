"""What a check of the network sees: a hall, its equipment, and the network's own catalogue."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from datahall.foundation.errors import Problem
from datahall.foundation.ranges import names_of
from datahall.infrastructure.checks.context import Context
from datahall.infrastructure.estate import Estate, estate_of
from datahall.infrastructure.spec import Fabric
from datahall.network.catalog import CablePart, NetworkCatalogue, SwitchPart
from datahall.network.fabric.build import FabricBuild, build, radix_of
from datahall.network.fabric.demand import HallDemand, demand_of
from datahall.network.fabric.wiring import Demand, DoesNotFitError, wiring_of


@dataclass(frozen=True)
class Declared:
    """One fabric of the hall, with all that could be made of it. What is None, another check names."""

    index: int
    fabric: Fabric
    switch: SwitchPart | None
    demand: HallDemand
    catalogue: NetworkCatalogue

    @cached_property
    def radix(self) -> int:
        return radix_of(self.switch, self.fabric.link_bits_per_s) if self.switch else 0

    @property
    def has_size(self) -> bool:
        return self.radix > 0 and self.demand.servers > 0

    @cached_property
    def misfit(self) -> DoesNotFitError | None:
        """Why it cannot be built as declared; None where it can, or where nothing can be said."""
        if not self.has_size:
            return None
        demand = Demand(self.demand.servers, self.demand.endpoints_per_server, self.fabric.manager_links)
        try:
            wiring_of(self.fabric, demand, radix=self.radix)
        except DoesNotFitError as error:
            return error
        return None

    @cached_property
    def built(self) -> FabricBuild | None:
        """The fabric as built; None where a part is unknown or it does not fit."""
        if not self.has_size or self.misfit or not self.knows_cables:
            return None
        servers, ports = self.demand.servers, self.demand.endpoints_per_server
        return build(self.fabric, servers=servers, endpoints_per_server=ports, catalogue=self.catalogue)

    @property
    def knows_cables(self) -> bool:
        names = (self.fabric.cable, self.fabric.uplink_cable)
        return all(name is None or name in self.catalogue.cables for name in names)

    def cable(self, name: str | None) -> CablePart | None:
        return self.catalogue.cables.get(name) if name else None


@dataclass(frozen=True)
class NetworkContext:
    """A hall with all that the checks of this floor look things up in."""

    below: Context
    """The same hall as the floor below sees it; its catalogue should know our switches."""
    catalogue: NetworkCatalogue

    @cached_property
    def estate(self) -> Estate:
        return estate_of(self.below.hall, self.below.catalogue)

    @cached_property
    def declared(self) -> tuple[Declared, ...]:
        return tuple(
            Declared(i, fabric, self.catalogue.switches.get(fabric.switch), demand_of(fabric, self.estate), self.catalogue)
            for i, fabric in enumerate(self.below.hall.fabrics)
        )

    @cached_property
    def rack_names(self) -> frozenset[str]:
        return frozenset(name for group in self.below.hall.racks for name in names_of(group.name))

    def place(self, fabric: int, *path: str | int) -> str:
        """file:line of a field of a fabric."""
        return self.below.where(("fabrics", fabric, *path))


Check = Callable[[NetworkContext], Iterator[Problem]]
