"""What is wrong with a file's rows: each is told by line, the first thousand are kept, all are counted."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused

KEPT = 1000
SHOWN = 20
"""Problems that a refusal lists; the rest is a number."""
FIXES = {
    "dropped": "mend or remove the row; without `strict` it is left out and counted",
    "mended": "mend the row; without `strict` it is taken as said and counted",
}

Told = Callable[[int], str]
"""Index of a row -> what was seen there and what is allowed."""
Action = Literal["dropped", "mended"]


@dataclass
class Findings:
    """Problems of one file. `phrase` is what a note calls them: `without a run time`."""

    name: str
    kept: list[Problem] = field(default_factory=list)
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def rows(
        self, code: str, bad: NDArray[np.bool_], lines: NDArray[Any], *, phrase: str, told: Told, action: Action = "dropped"
    ) -> None:
        """Each flagged row is a problem. lines: line of each row in the file."""
        found = np.flatnonzero(bad)
        for row in found[: max(0, KEPT - len(self.kept))].tolist():
            self.kept.append(Problem(code, f"{self.name}:{int(lines[row])}", told(row), FIXES[action]))
        if len(found):
            self.counts[code, action, phrase] += len(found)

    def row(self, code: str, line: int, what: str, *, phrase: str, action: Action = "dropped") -> None:
        """One bad row."""
        if len(self.kept) < KEPT:
            self.kept.append(Problem(code, f"{self.name}:{line}", what, FIXES[action]))
        self.counts[code, action, phrase] += 1

    def note(self, text: str) -> None:
        """Something to know that is no problem."""
        self.notes.append(text)

    def all_notes(self) -> tuple[str, ...]:
        told = [f"{count} rows {action}: {phrase} ({code})" for (code, action, phrase), count in self.counts.items()]
        return (*told, *self.notes)

    def refuse(self, *, first: Problem | None = None) -> Refused:
        """All of it as an error, the list cut to what one can read."""
        shown = self.kept[:SHOWN]
        total = self.counts.total()
        if total > len(shown):
            what = f"{total - len(shown)} more rows are bad: " + "; ".join(self.all_notes()[:10])
            shown.append(Problem("TWIN-001", self.name, what, "mend the rows above first, and read the file again"))
        return Refused([*([first] if first else []), *shown])
