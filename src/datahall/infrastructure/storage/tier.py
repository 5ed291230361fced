"""A storage tier with its device's facts looked up: what the hall says, else what the catalogue's row says."""

from dataclasses import dataclass

from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.spec import ErasureCode, Replicas, StorageTier


@dataclass(frozen=True, slots=True)
class Tier:
    """Devices of one type behind one name, every fact known that capacity and bandwidth need."""

    name: str
    devices: int
    device_bytes: float
    """Capacity of one device."""
    read_bytes_per_s: float
    """Of one device, sequential."""
    write_bytes_per_s: float
    network_bytes_per_s: float | None
    """All servers together, one direction; None: the network does not limit."""
    fragments: int
    """On different devices: copies, or data + parity."""
    tolerated: int
    """How many fragments may be lost."""
    fill_ratio: float
    declustered: bool
    annual_failure_ratio: float | None
    rebuild_bytes_per_s: float | None

    @property
    def data(self) -> int:
        """Fragments' worth of user data in one set: 1 for replicas."""
        return self.fragments - self.tolerated

    @property
    def write_amplification(self) -> float:
        """Bytes written to devices for each byte of a full stripe."""
        return self.fragments / self.data

    @property
    def raw_bytes(self) -> float:
        return self.devices * self.device_bytes

    @property
    def usable_bytes(self) -> float:
        """User data that fits: raw x data / fragments x fill."""
        return self.raw_bytes / self.write_amplification * self.fill_ratio

    @property
    def lacking_for_durability(self) -> tuple[str, ...]:
        """What a hall file must still say before the chance of losing data can be told, by its fields' names."""
        facts = {"annual_failure_ratio": self.annual_failure_ratio, "rebuild_bytes_per_s": self.rebuild_bytes_per_s}
        return tuple(name for name, value in facts.items() if value is None)


def fragments_of(redundancy: Replicas | ErasureCode) -> tuple[int, int]:
    """How many fragments a set has, and how many of them may be lost."""
    if isinstance(redundancy, Replicas):
        return redundancy.copies, redundancy.copies - 1
    return redundancy.data + redundancy.parity, redundancy.parity


def lacking(spec: StorageTier, catalogue: Catalogue) -> tuple[str, ...]:
    """Facts that neither the hall nor a row gives, by their names in the hall file."""
    part = catalogue.storage.get(spec.part) if spec.part else None
    facts = {
        "device_capacity_bytes": spec.device_capacity_bytes or (part and part.capacity_bytes),
        "device_read_bytes_per_s": spec.device_read_bytes_per_s or (part and part.read_bytes_per_s),
        "device_write_bytes_per_s": spec.device_write_bytes_per_s or (part and part.write_bytes_per_s),
    }
    return tuple(name for name, value in facts.items() if not value)


def tier_of(spec: StorageTier, catalogue: Catalogue) -> Tier | None:
    """The tier; None while a fact of its devices is lacking, which a check has named."""
    part = catalogue.storage.get(spec.part) if spec.part else None
    capacity = spec.device_capacity_bytes or (part and part.capacity_bytes)
    read = spec.device_read_bytes_per_s or (part and part.read_bytes_per_s)
    write = spec.device_write_bytes_per_s or (part and part.write_bytes_per_s)
    if not capacity or not read or not write:
        return None
    fragments, tolerated = fragments_of(spec.redundancy)
    return Tier(
        name=spec.name,
        devices=spec.devices,
        device_bytes=float(capacity),
        read_bytes_per_s=read,
        write_bytes_per_s=write,
        network_bytes_per_s=spec.network_bytes_per_s,
        fragments=fragments,
        tolerated=tolerated,
        fill_ratio=spec.fill_ratio,
        declustered=spec.placement == "declustered",
        annual_failure_ratio=spec.annual_failure_ratio or (part.annual_failure_ratio if part else None),
        rebuild_bytes_per_s=spec.rebuild_bytes_per_s,
    )
