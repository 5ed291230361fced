"""Entries of a fault file against one hall: which elements they mean, and what the hall does not have."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from datahall.foundation.document import Document
from datahall.foundation.errors import Problem
from datahall.foundation.ranges import names_of
from datahall.infrastructure.catalog.catalogue import near
from datahall.infrastructure.reliability import published_failures
from datahall.twin.faults.draw import MS_PER_S, Occurrence, Process
from datahall.twin.faults.elements import POWER, Element, Elements, What
from datahall.twin.faults.spec import DrawnFaults, PlannedFault, Repair

Path = tuple[str | int, ...]
POOL = 3000
"""Names that near ones are looked for in: with all of a large hall it would take seconds."""
HIT_BY: Mapping[str, What] = {"accelerator": "accelerator", "host": "node", "network": "link"}
"""What a published cause breaks; all other causes stop work on a node, and break nothing."""
NAMED_BY_NOTHING = frozenset({"control_plane", "site"})


class Resolved:
    """Entries of one file against one hall, with what is wrong gathered on the way."""

    def __init__(self, elements: Elements, document: Document) -> None:
        self.elements, self.document = elements, document
        self.problems: list[Problem] = []

    def planned(self, fault: PlannedFault, index: int) -> Iterator[Occurrence]:
        path = ("faults", index)
        repair_ms = None if fault.for_s is None else round(fault.for_s * MS_PER_S)
        for element in self._chosen(fault, path):
            yield Occurrence(element, round(fault.at_s * MS_PER_S), repair_ms, fault.note or "planned")

    def processes(self, drawn: DrawnFaults, index: int) -> list[Process]:
        path = ("drawn", index)
        if (drawn.counts is None) == (drawn.what is None and drawn.per_year is None and drawn.name is None):
            what = "says both `counts` and a rate of its own" if drawn.counts else "says neither `counts` nor what fails"
            return self._says("TWIN-034", path, what, "write `counts: llama3`, or `what` with `per_year`")
        if drawn.counts is not None:
            return self._published(drawn, path)
        if drawn.what is None or drawn.per_year is None:
            return self._says("TWIN-034", path, "a rate needs both `what` and `per_year`", "add the other one")
        found = self._of_kind(drawn.what, path)
        if drawn.name is not None:
            found = self._by_name(drawn.what, drawn.name, (*path, "name"))
        if not found:
            return []
        return [Process(drawn.process, drawn.process, found, drawn.per_year * len(found), drawn.repair)]

    def _published(self, drawn: DrawnFaults, path: Path) -> list[Process]:
        if not self._of_kind("accelerator", path):
            return []
        counts, accelerators = published_failures(), list(self.elements.of("accelerator").values())
        each = counts.per_accelerator_year / counts.unexpected
        machines = self.elements.machines
        nodes = [Element("node", machines[element.key[0]].name, element.key[:1]) for element in accelerators]
        # Nodes stand once for each accelerator, since the counts grow with accelerators.
        hit = {"accelerator": accelerators, "network": self._compute_ports() or nodes}
        return [
            Process(
                f"{drawn.process}/{cause.cause}",
                cause.cause,
                hit.get(cause.part, nodes),
                each * cause.count * len(accelerators),
                drawn.repair if cause.part in HIT_BY else Repair(kind="fixed", mean=0.0),
                interrupts=True,
            )
            for cause in counts.causes
            if cause.count
        ]

    def _compute_ports(self) -> list[Element]:
        """Links of servers to the first compute fabric."""
        fabrics = self.elements.loaded.hall.fabrics
        number = next((i for i, fabric in enumerate(fabrics) if fabric.purpose == "compute"), None)
        return [link for link in self.elements.of("link").values() if link.key[0] == number and link.key[2] >= 0]

    def _chosen(self, fault: PlannedFault, path: Path) -> list[Element]:
        known = self._of_kind(fault.what, path)
        given = [name for name in ("name", "side", "first") if getattr(fault, name) is not None]
        if fault.what in NAMED_BY_NOTHING and not given:
            return known
        if len(given) != 1:
            said = " and ".join(f"`{name}`" for name in given) or "nothing"
            return self._says(
                "TWIN-033", path, f"{said} says which {_called(fault.what)} it is", "give one of name, side, first"
            )
        if not known:
            return []
        if fault.name is not None:
            return self._by_name(fault.what, fault.name, (*path, "name"))
        return self._on_side(fault, path) if fault.side else self._first(fault, known, path)

    def _first(self, fault: PlannedFault, known: list[Element], path: Path) -> list[Element]:
        if (asked := fault.first or 0) > len(known):
            what = f"the hall has {len(known)} of kind `{fault.what}`, fewer than {asked}"
            return self._says("TWIN-031", (*path, "first"), what, f"ask for at most {len(known)}")
        return known[:asked]

    def _on_side(self, fault: PlannedFault, path: Path) -> list[Element]:
        if fault.what not in POWER:
            fix = f"name the {_called(fault.what)}"
            return self._says("TWIN-033", (*path, "side"), "only power elements have sides", fix)
        known, graph = self._of_kind(fault.what, path), self.elements.graph
        found = [element for element in known if graph.elements[element.key[0]].side == fault.side]
        if not found:
            what = f"no {_called(fault.what)} of the hall is on side {fault.side}"
            return self._says("TWIN-031", (*path, "side"), what, f"name one of {_some(e.name for e in known)}")
        return found

    def _by_name(self, what: What, pattern: str, path: Path) -> list[Element]:
        known, found, unknown = self.elements.of(what), list[Element](), list[str]()
        for name in names_of(pattern):
            if (element := known.get(name)) is not None:
                found.append(element)
            elif what == "node" and (members := self.elements.machines_in.get(name)):
                found += (Element("node", self.elements.machines[i].name, (i,)) for i in members)
            else:
                unknown.append(name)
        if unknown:
            more = f" and {len(unknown) - 1} more of `{pattern}`" if len(unknown) > 1 else ""
            fix = near(
                unknown[0],
                _pool(unknown[0], [*known, *(self.elements.machines_in if what == "node" else ())]),
                otherwise=f"name another {_called(what)} of the hall",
            )
            self._says("TWIN-031", path, f"the hall has no {_called(what)} `{unknown[0]}`{more}", fix)
        return found

    def _of_kind(self, what: What, path: Path) -> list[Element]:
        if found := self.elements.of(what):
            return list(found.values())
        return self._says("TWIN-032", path, f"the hall declares no {_called(what)}", _DECLARED_BY.get(what, "leave it out"))

    def _says(self, code: str, path: Path, what: str, fix: str) -> list[Any]:
        problem = Problem(code, self.document.where(path), what, fix)
        if problem not in self.problems:
            self.problems.append(problem)
        return []


_DECLARED_BY: Mapping[str, str] = {
    "accelerator": "declare racks with servers that have accelerators, or leave it out",
    "link": "declare it under `fabrics`, or leave it out",
    "switch": "declare it under `fabrics`, or leave it out",
    "leaf": "declare it under `fabrics`, or leave it out",
    "chiller": "declare how many in `cooling.plant.chillers`, or leave it out",
    "pump": "declare how many in `cooling.liquid.units` or `cooling.plant.chillers`, or leave it out",
    "storage": "declare it under `storage`, or leave it out",
} | dict.fromkeys(POWER, "declare it in `power.elements`, or leave it out")


def _called(what: str) -> str:
    return "power element" if what == "power" else what.replace("_", " ")


def _some(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:8]) + (f", … ({len(found)} in all)" if len(found) > 8 else "")


def _pool(name: str, known: list[str]) -> list[str]:
    """Names that may be near: of like length and the same first letter, else the first ones."""
    alike = [other for other in known if other[:1] == name[:1] and abs(len(other) - len(name)) <= 2]
    return (alike or known)[:POOL]
