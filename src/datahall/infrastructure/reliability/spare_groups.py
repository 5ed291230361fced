"""Cooling units of which some may be out: k of n, with k from heat and capacity."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.reliability.closed_forms import at_least, k_of_n_unavailability, unavailability
from datahall.infrastructure.spec.cooling import Cooling, Units


@dataclass(frozen=True, slots=True)
class SpareGroup:
    """Machines of one kind that carry one load together."""

    name: str
    count: int
    needed: int
    failures_per_year: float | None = None
    repair_h: float | None = None

    @property
    def chance(self) -> float | None:
        """Of one unit to be down; None where its failures are unknown."""
        if self.failures_per_year is None or self.repair_h is None:
            return None
        return unavailability(failures_per_year=self.failures_per_year, repair_h=self.repair_h)

    def by_failure(self, beta_ratio: float) -> float:
        """Fewer up than needed, by failures of their own; `beta_ratio` of all failures is told as common cause instead."""
        alone = self.chance or 0.0
        if self.needed >= self.count:
            return k_of_n_unavailability(needed=self.needed, count=self.count, chance=alone)
        return k_of_n_unavailability(needed=self.needed, count=self.count, chance=(1 - beta_ratio) * alone)

    def by_common_cause(self, beta_ratio: float) -> float:
        return beta_ratio * (self.chance or 0.0) if self.needed < self.count else 0.0

    def in_maintenance(self, out_ratio: float, beta_ratio: float) -> float:
        """One out for work, and then too few. out_ratio: share of the year in which each is worked on."""
        chance = (self.chance or 0.0) * (1 - beta_ratio if self.needed < self.count else 1.0)
        left = at_least(self.count - self.needed, of=self.count - 1, chance=chance)
        return min(1.0, self.count * out_ratio) * left


def spare_groups(cooling: Cooling, catalogue: Catalogue, *, heat_w: Mapping[str, float]) -> tuple[SpareGroup, ...]:
    """Groups of a hall's cooling. heat_w: peak heat on `air`, `liquid` and `chillers`, W; a group without it is left out."""
    return tuple(_groups(cooling, catalogue, heat_w))


def _groups(cooling: Cooling, catalogue: Catalogue, heat_w: Mapping[str, float]) -> Iterator[SpareGroup]:
    declared: dict[str, Units | None] = {
        "air": cooling.air.units if cooling.air else None,
        "liquid": cooling.liquid.units if cooling.liquid else None,
        "chillers": cooling.plant.chillers,
    }
    for name, units in declared.items():
        if units is None or not heat_w.get(name):
            continue
        needed = max(1, math.ceil(heat_w[name] / units.capacity_w * (1 - 1e-9)))
        row = catalogue.cooling.get(units.part) if units.part else None
        title = f"{name} units" if name != "chillers" else name
        yield SpareGroup(
            title, units.count, min(needed, units.count), row.failures_per_year if row else None, row.repair_h if row else None
        )
