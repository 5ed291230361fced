"""From names to a graph: ranges written out, `fed_by` and feeds dealt, and everything that does not fit named."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from datahall.foundation.paths import Path
from datahall.foundation.ranges import names_of
from datahall.infrastructure.catalog.catalogue import near
from datahall.infrastructure.power.faults import Fault, told_once
from datahall.infrastructure.spec import Power, PowerElement, RackGroup

SOURCES = frozenset({"utility", "generator"})


@dataclass
class Wiring:
    """Who feeds whom, by index in declared order."""

    names: list[str] = field(default_factory=list)
    entry: list[int] = field(default_factory=list)
    """Place in power.elements, of each element."""
    parents: list[tuple[int, ...]] = field(default_factory=list)
    rack_feeds: list[list[tuple[int, ...]]] = field(default_factory=list)
    """For each group, for each of its racks: the elements that feed it."""
    mechanical: tuple[int, ...] = ()
    critical: tuple[int, ...] = ()
    faults: list[Fault] = field(default_factory=list)
    """What to tell: each cause once."""
    every_fault: list[Fault] = field(default_factory=list)
    """The same with its echoes: all that does not hold."""


def wired(power: Power, groups: Sequence[RackGroup]) -> Wiring:
    """The graph as declared. What names nothing is left out and told in `faults`, as are repeated names and cycles."""
    made = Wiring()
    index = _named(power.elements, made)
    for number, spec in enumerate(power.elements):
        made.faults += _source_faults(number, spec)
        lists = _looked_up(
            spec.fed_by, index, power, ("power", "elements", number, "fed_by"), code="INF-205", faults=made.faults
        )
        own = len(names_of(spec.name))
        if spec.deal == "blocks":
            made.faults += _left_over(lists, spec.fed_by, own, ("power", "elements", number, "fed_by"))
        parents = _everyone(lists, own) if spec.deal == "all" else _dealt(lists, own)
        made.parents += [tuple(dict.fromkeys(row)) for row in parents]
    for number, group in enumerate(groups):
        path: Path = ("racks", number, "feeds")
        lists = _looked_up(group.feeds, index, power, path, code="INF-206", faults=made.faults)
        own = len(names_of(group.name))
        made.faults += _left_over(lists, group.feeds, own, path)
        made.rack_feeds.append(_dealt(lists, own))
    made.mechanical, made.critical = _mechanical(power, index, made)
    cycles = list(_cycles(made))
    made.every_fault = [*made.faults, *cycles]
    made.faults = [*told_once(made.faults, made.names), *cycles]
    return made


def _named(elements: Sequence[PowerElement], made: Wiring) -> dict[str, int]:
    index: dict[str, int] = {}
    for number, spec in enumerate(elements):
        again = []
        for name in names_of(spec.name):
            if index.setdefault(name, len(made.names)) != len(made.names):
                again.append(name)
            made.names.append(name)
            made.entry.append(number)
        if again:
            first = elements[made.entry[index[again[0]]]].name
            what = f"{_some(again)} {'stands' if len(again) == 1 else 'stand'} above already, in `{first}`"
            path: Path = ("power", "elements", number, "name")
            all_again = len(again) == len(names_of(spec.name))
            made.faults.append(Fault("INF-201", path, what, "rename one of them", frozenset(again), may_echo=all_again))
    return index


def _source_faults(number: int, spec: PowerElement) -> Iterator[Fault]:
    path: Path = ("power", "elements", number)
    if spec.kind in SOURCES and spec.fed_by:
        what = f"a {spec.kind} is where power comes from, but `{spec.name}` is fed by {_some(spec.fed_by)}"
        yield Fault("INF-208", (*path, "fed_by"), what, "remove fed_by, or choose another kind")
    if spec.kind not in SOURCES and not spec.fed_by:
        what = f"the {spec.kind.replace('_', ' ')} `{spec.name}` is fed by nothing, so it is never alive"
        yield Fault("INF-208", path, what, "add fed_by with the elements upstream")


def _looked_up(
    patterns: Iterable[str], index: dict[str, int], power: Power, path: Path, *, code: str, faults: list[Fault]
) -> list[list[int]]:
    lists = []
    for j, pattern in enumerate(patterns):
        names = names_of(pattern)
        lists.append([index[name] for name in names if name in index])
        if missing := [name for name in names if name not in index]:
            of_many = f" ({len(missing)} of the {len(names)} of `{pattern}`)" if len(names) > 1 else ""
            what = f"there is no power element {_some(missing)}{of_many}"
            faults.append(Fault(code, (*path, j), what, _near(pattern, power), frozenset(missing)))
    return lists


def _near(pattern: str, power: Power) -> str:
    return near(pattern, [spec.name for spec in power.elements], otherwise="declare it in power.elements")


def _left_over(lists: Sequence[Sequence[int]], patterns: Sequence[str], count: int, path: Path) -> Iterator[Fault]:
    for j, upstream in enumerate(lists):
        if len(upstream) > count:
            idle = len(upstream) - count
            what = f"the {len(upstream)} of `{patterns[j]}` are dealt out to {count}, so {idle} of them feed nothing here"
            fix = f"name {count} of them" + (", or say `deal: all`" if path[0] == "power" else "")
            yield Fault("INF-209", (*path, j), what, fix)


def _dealt(lists: Sequence[Sequence[int]], count: int) -> list[tuple[int, ...]]:
    """What feeds each of `count` alike: one from each list, in equal consecutive blocks."""
    columns = [[upstream[k * len(upstream) // count] for k in range(count)] for upstream in lists if upstream]
    return list(zip(*columns, strict=True)) if columns else [()] * count


def _everyone(lists: Sequence[Sequence[int]], count: int) -> list[tuple[int, ...]]:
    return [tuple(parent for upstream in lists for parent in upstream)] * count


def _mechanical(power: Power, index: dict[str, int], made: Wiring) -> tuple[tuple[int, ...], tuple[int, ...]]:
    found = []
    for name in ("mechanical_fed_by", "critical_mechanical_fed_by"):
        lists = _looked_up(getattr(power, name), index, power, ("power", name), code="INF-205", faults=made.faults)
        found.append(tuple(dict.fromkeys(feed for feeds in lists for feed in feeds)))
    utilities = tuple(i for i, entry in enumerate(made.entry) if power.elements[entry].kind == "utility")
    plain = found[0] or utilities
    return plain, found[1] or plain


def _cycles(made: Wiring) -> Iterator[Fault]:
    """Each cycle of entries once. An entry that stands in one is then cut out of it, to find the next."""
    parents = list(made.parents)
    while (cycle := _cycle(parents)) is not None:
        entries = {made.entry[i] for i in cycle}
        number = min(entries)
        names = " <- ".join(made.names[i] for i in cycle[:8]) + (" <- …" if len(cycle) > 8 else "")
        fix = "let one of them be fed from further up"
        what = f"power goes round in a circle: {names}" if len(cycle) > 2 else f"`{made.names[cycle[0]]}` feeds itself"
        members = frozenset(made.names[i] for i in cycle)
        yield Fault("INF-207", ("power", "elements", number, "fed_by"), what, fix, members)
        for child in range(len(parents)):
            if made.entry[child] in entries:
                parents[child] = tuple(p for p in parents[child] if made.entry[p] not in entries)


def _cycle(parents: Sequence[tuple[int, ...]]) -> list[int] | None:
    """A cycle, from each to the one that feeds it, its first again at the end; None when there is none."""
    try:
        TopologicalSorter(dict(enumerate(parents))).prepare()
    except CycleError as error:
        found: list[int] = error.args[1]
        return found[::-1]
    return None


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
