"""What the rules about power look at: the graph of the hall under check, put together once."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from datahall.foundation.errors import Problem
from datahall.foundation.paths import Path
from datahall.infrastructure.checks.context import Context
from datahall.infrastructure.estate import Estate, estate_of
from datahall.infrastructure.power.assembly import assembled
from datahall.infrastructure.power.faults import Fault
from datahall.infrastructure.power.figures import figure_faults
from datahall.infrastructure.power.graph import PowerGraph
from datahall.infrastructure.power.judgement import Judgement
from datahall.infrastructure.power.overload import Loaded
from datahall.infrastructure.power.sound import sound
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
    def is_whole(self) -> bool:
        """Whether all of the power section and of the racks could be read and wired."""
        return not self.faults and not any(self.context.unread(path) for path in (("power",), ("racks",)))

    @cached_property
    def graph(self) -> PowerGraph | None:
        """None where nothing is in it. Where the hall has faults: the part of it that none of them touches."""
        if not self.power.elements:
            return None
        if self.is_whole:
            return assembled(self.power, self.estate, self.context.catalogue, self.wiring)
        # The house load is shared by what feeds it: with one of those gone, the others would carry more than in truth.
        power = self.power.model_copy(update={"house_load_w": 0.0})
        faults = [*self.wiring.every_fault, *self.faults]
        names = frozenset(name for fault in faults for name in fault.names)
        left = sound(self.wiring, [*(fault.path for fault in faults), *self._unread_entries()], names)
        return assembled(power, self.estate, self.context.catalogue, left) if left.names else None

    def _unread_entries(self) -> Iterator[Path]:
        elements: list[Path] = [("power", "elements", number) for number in range(len(self.power.elements))]
        racks: list[Path] = [("racks", number) for number in range(len(self.context.hall.racks))]
        yield from filter(self.context.unread, elements + racks)

    @cached_property
    def it_ratio(self) -> float:
        """Full draw, or what the cap leaves of it; a cap that is itself at fault hides nothing."""
        peak_w, cap_w = self.estate.peak_w, self.power.it_cap_w
        return 1.0 if cap_w is None or not self.estate.idle_w <= cap_w < peak_w else cap_w / peak_w

    @cached_property
    def judgement(self) -> Judgement | None:
        """None where there is no graph, or where a cap may hold all of it back but could not be read."""
        if self.graph is None or self.context.unread(("power", "it_cap_w")):
            return None
        declared = Loaded(self.graph, self.it_ratio)
        return Judgement(self._within_racks(declared), declared, sides_by_place=self.is_whole)

    def _within_racks(self, loaded: Loaded) -> Loaded:
        """Racks that draw more than they may are told by a rule of their own; here they draw what they may.

        A limit that is too low for one device of each type is what is wrong there: then they draw what they hold.
        """
        factors = []
        for block in self.estate.blocks:
            row = self.context.catalogue.racks.get(block.group.part) if block.group.part else None
            limit_w = block.group.power_limit_w or (row.power_limit_w if row else None)
            least_w = sum(content.peak_w for content in block.contents)
            told = limit_w is not None and least_w <= limit_w < block.peak_w
            factors.append(limit_w / block.peak_w if told and limit_w else 1.0)
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
