"""What the rules about power look at: the graph of the hall under check, put together once."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from datahall.foundation.errors import Problem
from datahall.infrastructure.checks.context import Context
from datahall.infrastructure.estate import Estate, estate_of
from datahall.infrastructure.power.assembly import assembled
from datahall.infrastructure.power.faults import Fault
from datahall.infrastructure.power.figures import figure_faults
from datahall.infrastructure.power.graph import PowerGraph
from datahall.infrastructure.power.judgement import Judgement
from datahall.infrastructure.power.overload import Loaded
from datahall.infrastructure.power.wiring import Wiring, wired
from datahall.infrastructure.spec import Power


@dataclass(frozen=True)
class View:
    """The power graph of a hall under check, put together once for all rules."""

    context: Context

    @cached_property
    def power(self) -> Power:
        return self.context.hall.power or Power()

    @cached_property
    def wiring(self) -> Wiring:
        return wired(self.power, self.context.hall.racks)

    @cached_property
    def faults(self) -> tuple[Fault, ...]:
        return (*self.wiring.faults, *figure_faults(self.power.elements, self.context.catalogue.power))

    @cached_property
    def estate(self) -> Estate:
        return estate_of(self.context.hall, self.context.catalogue)

    @cached_property
    def graph(self) -> PowerGraph | None:
        """None where the graph has faults, or nothing in it: rules about flows then have nothing to say."""
        if self.faults or not self.power.elements:
            return None
        return assembled(self.power, self.estate, self.context.catalogue, self.wiring)

    @cached_property
    def it_ratio(self) -> float:
        """Full draw, or what the cap leaves of it; a cap that is itself at fault hides nothing."""
        peak_w, cap_w = self.estate.peak_w, self.power.it_cap_w
        return 1.0 if cap_w is None or not self.estate.idle_w <= cap_w < peak_w else cap_w / peak_w

    @cached_property
    def judgement(self) -> Judgement | None:
        return None if self.graph is None else Judgement(self._within_racks(Loaded(self.graph, self.it_ratio)))

    def _within_racks(self, loaded: Loaded) -> Loaded:
        """Racks that draw more than they may are told by a rule of their own; here they draw what they may."""
        factors = []
        for block in self.estate.blocks:
            row = self.context.catalogue.racks.get(block.group.part) if block.group.part else None
            limit_w = block.group.power_limit_w or (row.power_limit_w if row else None)
            factors.append(1.0 if limit_w is None or block.peak_w <= limit_w else limit_w / block.peak_w)
        if min(factors, default=1.0) == 1.0:
            return loaded
        return loaded.with_racks(np.array(factors)[list(loaded.graph.racks.block)])

    def told(self, fault: Fault) -> Problem:
        return fault.problem(self.context.where)


@dataclass(frozen=True)
class _Same:
    """A context as itself: two that are equal are still two, and a hall cannot be hashed."""

    context: Context

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.context is other.context

    def __hash__(self) -> int:
        return id(self.context)


@lru_cache(maxsize=1)
def _view(same: _Same) -> View:
    return View(same.context)


def view_of(context: Context) -> View:
    """The graph of this context; the last one is kept, since one rule after another asks for it."""
    return _view(_Same(context))
