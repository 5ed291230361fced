"""Storage tiers: what fits, how fast, how safe, and whether training waits for it."""

from datahall.infrastructure.storage.bandwidth import Bandwidth, Checkpointing, checkpointing, read_bandwidth, write_bandwidth
from datahall.infrastructure.storage.demand import StorageReport, TierReport, storage_of
from datahall.infrastructure.storage.durability import Durability, durability_of, mttdl_h
from datahall.infrastructure.storage.tier import Tier, tier_of

__all__ = [
    "Bandwidth",
    "Checkpointing",
    "Durability",
    "StorageReport",
    "Tier",
    "TierReport",
    "checkpointing",
    "durability_of",
    "mttdl_h",
    "read_bandwidth",
    "storage_of",
    "tier_of",
    "write_bandwidth",
]
