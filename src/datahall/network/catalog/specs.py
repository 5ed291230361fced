"""Rows of the network catalogue: what a plan needs to know of a switch, a cable, a scale-up link."""

from typing import Literal

from pydantic import Field

from datahall.foundation.money import Money
from datahall.foundation.units import BitsPerS, BytesPerS, Watts
from datahall.infrastructure.catalog.part_specs import Device, Part

Protocol = Literal["infiniband", "roce_v2", "tcp"]
Medium = Literal["copper", "multimode", "singlemode"]


class SwitchPart(Device):
    """A switch. `peak_power_w` is with its strongest optics in every port."""

    ports: int = Field(ge=2, le=4096)
    """Ports for traffic, management left out."""
    port_bits_per_s: BitsPerS
    """Line rate of one port, one direction."""
    splits_into: int = Field(default=1, ge=1, le=8)
    """Most links that one port can be split into, each of an equal part of its rate."""
    ports_per_cage: int = Field(default=1, ge=1, le=8)
    """Ports that share one cage, and so one transceiver."""
    protocols: tuple[Protocol, ...] = Field(min_length=1)
    latency_s: float | None = Field(default=None, gt=0, le=1)
    """From port to port, s."""
    bare_power_w: Watts | None = Field(default=None, gt=0)
    """With passive copper in every port, W: optics are added link by link."""


class CablePart(Part):
    """A cable with its ends fixed on, or a transceiver of which a link takes one at each end."""

    kind: Literal["dac", "acc", "aoc", "optic"]
    """Passive copper, copper with re-timers, fibre with fixed ends, transceiver."""
    medium: Medium
    bits_per_s: BitsPerS
    """Line rate of one link, one direction."""
    links: int = Field(default=1, ge=1, le=8)
    """Links that it carries: 2 for a twin-port transceiver or a cable that splits in two."""
    reach_m: float = Field(gt=0)
    power_w: Watts
    """Of one end, W."""
    price: Money | None = None
    """Of one cable, or of one transceiver."""
    price_source: str | None = None

    @property
    def is_pluggable(self) -> bool:
        """Whether a link takes one at each end."""
        return self.kind == "optic"


class LinkPart(Part):
    """Links between accelerators inside a server or a scale-up domain."""

    bytes_per_s: BytesPerS
    """Of one accelerator to all others together, one direction, bytes/s."""
    switched: bool
    """Any two accelerators may use all of it, through a switch; otherwise it is split over direct neighbours."""
    domain: int | None = Field(default=None, ge=2)
    """Accelerators of the largest domain."""
