"""What takes all of a redundant group at once: units of one kind with one record of failures, upstream of the same rack."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from datahall.infrastructure.reliability.supply import Supply, Unit


class Fails(Protocol):
    """Whether the service is down once these units are gone; `given` are those of them that many questions share."""

    def __call__(self, units: Iterable[int], *, given: Iterable[int] = ()) -> bool: ...


@dataclass(frozen=True, slots=True)
class SharedCause:
    """A group that one cause takes, and what must be lost beside it for the service to fail."""

    units: tuple[int, ...]
    beside: tuple[int, ...] = ()
    """Empty: the group alone suffices. One unit; or a whole second group that its own common cause takes."""


def shared_causes(supply: Supply, upstream: tuple[int, ...], fails: Fails) -> tuple[SharedCause, ...]:
    """Groups without which the service is down, though not without any one of their units.

    Alike are units of one kind with the same failures and repair time. Those at one height of the graph count as a group if the
    service needs it; the rest of the kind together is another.
    """
    single = {unit for unit in upstream if fails((unit,))}
    alone, needed_with_more = list[SharedCause](), list[tuple[int, ...]]()
    for group in _groups(supply, [unit for unit in upstream if unit not in single], fails):
        if fails(group):
            alone.append(SharedCause(group))
        else:
            needed_with_more.append(group)
    rest = tuple(unit for unit in upstream if unit not in single)
    return (*alone, *_with_more(needed_with_more, rest, fails))


def _groups(supply: Supply, units: list[int], fails: Fails) -> Iterator[tuple[int, ...]]:
    height = _heights(supply)
    families: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for unit in units:
        if (record := _record(supply.units[unit])) is not None:
            families[record].append(unit)
    for family in families.values():
        levels: dict[int, list[int]] = defaultdict(list)
        for unit in family:
            levels[height[unit]].append(unit)
        needed = [level for level in levels.values() if len(level) > 1 and fails(level)]
        yield from map(tuple, needed)
        rest = tuple(unit for unit in family if not any(unit in level for level in needed))
        if len(rest) > 1:
            yield rest


def _with_more(groups: list[tuple[int, ...]], rest: tuple[int, ...], fails: Fails) -> Iterator[SharedCause]:
    """Groups such as standby generators, which are missed only once something else is gone."""
    for number, group in enumerate(groups):
        partners = [unit for unit in rest if unit not in group and fails((*group, unit), given=group)]
        yield from (SharedCause(group, (unit,)) for unit in partners)
        for second in groups[number + 1 :]:
            if not set(second) & set(partners) and fails((*group, *second), given=group):
                yield SharedCause(group, second)


def _record(unit: Unit) -> tuple[object, ...] | None:
    """What makes two units alike enough to share a cause; None when their failures are unknown."""
    if unit.failures_per_year is None or unit.repair_h is None:
        return None
    return (unit.kind, unit.failures_per_year, unit.repair_h, unit.fail_to_start_ratio)


def _heights(supply: Supply) -> list[int]:
    height: list[int] = []
    for unit in supply.units:
        height.append(1 + max((height[parent] for parent in unit.parents), default=-1))
    return height
