"""Minimal sets of units whose loss takes down a rack: single ones, pairs, and m of n in parallel, alone or with one more.

Whether a set takes a rack down is asked of the outage itself, so that ratings and loads decide how many of a group are spare.
Sets are tried once for each class under the symmetries of the graph; how many alike hit one rack follows by counting twice.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from datahall.infrastructure.reliability.alike import Likeness
from datahall.infrastructure.reliability.outage import Outages
from datahall.infrastructure.reliability.supply import Supply

Hits = dict[int, float]
"""Class of racks -> how many sets alike take down one rack of it."""


@dataclass(frozen=True, slots=True)
class CutSet:
    """An example of sets that symmetry cannot tell apart."""

    units: tuple[int, ...]
    """One, two or none that stand for themselves."""
    group: tuple[int, ...]
    """Units in parallel, of which any `down` are lost too; empty: none."""
    down: int
    racks: Hits
    served: Hits
    """The same for racks that need the cooling plant's power as well."""
    plant: float
    """Sets alike that take down the power of the cooling plant."""
    lasting: bool = True
    """False: the racks come back on generators."""

    @property
    def order(self) -> int:
        return len(self.units) + self.down


@dataclass(frozen=True, slots=True)
class Down:
    """What one outage takes down."""

    racks: frozenset[int]
    plant: bool
    lost: frozenset[int]
    """Loads that stay without power."""


class CutSets:
    """Cut sets of every class of racks of one supply."""

    def __init__(self, supply: Supply, *, most_pairs: int = 100_000) -> None:
        self.supply, self.outages, self.likeness = supply, Outages(supply), Likeness(supply)
        self.alike = self.likeness.classes()
        self.tries_pairs = len(self.alike.units) ** 2 / 2 <= most_pairs
        self.class_of_unit = {unit: n for n, units in enumerate(self.alike.units) for unit in units}
        self.rack_classes = tuple(loads for loads in self.alike.loads if supply.loads[loads[0]].kind == "rack")
        self.class_of_rack = {rack: n for n, racks in enumerate(self.rack_classes) for rack in racks}
        self._beside_one: dict[int, tuple[tuple[int, ...], ...]] = {}
        self._bases: dict[frozenset[int], Outages | None] = {}
        self._known: dict[frozenset[int], Down] = {}

    def down(self, units: Iterable[int], *, given: Iterable[int] = ()) -> Down:
        """What goes down without these. Asked for many times over; each set is worked out once.

        given: some of them that many of the sets have in common, so that only the rest needs to be followed.
        """
        key, start = frozenset(units), frozenset(given)
        if (known := self._known.get(key)) is None:
            left = self._left(start) if start else None
            outage = left.after(key - start) if left else self.outages.after(key)
            racks = frozenset(load for load in outage.dark_loads if self.supply.loads[load].kind == "rack")
            plant = any(self.supply.loads[load].kind == "mechanical" for load in outage.lost_loads)
            known = self._known[key] = Down(racks, plant, outage.lost_loads)
        return known

    def _left(self, units: frozenset[int]) -> Outages | None:
        if units not in self._bases:
            self._bases[units] = self.outages.without(units)
        return self._bases[units]

    @cached_property
    def all(self) -> tuple[CutSet, ...]:
        """Of order one and two, and m of n in parallel with at most one more."""
        return (*self.singles, *self.pairs, *self.groups)

    @cached_property
    def singles(self) -> tuple[CutSet, ...]:
        return tuple(self._singles())

    def beside(self, unit: int) -> tuple[tuple[int, ...], ...]:
        """Classes of units once this one is told apart from all others."""
        if (known := self._beside_one.get(unit)) is None:
            known = self._beside_one[unit] = self.likeness.classes([[unit]]).units
        return known

    def _singles(self) -> Iterator[CutSet]:
        for units in self.alike.units:
            down = self.down(units[:1])
            hits = self._hits(down, (), len(units))
            yield from _telling(CutSet(units[:1], (), 0, *hits, lasting=bool(down.lost)))

    @cached_property
    def pairs(self) -> tuple[CutSet, ...]:
        return tuple(self._pairs()) if self.tries_pairs else ()

    def _pairs(self) -> Iterator[CutSet]:
        for number, units in enumerate(self.alike.units):
            one = units[0]
            for others in self.beside(one):
                other = others[0]
                its = self.class_of_unit[other]
                if its < number or other == one:
                    continue
                ways = len(units) * len(others) / (2 if its == number else 1)
                down = self.down((one, other), given=(one,))
                hits = self._hits(down, (self.down((one,)), self.down((other,))), ways)
                yield from _telling(CutSet((one, other), (), 0, *hits))

    @cached_property
    def groups(self) -> tuple[CutSet, ...]:
        """m of n, from three on; or from two on beside another unit."""
        return tuple(self._groups())

    def _groups(self) -> Iterator[CutSet]:
        twins = {group[0]: group for group in self.likeness.twins()}
        first = {self.class_of_unit[one]: group for one, group in reversed(twins.items()) if len(group) > 2}
        for number, group in first.items():
            many = len(self.alike.units[number]) / len(group)
            for down in range(3, len(group) + 1):
                hits = self._hits(self.down(group[:down]), (self.down(group[: down - 1]),), many)
                yield from _telling(CutSet((), group, down, *hits))
        for units in self.alike.units if self.tries_pairs else ():
            yield from self._beside(units, twins)

    def _beside(self, units: tuple[int, ...], twins: dict[int, tuple[int, ...]]) -> Iterator[CutSet]:
        """m of each kind of group, together with the first of `units`."""
        one = units[0]
        for others in self.beside(one):
            group = tuple(unit for unit in twins.get(others[0], ()) if unit != one)
            if len(group) < 2 or one in twins[others[0]]:
                continue
            most, alone = self.down((one, *group), given=(one,)), self.down((one,))
            if most.racks <= alone.racks and most.plant == alone.plant:
                continue  # not even all of them: so no part of them either
            many = len(units) * len(others) / len(group)
            for down in range(2, len(group) + 1):
                part = group[:down]
                smaller = (self.down(part), self.down((one, *part[:-1]), given=(one,)))
                hits = self._hits(self.down((one, *part), given=(one,)), smaller, many)
                yield from _telling(CutSet((one,), group, down, *hits))

    def _hits(self, down: Down, smaller: tuple[Down, ...], ways: float) -> tuple[Hits, Hits, float]:
        """Sets that hit one rack of each class: all sets alike, times what each takes down, over the racks of the class."""
        before = frozenset[int]().union(*(one.racks for one in smaller))
        racks = self._shared(down.racks - before, ways)
        if any(one.plant for one in smaller):
            return racks, {}, 0.0
        if not down.plant:
            return racks, racks, 0.0
        return racks, self._shared(frozenset(self.class_of_rack) - before, ways), ways

    def _shared(self, racks: frozenset[int], ways: float) -> Hits:
        hits: Hits = {}
        for rack in racks:
            number = self.class_of_rack[rack]
            hits[number] = hits.get(number, 0.0) + ways / len(self.rack_classes[number])
        return hits


def _telling(cut: CutSet) -> Iterator[CutSet]:
    if cut.racks or cut.served or cut.plant:
        yield cut
