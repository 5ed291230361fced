"""Elements of the power graph that give more than they may, and when."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from datahall.infrastructure.power import Element
from datahall.infrastructure.power.columns import Floats
from datahall.twin.plant.slices import Slices
from datahall.twin.plant.ways import Ways


@dataclass(frozen=True, slots=True)
class Overload:
    """One element above one of its limits."""

    element: str
    limit: Literal["continuous", "rating"]
    """`continuous`: 80 % of its breaker, by the mean of an hour; `rating`: by the hall's highest moment in the hour."""
    limit_w: float
    load_w: float
    """At the worst."""
    from_ms: int
    """Begin of the first hour, or part of one, in which it is above."""
    worst_ms: int
    over_s: float
    """Sum of the hours, or parts of one, in which it is above; above its rating it may be so for only a part of them."""

    @property
    def over_w(self) -> float:
        return self.load_w - self.limit_w


@dataclass(frozen=True, slots=True)
class _Limits:
    kind: Literal["continuous", "rating"]
    of: Callable[[Element], float | None]
    """None: no limit of this kind."""


def over_continuous(loads: Ways, mechanical_w: Floats, critical_w: Floats, slices: Slices) -> tuple[Overload, ...]:
    """Breakers that carry more than they may for hours. loads: means of the slices."""
    limits = _Limits("continuous", lambda element: element.continuous_w)
    return _told(loads, (mechanical_w, critical_w), slices, limits)


def over_rating(loads: Ways, mechanical_w: Floats, critical_w: Floats, slices: Slices) -> tuple[Overload, ...]:
    """Elements above their rating. loads: those of the hall's highest moment in each slice; a lower moment of the hall in which
    one element carries more than in the highest one is not seen."""
    limits = _Limits("rating", lambda element: element.rating_w)
    return _told(loads, (mechanical_w, critical_w), slices, limits)


def _told(loads: Ways, cooling_w: tuple[Floats, Floats], slices: Slices, limits: _Limits) -> tuple[Overload, ...]:
    elements = loads.graph.elements
    if not elements:
        return ()
    limit_w = np.array([math.inf if (most := limits.of(element)) is None else most for element in elements])
    worst = loads.worst(*cooling_w, limit_w=limit_w, seconds=slices.width_ms / 1e3)
    return tuple(
        Overload(
            element=elements[i].name,
            limit=limits.kind,
            limit_w=float(limit_w[i]),
            load_w=float(worst.load_w[i]),
            from_ms=int(slices.edges_ms[worst.over_at[i]]),
            worst_ms=int(slices.edges_ms[worst.at[i]]),
            over_s=float(worst.over_s[i]),
        )
        for i in np.flatnonzero(worst.over_s > 0).tolist()
    )
