"""Storage tiers, and what training asks of them."""

from typing import Literal

from pydantic import Field

from datahall.foundation.money import Money
from datahall.foundation.spec import Name, Spec
from datahall.foundation.units import Bytes, BytesPerS, Seconds


class Replicas(Spec):
    """Whole copies."""

    kind: Literal["replicas"]
    copies: int = Field(ge=1, le=10)


class ErasureCode(Spec):
    """Data and parity fragments: any `parity` of them may be lost."""

    kind: Literal["erasure_code"]
    data: int = Field(ge=1, le=255)
    parity: int = Field(ge=1, le=255)


class StorageTier(Spec):
    """Devices of one type behind one name."""

    name: Name
    part: str | None = None
    """Row of the storage catalogue, for one device; what stands here overrides it."""
    devices: int = Field(ge=1, le=10_000_000)
    servers: int | None = Field(default=None, ge=1)
    """Storage servers that the devices sit in: fragments are spread over them."""
    device_capacity_bytes: Bytes | None = Field(default=None, gt=0)
    device_read_bytes_per_s: BytesPerS | None = None
    device_write_bytes_per_s: BytesPerS | None = None
    network_bytes_per_s: BytesPerS | None = None
    """What the tier's network gives, all servers together, one direction."""
    redundancy: Replicas | ErasureCode = Field(discriminator="kind")
    fill_ratio: float = Field(default=0.8, gt=0, le=1)
    """How full it may get: repair needs room, and file systems slow down above."""
    annual_failure_ratio: float | None = Field(default=None, gt=0, lt=1)
    """Share of the devices that fails in a year."""
    rebuild_bytes_per_s: BytesPerS | None = None
    """Rate at which one lost device is rebuilt."""
    placement: Literal["groups", "declustered"] = "groups"
    """`groups`: fixed sets of devices, such as RAID. `declustered`: fragments anywhere in the tier: rebuilding is faster, but
    any set of devices may hold data together."""
    device_price: Money | None = None
    """Of one device, without the server that it sits in; without it, the part's."""
    holds: tuple[Literal["checkpoints", "datasets", "home", "archive"], ...] = ()
    """What is kept here; without it, anything."""


class StorageDemand(Spec):
    """What training asks of storage."""

    checkpoint_bytes: Bytes | None = None
    """One checkpoint of the largest job: weights and optimiser state."""
    checkpoint_within_s: Seconds | None = None
    """How long a checkpoint may take to be written."""
    checkpoint_every_s: Seconds | None = None
    """From the start of one checkpoint to the start of the next; training waits while it is written."""
    dataset_bytes: Bytes | None = None
    load_bytes_per_s_per_accelerator: BytesPerS | None = None
    """Data that each accelerator reads while it trains."""
