"""What a fault takes with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Harm:
    """Of one fault, or of several that last at the same time."""

    nodes_down: frozenset[str] = frozenset()
    """Machines that stop, or that nothing reaches any more."""
    nodes_degraded: Mapping[str, float] = field(default_factory=dict)
    """Share of its bandwidth that a machine keeps on the compute fabrics; 0: cut off from the others, while it runs on."""
    accelerators_down: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Accelerators that are lost in machines that stay up, by index."""
    racks: tuple[str, ...] = ()
    """Racks that go dark."""
    nodes_interrupted: frozenset[str] = frozenset()
    """Machines that lose power for `gap_s` and come back on generators."""
    gap_s: float = 0.0
    storage: tuple[str, ...] = ()
    """Storage tiers that do not answer: what saves or reads there stalls."""
    nodes_without_storage: frozenset[str] = frozenset()
    """Machines that run on, cut off from all storage fabrics."""
    no_new_starts: bool = False
    """What runs goes on; nothing starts, and nothing is restarted."""
    after_s: float = 0.0
    """From the fault until this harm is felt."""
    side: Literal["air", "liquid", "fuel", "battery"] | None = None
    """What got too warm or ran out, where this harm comes later."""
    later: tuple["Harm", ...] = ()
    """What follows once heat has built up or tanks are empty, each with its `after_s`, unless the fault ends before."""
    why: tuple[str, ...] = ()
    """The chain, a sentence each."""
    witness: tuple[str, ...] = ()
    """Names from what was lost to the first that goes down with it; empty when nothing does."""

    @property
    def is_none(self) -> bool:
        """Whether nothing is felt, now or later."""
        felt = self.nodes_down or self.nodes_degraded or self.accelerators_down or self.racks or self.nodes_interrupted
        return not (felt or self.storage or self.nodes_without_storage or self.no_new_starts or self.later)

    @property
    def cut_off(self) -> frozenset[str]:
        """Machines that run on without any of the others."""
        return frozenset(name for name, ratio in self.nodes_degraded.items() if ratio <= 0)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: names in order, what is empty left out."""
        found: dict[str, Any] = {
            "nodes_down": sorted(self.nodes_down),
            "nodes_degraded": {name: self.nodes_degraded[name] for name in sorted(self.nodes_degraded)},
            "accelerators_down": {name: list(indexes) for name, indexes in sorted(self.accelerators_down.items())},
            "racks": list(self.racks),
            "nodes_interrupted": sorted(self.nodes_interrupted),
            "gap_s": self.gap_s,
            "storage": list(self.storage),
            "nodes_without_storage": sorted(self.nodes_without_storage),
            "no_new_starts": self.no_new_starts,
            "after_s": self.after_s,
            "side": self.side,
            "later": [stage.as_dict() for stage in self.later],
            "why": list(self.why),
            "witness": list(self.witness),
        }
        return {name: value for name, value in found.items() if value}
