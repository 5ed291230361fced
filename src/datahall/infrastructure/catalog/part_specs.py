"""Rows of the catalogue of equipment: what a plan needs to know of a server, a rack, a UPS, a chiller, a drive."""

from typing import Literal

from pydantic import Field

from datahall.foundation.money import Money
from datahall.foundation.spec import Spec
from datahall.foundation.units import Bytes, BytesPerS, Watts

Checked = Literal["read", "secondary", "unverified"]
"""`read` at its publisher's; `secondary`: quoted by another; `unverified`: a figure of its class, to be checked before use."""


class Part(Spec):
    """A row. Whoever adds one says where and when its figures were read, and in which units."""

    name: str = Field(min_length=2, max_length=120)
    """What a hall file writes; unique within its kind."""
    unit: str = Field(min_length=1)
    """Units of the figures, such as `W, kg, USD`."""
    source: str = Field(min_length=8)
    date: str = Field(pattern=r"^\d{4}-\d{2}(-\d{2})?$")
    checked: Checked = "read"
    note: str | None = None

    @property
    def cited(self) -> str:
        return f"catalogue row {self.name}: {self.source}, {self.date}" + (
            "" if self.checked == "read" else f" ({self.checked})"
        )


class Device(Part):
    """What may stand in a rack: servers, switches, storage nodes."""

    units: int = Field(ge=0, le=60)
    """Rack units; 0: it hangs beside the units."""
    peak_power_w: Watts = Field(gt=0)
    """At the inlet under full load."""
    idle_power_w: Watts | None = None
    """At the inlet with nothing to do; without it, a stated share of the peak is assumed."""
    weight_kg: float | None = Field(default=None, gt=0)
    cords: int = Field(default=2, ge=0, le=16)
    """Power inlets; 0: fed by the rack's busbar."""
    cords_needed: int = Field(default=1, ge=0, le=16)
    """Inlets that must be alive at full load."""
    liquid_heat_ratio: float = Field(default=0.0, ge=0, le=1)
    """Share of its heat that leaves by liquid."""
    price: Money | None = None
    price_source: str | None = None
    embodied_kgco2e: float | None = Field(default=None, ge=0)
    """Emissions of making it."""
    embodied_source: str | None = None
    failures_per_year: float | None = Field(default=None, ge=0)


class ServerPart(Device):
    """A server with or without accelerators."""

    accelerator: str | None = None
    """Row of accelerators.yaml."""
    accelerators: int = Field(default=0, ge=0, le=1024)
    cpu: str | None = None
    """Processor, as it calls itself."""
    sockets: int = Field(ge=1, le=1024)
    cores: int = Field(ge=1)
    """Physical cores, all sockets."""
    threads: int = Field(ge=1)
    memory_bytes: Bytes
    compute_ports: int = Field(default=0, ge=0, le=1024)
    """Ports of the compute fabric."""
    storage_ports: int = Field(default=0, ge=0, le=1024)
    management_ports: int = Field(default=1, ge=0, le=1024)
    scale_up: str | None = None
    """Row of the scale-up links in the network catalogue, such as NVLink4."""
    scale_up_domain: int | None = Field(default=None, ge=1)
    """Accelerators that one scale-up domain joins, where it is not those of one server."""


class RackPart(Part):
    """An empty rack."""

    units: int = Field(ge=1, le=100)
    power_limit_w: Watts | None = None
    weight_limit_kg: float | None = Field(default=None, gt=0)
    """Static load that it carries."""
    empty_weight_kg: float = Field(ge=0)
    width_m: float = Field(gt=0)
    depth_m: float = Field(gt=0)
    height_m: float | None = Field(default=None, gt=0)
    price: Money | None = None


class PowerPart(Part):
    """A power element: rating, three-term losses, failures.

    Loss = rating x (no_load + linear x + square x^2), x = output over rating.
    """

    kind: Literal["utility", "generator", "transformer", "switchgear", "transfer_switch", "ups", "pdu", "busway", "rectifier"]
    rating_w: Watts | None = None
    """Continuous rating at the output; None: a hall says it."""
    loss_no_load_ratio: float = Field(default=0.0, ge=0, le=0.2)
    loss_linear_ratio: float = Field(default=0.0, ge=0, le=0.2)
    loss_square_ratio: float = Field(default=0.0, ge=0, le=0.2)
    failures_per_year: float | None = Field(default=None, ge=0)
    repair_h: float | None = Field(default=None, gt=0)
    fail_to_start_ratio: float | None = Field(default=None, ge=0, le=1)
    """Generators: chance of not starting when asked."""


class CoolingPart(Part):
    """A chiller, tower, cooler, air handler or coolant distribution unit."""

    kind: Literal["chiller", "tower", "dry_cooler", "crah", "crac", "cdu", "pump", "heat_exchanger"]
    capacity_w: Watts | None = None
    carnot_ratio: float | None = Field(default=None, gt=0, le=0.9)
    """Chillers: share of the ideal COP."""
    failures_per_year: float | None = Field(default=None, ge=0)
    repair_h: float | None = Field(default=None, gt=0)
    price: Money | None = None


class StoragePart(Part):
    """One storage device."""

    kind: Literal["nvme", "ssd", "hdd", "tape"]
    capacity_bytes: Bytes
    read_bytes_per_s: BytesPerS
    write_bytes_per_s: BytesPerS
    annual_failure_ratio: float | None = Field(default=None, gt=0, lt=1)
    power_w: Watts | None = None
    price: Money | None = None
