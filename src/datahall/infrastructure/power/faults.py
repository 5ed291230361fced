"""What is wrong with the wiring, told once for each cause."""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from datahall.foundation.errors import Problem
from datahall.foundation.paths import Path

DANGLING = frozenset({"INF-205", "INF-206"})


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem whose place in the file is not looked up yet."""

    code: str
    path: Path
    what: str
    fix: str
    names: frozenset[str] = frozenset()
    """Names that it is about, where it is about names."""
    may_echo: bool = False
    """Whether a name was lost by it: all names of an entry stand above already, so it may have had one of its own."""

    def problem(self, where: Callable[[Path], str]) -> Problem:
        return Problem(self.code, where(self.path), self.what, self.fix)


def told_once(faults: Iterable[Fault], declared: Collection[str]) -> list[Fault]:
    """Faults without their echoes, in order.

    A name that is declared nowhere is one fault, told where it stands first, however many places name it. An element that
    was given the name of its like (`ups-a` for `ups-b`) leaves its own name dangling: that is the same fault.
    """
    faults = list(faults)
    stems = {_stem(name) for name in declared}
    groups: list[list[Fault]] = []
    for fault in (f for f in faults if f.code in DANGLING):
        tokens = _tokens(fault, stems)
        group = next((g for g in groups if any(tokens & _tokens(other, stems) for other in g)), None)
        if group is None:
            groups.append([fault])
        else:
            group.append(fault)
    for repeated in (f for f in faults if f.code == "INF-201"):
        echo = next((g for g in groups if repeated.may_echo and _echoes(g, repeated.names)), None)
        groups = [g for g in groups if g is not echo]
    kept = {id(first): _with_places(first, len(rest)) for first, *rest in groups}
    return [kept.get(id(f), f) for f in faults if f.code not in DANGLING or id(f) in kept]


def _echoes(dangling: Iterable[Fault], repeated: Collection[str]) -> bool:
    """Whether what is missing was lost when its like were named twice: each a name that differs in one word or number."""
    missing = frozenset().union(*(fault.names for fault in dangling))
    return len(missing) <= len(repeated) and all(any(_alike(name, other) for other in repeated) for name in missing)


def _alike(one: str, other: str) -> bool:
    first, second = (re.findall(r"[A-Za-z]+|\d+", name) for name in (one, other))
    return len(first) == len(second) and sum(a != b for a, b in zip(first, second, strict=True)) == 1


def _tokens(fault: Fault, stems: Collection[str]) -> set[str]:
    """What is missing: all of `pdu-a#` where nothing of that pattern is declared, else the names themselves."""
    return {stem if (stem := _stem(name)) not in stems else name for name in fault.names}


def _stem(name: str) -> str:
    return re.sub(r"\d+", "#", name)


def _with_places(fault: Fault, more: int) -> Fault:
    if more == 0:
        return fault
    return replace(fault, what=f"{fault.what}; {more} more place{'s name' if more > 1 else ' names'} it or its like")
