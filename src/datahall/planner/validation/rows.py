"""A published figure beside ours: the row that every table of `datahall validate` is made of."""

from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar


@dataclass(frozen=True, slots=True)
class ValidationRow:
    """One published figure, what we compute for it, and what a constant would have said."""

    table: str
    """Table of the published figures, such as `facility`."""
    row: str
    """Which of its rows, in words."""
    quantity: str
    """What was compared, with its unit."""
    published: float | None
    """None: the cell holds no number; `note` says what it holds."""
    ours: float | None
    """None: not computed; `note` says why."""
    error_ratio: float | None
    """Ours over published, less 1: signed. None where nothing was computed or the published figure is 0 or impossible."""
    hit: bool | None
    """Within the table's tolerance; None where there is none, or nothing was computed."""
    baseline: float | None = None
    """What a constant says that was chosen without this row, where there is one."""
    baseline_error_ratio: float | None = None
    baseline_hit: bool | None = None
    """Whether that constant would have hit."""
    peer_baseline: float | None = None
    """The same of the row's own kind, such as its provider, where there is one."""
    peer_baseline_error_ratio: float | None = None
    peer_baseline_hit: bool | None = None
    tolerance: str = ""
    """What counts as a hit, in words."""
    note: str = ""
    """Assumptions of this row, or why it was not computed."""
    others: str = ""
    """What others' models err by on the row's table, where it is known."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


R = TypeVar("R", bound=ValidationRow)


def error_ratio(published: float | None, ours: float | None) -> float | None:
    """Ours over published, less 1; None where nothing was computed or the published figure is not above 0."""
    return None if ours is None or published is None or published <= 0 else ours / published - 1


def compared(
    table: str,
    row: str,
    quantity: str,
    *,
    published: float | None,
    ours: float | None,
    hit: bool | None = None,
    baseline: float | None = None,
    peer_baseline: float | None = None,
    tolerance: str = "",
    note: str = "",
) -> ValidationRow:
    """A row with its errors worked out."""
    mine, constants, peers = (error_ratio(published, value) for value in (ours, baseline, peer_baseline))
    return ValidationRow(
        table,
        row,
        quantity,
        published,
        ours,
        mine,
        hit,
        baseline,
        constants,
        peer_baseline=peer_baseline,
        peer_baseline_error_ratio=peers,
        tolerance=tolerance,
        note=note,
    )


def unjudged(row: R) -> R:
    """The same without errors and verdicts: what was published cannot be."""
    return replace(
        row,
        error_ratio=None,
        hit=None,
        baseline_error_ratio=None,
        baseline_hit=None,
        peer_baseline_error_ratio=None,
        peer_baseline_hit=None,
    )
