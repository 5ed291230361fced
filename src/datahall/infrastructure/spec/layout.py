"""Rooms, rows and racks, and what stands in them."""

from typing import Literal

from pydantic import Field

from datahall.foundation.ranges import NameRange
from datahall.foundation.spec import Name, Spec
from datahall.foundation.units import Watts
from datahall.infrastructure.spec.power import Phase


class Row(Spec):
    """A row of rack positions, or many alike: `row-[a-d]` names four rows."""

    name: NameRange
    positions: int = Field(ge=1, le=10_000)
    """Racks that fit."""


class Room(Spec):
    """A room with its rows."""

    name: Name
    width_m: float | None = Field(default=None, gt=0)
    depth_m: float | None = Field(default=None, gt=0)
    height_m: float | None = Field(default=None, gt=0)
    floor_load_kg_per_m2: float | None = Field(default=None, gt=0)
    """Load that the floor carries under the footprint of a rack, kg/m2; without it, not judged."""
    rows: tuple[Row, ...] = ()


class Contents(Spec):
    """Equipment of one type in each rack of a group."""

    part: str = Field(min_length=1)
    """Row of the servers or switches of a catalogue; storage servers are servers, their drives are a storage tier's."""
    count: int = Field(ge=0, le=1000)
    """In one rack."""
    power_cap_w: Watts | None = Field(default=None, gt=0)
    """Cap for one of them, W, where the firmware holds one."""
    cords: int | None = Field(default=None, ge=1, le=16)
    """Cords that are plugged in; without it, as many as the part has."""


class RackGroup(Spec):
    """One rack, or many alike: `r[001-128]`."""

    name: NameRange
    part: str | None = None
    """Row of the rack catalogue: units, power, weight and footprint."""
    power_limit_w: Watts | None = Field(default=None, gt=0)
    """Continuous power that the rack may draw, W; without it, the part's."""
    weight_limit_kg: float | None = Field(default=None, gt=0)
    """What may stand in one rack, kg; without it, the part's."""
    heat_limit_w: Watts | None = Field(default=None, gt=0)
    """Heat that the air or the liquid carries away from one rack, W."""
    units: int | None = Field(default=None, ge=1, le=100)
    """Rack units; without it, the part's."""
    room: Name | None = None
    """Room where they stand; without it, the room of the row, or anywhere."""
    row: NameRange | None = None
    """Row, or rows that are filled one after the other; without it, all rows of the room."""
    feeds: tuple[NameRange, ...] = ()
    """Power elements that feed it, one entry for each cord side: `[pdu-a[01-16], pdu-b[01-16]]`; dealt out in equal blocks."""
    phase: Phase = "3"
    rear_door: bool = False
    """A rear-door heat exchanger takes part of the air heat to the liquid side."""
    contents: tuple[Contents, ...] = ()


class Zone(Spec):
    """Racks that belong together for security: who may reach whom is decided between zones."""

    name: Name
    purpose: Literal["compute", "storage", "management", "service", "public"] = "compute"
    racks: tuple[NameRange, ...] = ()
    tenants: tuple[Name, ...] = ()
