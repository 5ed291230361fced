"""Networks of a hall as declared; `datahall.network` counts, draws and costs them."""

from typing import Annotated, Literal

from pydantic import Field

from datahall.foundation.ranges import NameRange
from datahall.foundation.spec import Name, Spec
from datahall.foundation.units import BitsPerS


class _FabricBase(Spec):
    name: Name
    purpose: Literal["compute", "storage", "management"] = "compute"
    protocol: Literal["infiniband", "roce_v2", "tcp"]
    switch: str = Field(min_length=1)
    """Row of the switch catalogue."""
    link_bits_per_s: BitsPerS
    """Line rate of one link to an endpoint, one direction; a switch port of twice the rate is split in two."""
    endpoints_per_server: int | None = Field(default=None, ge=1, le=64)
    """Ports of one server; without it, what the server's row says for this purpose."""
    server_parts: tuple[str, ...] = ()
    """Which of the hall's parts hang on it; without it, all servers with accelerators (compute) or all (other purposes)."""
    cable: str | None = None
    """Row of the cable or optics catalogue for links to servers; without it, chosen by reach."""
    cable_length_m: float | None = Field(default=None, gt=0)
    """Longest link to a server."""
    uplink_cable: str | None = None
    uplink_length_m: float | None = Field(default=None, gt=0)
    """Longest link between switches."""
    oversubscription_limit: float = Field(default=1.0, ge=1, le=64)
    """Most that the downlinks of a tier may exceed its uplinks."""
    manager_links: int = Field(default=0, ge=0, le=1024)
    """Links of fabric managers, such as UFM appliances; they take leaf ports as endpoints do."""
    spare_ratio: float = Field(default=0.0, ge=0, le=1)
    """Cables and transceivers bought on top, over those in use."""
    racks: tuple[NameRange, ...] = ()
    """Racks that hold the switches, for power, weight and reach."""


class LeafSpine(_FabricBase):
    """Two tiers: every leaf on every spine."""

    topology: Literal["leaf_spine"]
    oversubscription: float = Field(default=1.0, ge=1, le=64)
    """Downlinks over uplinks of a leaf, as built."""
    servers_per_unit: int | None = Field(default=None, ge=1)
    """Servers that a scalable unit is built for; leaves are bought unit by unit."""


class FatTree(_FabricBase):
    """Folded Clos of two or three tiers, non-blocking unless told otherwise."""

    topology: Literal["fat_tree"]
    tiers: Literal[2, 3] | None = None
    """Without it: 2 while one Clos is large enough, else 3."""
    oversubscription: float = Field(default=1.0, ge=1, le=64)
    servers_per_unit: int | None = Field(default=None, ge=1)


class RailOptimised(_FabricBase):
    """Port r of every server on a leaf of rail r; spines join the rails, or each rail is a Clos of its own."""

    topology: Literal["rail_optimised"]
    rails: int = Field(default=8, ge=1, le=72)
    oversubscription: float = Field(default=1.0, ge=1, le=64)
    servers_per_unit: int | None = Field(default=None, ge=1)
    join: Literal["auto", "spine", "planes", "core"] = "auto"
    """Beyond one two-tier Clos: `planes` makes a Clos for each rail, `core` a third tier; `spine` insists on one Clos."""


class RailOnly(_FabricBase):
    """Each rail by itself; accelerators of different rails meet inside the server."""

    topology: Literal["rail_only"]
    rails: int = Field(default=8, ge=1, le=72)


class Dragonfly(_FabricBase):
    """Groups of routers, all-to-all between groups; dragonfly+ when a group is a leaf-spine."""

    topology: Literal["dragonfly", "dragonfly_plus"]
    endpoints_per_router: int = Field(ge=1)
    """p: endpoints on a router (a leaf in dragonfly+)."""
    routers_per_group: int = Field(ge=1)
    """a: routers in a group (leaves in dragonfly+, with as many spines)."""
    global_links_per_router: int = Field(ge=1)
    """h: links to other groups on a router (a spine in dragonfly+)."""


class Torus(_FabricBase):
    """A grid whose ends meet; every endpoint is its own router."""

    topology: Literal["torus"]
    dimensions: tuple[int, ...] = Field(min_length=1, max_length=5)
    """Endpoints along each axis, such as [16, 16, 16]."""


Fabric = Annotated[LeafSpine | FatTree | RailOptimised | RailOnly | Dragonfly | Torus, Field(discriminator="topology")]
