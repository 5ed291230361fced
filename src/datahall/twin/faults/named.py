"""Fault sets by name or by file, resolved against a hall: every name that the hall lacks is told, all at once."""

from dataclasses import dataclass
from pathlib import Path

from datahall.foundation.document import Document, as_spec, parse, read, read_text
from datahall.foundation.errors import Missing, Problem, Refused
from datahall.infrastructure.catalog.catalogue import near
from datahall.twin.faults.draw import MS_PER_S, Occurrence, Process
from datahall.twin.faults.elements import Elements
from datahall.twin.faults.resolve import Resolved
from datahall.twin.faults.spec import FaultFile

SETS = Path(__file__).with_name("sets")
MOST_DRAWN = 1_000_000


@dataclass(frozen=True)
class FaultSet:
    """A fault file that holds for a hall."""

    name: str
    file: FaultFile
    planned: tuple[Occurrence, ...]
    processes: tuple[Process, ...]

    def occurrences(self, horizon_s: float, *, seed: int | None = None) -> tuple[Occurrence, ...]:
        """All faults before the horizon, by time; those at the same moment in the order of the file.

        seed: in place of the file's. Raises Refused when more than a million would be drawn.
        """
        expected = sum(process.expected(horizon_s) for process in self.processes)
        if expected > MOST_DRAWN:
            what = f"about {expected:,.0f} faults would be drawn, at most {MOST_DRAWN:,} are"
            raise Refused(Problem("TWIN-036", f"{self.name} drawn", what, "lower per_year, or rehearse a shorter time"))
        used = self.file.seed if seed is None else seed
        drawn = [one for process in self.processes for one in process.drawn(used, horizon_s)]
        planned = [one for one in self.planned if one.at_ms < horizon_s * MS_PER_S]
        return tuple(sorted([*planned, *drawn], key=lambda one: one.at_ms))


def set_names() -> tuple[str, ...]:
    """Fault sets that come with Datahall."""
    return tuple(sorted(path.stem for path in SETS.glob("*.yaml")))


def fault_set(name_or_path: str | Path, elements: Elements) -> FaultSet:
    """A set that comes with Datahall, or one of a file, for this hall.

    Raises Missing when there is neither, Refused with every problem of the file: its fields, and what the hall does not have.
    """
    document = _document(str(name_or_path))
    file = as_spec(document, FaultFile)
    resolved = Resolved(elements, document)
    planned = tuple(one for i, fault in enumerate(file.faults) for one in resolved.planned(fault, i))
    processes = tuple(one for i, drawn in enumerate(file.drawn) for one in resolved.processes(drawn, i))
    if resolved.problems:
        raise Refused(resolved.problems)
    return FaultSet(str(name_or_path), file, planned, processes)


def _document(name: str) -> Document:
    if name in set_names():
        return parse(read_text(SETS / f"{name}.yaml"), source=f"{name}.yaml")
    if Path(name).suffix in {".yaml", ".yml"} or "/" in name:
        return read(Path(name))
    fix = near(name, set_names(), otherwise="name a YAML file of your own, such as `./faults.yaml`")
    raise Missing(Problem("TWIN-030", name, f"there is no fault set `{name}`", fix))
