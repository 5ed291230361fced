"""How sections of a plan enter figures: declared with their line, looked up with their row, computed with their formula."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from datahall.foundation.paths import Path, dotted_path
from datahall.infrastructure.catalog.part_specs import Part
from datahall.network.constants.read import Sourced
from datahall.planner.assumptions import Assumption
from datahall.planner.figures import Figure, Figures
from datahall.planner.load import Loaded


@dataclass
class Ledger:
    """Figures, assumptions and gaps of one plan, while it is made."""

    loaded: Loaded
    figures: Figures = field(default_factory=Figures)
    assumptions: list[Assumption] = field(default_factory=list)
    missing: list[Assumption] = field(default_factory=list)
    """What was not computed, and what would have to be declared for it."""

    def declared(self, name: str, path: Path, value: float, unit: str, about: str = "", *, read_in: str = "") -> Figure:
        """A figure that the hall file says, or a default that stands in for it. read_in: where the hall says it has it from."""
        place = self.loaded.says(path)
        source = place or f"assumed: a choice that {dotted_path(path)} would change"
        source += f"; read in: {read_in}" if read_in else ""
        return self.figures.add(Figure(name, float(value), unit, about, source=source, assumed=place is None))

    def looked_up(self, name: str, value: float, unit: str, part: Part, about: str = "") -> Figure:
        """A figure of a catalogue row."""
        return self.figures.add(
            Figure(name, float(value), unit, about, source=part.cited, assumed=part.checked == "unverified")
        )

    def given(self, name: str, value: float, unit: str, *, source: str, about: str = "", assumed: bool = False) -> Figure:
        """A figure with a source of its own, such as a weather file or a published constant."""
        return self.figures.add(Figure(name, float(value), unit, about, source=source, assumed=assumed))

    def constant(self, name: str, value: float, unit: str, row: Sourced) -> Figure:
        """A published or fitted constant of the network; one that nobody checked counts as assumed."""
        checked = "" if row.checked == "read" else f" ({row.checked})"
        source = f"{row.source}, {row.date}{checked}"
        return self.given(name, value, unit, source=source, assumed=row.checked == "unverified")

    def computed(
        self, name: str, value: float, unit: str, *, formula: str, inputs: Iterable[Figure], about: str = "", source: str = ""
    ) -> Figure:
        """A figure that follows from others. source: whose law it is."""
        return self.figures.add(Figure(name, float(value), unit, about, formula, tuple(inputs), source))

    def assume(self, where: str, what: str) -> None:
        self.assumptions.append(Assumption(where, what))

    def lacks(self, where: str, what: str) -> None:
        """`what` was not computed; `where` would have to be declared."""
        self.missing.append(Assumption(where, what))
