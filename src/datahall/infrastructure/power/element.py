"""One element of the power graph, and the racks that hang on it."""

from dataclasses import dataclass

from datahall.infrastructure.spec import Phase, PowerKind

INDOOR_KINDS: frozenset[PowerKind] = frozenset({"ups", "pdu", "busway", "rectifier"})
"""What stands in the hall unless the hall file says otherwise."""

BREAKER_KINDS: frozenset[PowerKind] = frozenset({"pdu", "busway", "switchgear"})
"""What is rated by its breaker: without breaker_w, the rating is taken for it."""

CONTINUOUS_RATIO = 0.8
"""Continuous load over the rated current of a breaker. Source: NFPA 70 (NEC) 210.20(A) and 215.3: a breaker that is not
listed for 100 % carries at least 125 % of the continuous load."""


@dataclass(frozen=True, slots=True)
class Element:
    """One box on the single-line diagram, its figures looked up and put together."""

    name: str
    kind: PowerKind
    spec_index: int
    """Its place in hall.power.elements."""
    part: str | None
    rating_w: float
    no_load_ratio: float
    linear_ratio: float
    square_ratio: float
    parents: tuple[int, ...]
    """Indexes of the elements that feed it, in the order of fed_by."""
    takes_first: bool
    """A transfer switch: all from the first parent that is alive, nothing from the others."""
    breaker_w: float | None
    side: str | None
    indoors: bool
    battery_wh: float | None
    transfer_s: float | None
    start_s: float | None
    fuel_h: float | None
    failures_per_year: float | None
    repair_h: float | None
    fail_to_start_ratio: float | None

    @property
    def is_source(self) -> bool:
        return self.kind in {"utility", "generator"}

    @property
    def continuous_w(self) -> float | None:
        """What its breaker carries for hours, W; None when it has none."""
        return None if self.breaker_w is None else CONTINUOUS_RATIO * self.breaker_w


@dataclass(frozen=True, slots=True)
class Racks:
    """Every rack, in the order of the estate."""

    names: tuple[str, ...]
    block: tuple[int, ...]
    """Place of its group in estate.blocks."""
    peak_w: tuple[float, ...]
    feeds: tuple[tuple[int, ...], ...]
    """Elements that feed it, one for each cord side; empty: straight from the site."""
    sides_needed: tuple[int, ...]
    """Sides that must be alive so that every device has the cords it needs, whichever side is gone."""
    phase: tuple[Phase, ...]
