"""Which tier serves what training asks for, and whether it is enough."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.spec import Hall, StorageDemand, StorageTier
from datahall.infrastructure.storage.bandwidth import (
    Bandwidth,
    Checkpointing,
    checkpointing,
    read_bandwidth,
    write_bandwidth,
)
from datahall.infrastructure.storage.durability import Durability, durability_of
from datahall.infrastructure.storage.tier import Tier, tier_of

Kept = Literal["checkpoints", "datasets"]


@dataclass(frozen=True, slots=True)
class TierReport:
    """One tier's figures."""

    tier: Tier
    read: Bandwidth
    write: Bandwidth
    durability: Durability | None
    """None while the devices' failure ratio or the rebuild rate is not known."""


@dataclass(frozen=True, slots=True)
class StorageReport:
    """All tiers, and what training asks of them."""

    tiers: tuple[TierReport, ...]
    checkpoint_tier: Tier | None
    checkpoint: Checkpointing | None
    dataset_tier: Tier | None
    loading_bytes_per_s: float | None
    """What all accelerators read together; None when it is not declared."""
    loading_ratio: float | None
    """Demand over what the tier reads; above 1, accelerators wait for data."""


def storage_of(hall: Hall, catalogue: Catalogue, *, accelerators: int) -> StorageReport:
    """Capacity, bandwidth and durability of every tier, and the checkpoint and loading figures where they are asked for."""
    found = [tier for spec in hall.storage if (tier := tier_of(spec, catalogue)) is not None]
    reports = tuple(TierReport(t, read_bandwidth(t), write_bandwidth(t), durability_of(t)) for t in found)
    asked = hall.storage_demand or StorageDemand()
    writes = fastest(tiers_for("checkpoints", hall.storage, catalogue), write_speed) if asked.checkpoint_bytes else None
    reads = fastest(tiers_for("datasets", hall.storage, catalogue), read_speed)
    loading = loading_bytes_per_s(asked, accelerators)
    checkpoint = None
    if writes is not None and asked.checkpoint_bytes:
        checkpoint = checkpointing(asked.checkpoint_bytes, writes, every_s=asked.checkpoint_every_s)
    ratio = loading / read_speed(reads) if loading is not None and reads is not None else None
    return StorageReport(reports, writes, checkpoint, reads, loading, ratio)


def loading_bytes_per_s(asked: StorageDemand, accelerators: int) -> float | None:
    """What all accelerators together read while they train."""
    each = asked.load_bytes_per_s_per_accelerator
    return None if each is None else each * accelerators


def holds(spec: StorageTier, kept: Kept) -> bool:
    """Whether a tier is for this; one that says nothing is for anything."""
    return not spec.holds or kept in spec.holds


def tiers_for(kept: Kept, specs: Iterable[StorageTier], catalogue: Catalogue) -> list[Tier]:
    """Tiers that hold this and whose facts are known."""
    return [tier for spec in specs if holds(spec, kept) and (tier := tier_of(spec, catalogue)) is not None]


def fastest(tiers: Iterable[Tier], speed: Callable[[Tier], float]) -> Tier | None:
    """The tier that work goes to when several could take it."""
    return max(tiers, key=speed, default=None)


def write_speed(tier: Tier) -> float:
    """User data written per second, bytes/s."""
    return write_bandwidth(tier).bytes_per_s


def read_speed(tier: Tier) -> float:
    """User data read per second, bytes/s."""
    return read_bandwidth(tier).bytes_per_s
