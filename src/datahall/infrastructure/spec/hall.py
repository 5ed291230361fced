"""The hall: everything that a plan, a rehearsal and the live platform read."""

from typing import Literal

from pydantic import Field

from datahall.foundation.spec import Name, Spec
from datahall.infrastructure.spec.cooling import Cooling
from datahall.infrastructure.spec.economy import Economy, Operation, Reliability
from datahall.infrastructure.spec.fabric import Fabric
from datahall.infrastructure.spec.layout import RackGroup, Room, Zone
from datahall.infrastructure.spec.machine import Node, Reserved
from datahall.infrastructure.spec.power import Power
from datahall.infrastructure.spec.site import Site
from datahall.infrastructure.spec.storage import StorageDemand, StorageTier


class PlatformSettings(Spec):
    """Choices of the live platform."""

    policy: Name = "fifo"
    """Who runs next."""
    tenants: tuple[Name, ...] = ("default",)
    """Tenants that exist from the start; more are added with `datahall tenant add`."""
    reserved: Reserved = Reserved()


class Hall(Spec):
    """Machines that stand somewhere (`nodes`), equipment that is planned (`racks`), and everything around them."""

    schema_version: Literal[1]
    name: Name
    catalog: tuple[str, ...] = ()
    """Catalogue files of your own, relative to the hall file; their rows come before those of Datahall."""
    site: Site | None = None
    power: Power | None = None
    cooling: Cooling | None = None
    rooms: tuple[Room, ...] = ()
    racks: tuple[RackGroup, ...] = ()
    nodes: tuple[Node, ...] = ()
    """Machines that are here, as `datahall init` finds them."""
    fabrics: tuple[Fabric, ...] = ()
    storage: tuple[StorageTier, ...] = ()
    storage_demand: StorageDemand | None = None
    zones: tuple[Zone, ...] = ()
    economy: Economy = Economy()
    operation: Operation = Operation()
    reliability: Reliability = Reliability()
    platform: PlatformSettings = PlatformSettings()
    scope_note: str | None = Field(default=None, max_length=2000)
    """What the plan leaves out, in your words; printed with it."""
