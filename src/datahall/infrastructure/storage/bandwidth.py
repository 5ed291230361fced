"""How fast a tier reads and writes, and which of its parts holds it back."""

from dataclasses import dataclass
from typing import Literal

from datahall.infrastructure.storage.tier import Tier


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """User data per second, and what limits it."""

    bytes_per_s: float
    limited_by: Literal["devices", "network"]


def read_bandwidth(tier: Tier) -> Bandwidth:
    """Large sequential reads of healthy data: every device serves, and only data fragments cross the network."""
    return _lower(tier.devices * tier.read_bytes_per_s, tier.network_bytes_per_s)


def write_bandwidth(tier: Tier) -> Bandwidth:
    """Large writes of whole stripes: copies and parity take their share of devices and of the servers' network.

    Small writes into an erasure code read before they write and are slower; so is a tier that rebuilds.
    """
    devices = tier.devices * tier.write_bytes_per_s / tier.write_amplification
    network = None if tier.network_bytes_per_s is None else tier.network_bytes_per_s / tier.write_amplification
    return _lower(devices, network)


def _lower(devices: float, network: float | None) -> Bandwidth:
    if network is not None and network < devices:
        return Bandwidth(network, "network")
    return Bandwidth(devices, "devices")


@dataclass(frozen=True, slots=True)
class Checkpointing:
    """What writing one checkpoint costs."""

    write_s: float
    stall_ratio: float | None
    """Share of the time that training waits; None when no interval is declared. 1: it does nothing else."""


def checkpointing(checkpoint_bytes: float, tier: Tier, *, every_s: float | None = None) -> Checkpointing:
    """Time to write a checkpoint, all workers at once, and the share of the time that training waits for it.

    every_s: from the start of one checkpoint to the start of the next.
    """
    write_s = checkpoint_bytes / write_bandwidth(tier).bytes_per_s
    if not every_s:
        return Checkpointing(write_s, None)
    return Checkpointing(write_s, min(1.0, write_s / every_s))
