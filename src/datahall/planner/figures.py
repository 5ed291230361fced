"""Figures that know where they come from: each has its formula and its inputs, down to a line of the hall file or a source."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field

from datahall.foundation.errors import Missing, Problem


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a plan."""

    name: str
    """Words joined by `_`, unit last, such as `facility_energy_kwh`."""
    value: float
    unit: str
    about: str = ""
    """What it is, in one line."""
    formula: str = ""
    """How it follows from the inputs; empty for what was declared or looked up."""
    inputs: tuple["Figure", ...] = ()
    source: str = ""
    """Where it was declared, or whose law or figure it is."""
    assumed: bool = False
    """Whether a default of Datahall's stands in for what the hall could have said."""

    def walk(self, depth: int = 0, seen: frozenset[str] = frozenset()) -> Iterator[tuple[int, "Figure"]]:
        """This figure and all below it, with their depth; what stood above already is not opened again."""
        yield depth, self
        if self.name not in seen:
            for figure in self.inputs:
                yield from figure.walk(depth + 1, seen | {self.name})

    def as_dict(self) -> dict[str, object]:
        """For `--json`: inputs by name."""
        return {
            "value": self.value,
            "unit": self.unit,
            "about": self.about,
            "formula": self.formula,
            "inputs": [figure.name for figure in self.inputs],
            "source": self.source,
            "assumed": self.assumed,
        }


@dataclass(slots=True)
class Figures:
    """All figures of a plan by name, in the order in which they were found."""

    by_name: dict[str, Figure] = field(default_factory=dict)

    def add(self, figure: Figure) -> Figure:
        """Keep it, with all that it rests on. A second figure of the same name and another value is a fault of ours."""
        for _, part in figure.walk():
            known = self.by_name.setdefault(part.name, part)
            if known.value != part.value and not (known.value != known.value and part.value != part.value):
                raise AssertionError(f"two figures are called {part.name}: {known.value} and {part.value}")
        return figure

    def __contains__(self, name: str) -> bool:
        return name in self.by_name

    def __getitem__(self, name: str) -> Figure:
        """Raises Missing with near names."""
        try:
            return self.by_name[name]
        except KeyError:
            close = self._near(name)
            hint = (
                f"did you mean {' or '.join(close)}?" if close else "`datahall explain` with the hall alone lists all of them"
            )
            raise Missing(Problem("PLAN-001", "explain", f"the plan has no figure `{name}`", hint)) from None

    def _near(self, name: str) -> list[str]:
        """Names that begin alike, or hold it, or look like it; upper and lower case are the same."""
        lower = {known.lower(): known for known in self.by_name}
        asked = name.lower()
        found = [known for low, known in lower.items() if low.startswith(asked)] or [
            k for low, k in lower.items() if asked in low
        ]
        return found[:4] or [lower[match] for match in difflib.get_close_matches(asked, lower, n=4, cutoff=0.4)]

    def value(self, name: str) -> float | None:
        figure = self.by_name.get(name)
        return figure.value if figure else None
