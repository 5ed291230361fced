"""Changes of a hall by faults and repairs, and what they add up to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from datahall.twin.order import Order

Kind = Literal[
    "down",
    "up",
    "accelerator_down",
    "accelerator_up",
    "interrupted",
    "bandwidth",
    "storage_down",
    "storage_up",
    "starts_off",
    "starts_on",
]
Place = tuple[str, int | None]
"""A machine, or one of its accelerators."""


@dataclass(frozen=True, slots=True)
class FaultEvent:
    """One change of the hall."""

    at_ms: int
    order: Order
    kind: Kind
    name: str = ""
    """Machine or storage tier; empty for the control plane."""
    accelerator: int | None = None
    ratio: float | None = None
    """Bandwidth: the share that the machine has from now on; 1: all of it again."""
    why: str = ""


@dataclass(frozen=True)
class Timeline:
    """All changes up to the horizon, in the order of `Order` where they come at once, and what they add up to."""

    events: tuple[FaultEvent, ...]
    horizon_ms: int
    nodes: int
    accelerators: int
    node_down_ms: Mapping[str, int]
    """Each machine that was down, with for how long altogether."""
    accelerator_down_ms: int
    """Over all accelerators, those of machines that are down included."""
    bandwidth_lost_ms: float
    """Over all accelerators of machines that are up: time, weighted by the share of bandwidth that is gone."""
    storage_down_ms: Mapping[str, int]
    starts_off_ms: int

    @property
    def availability(self) -> float:
        """Share of all accelerator time that is up, 0..1; 1 without accelerators or without time."""
        return _share_up(self.accelerator_down_ms, self.accelerators * self.horizon_ms)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: what it adds up to, in seconds, without the events."""
        return {
            "horizon_s": self.horizon_ms / 1000,
            "accelerator_availability": self.availability,
            "node_availability": self.node_availability,
            "accelerator_down_s": self.accelerator_down_ms / 1000,
            "bandwidth_lost_accelerator_s": self.bandwidth_lost_ms / 1000,
            "storage_down_s": {tier: down_ms / 1000 for tier, down_ms in self.storage_down_ms.items()},
            "starts_off_s": self.starts_off_ms / 1000,
            "machines_that_went_down": len(self.node_down_ms),
        }

    @property
    def node_availability(self) -> float:
        return _share_up(sum(self.node_down_ms.values()), self.nodes * self.horizon_ms)


def _share_up(down_ms: float, all_ms: float) -> float:
    return 1 - down_ms / all_ms if all_ms else 1.0
