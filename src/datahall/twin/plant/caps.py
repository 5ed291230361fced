"""Caps on power as functions of time, as a grid operator's demand response asks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from datahall.foundation.spec import Spec
from datahall.foundation.units import Seconds, Watts
from datahall.infrastructure.power.columns import Floats, Ints
from datahall.twin.plant.plant import Plant


class PowerCap(Spec):
    """A limit from one moment to another, once or again and again."""

    from_s: Seconds
    to_s: Seconds
    limit_w: Watts
    at: Literal["meter", "it"] = "meter"
    """What it limits: what the meter sees, or all IT together."""
    every_s: Seconds | None = Field(default=None, ge=60)
    """Again after so long, such as `1 d`, at least a minute; without it, once."""

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.to_s <= self.from_s:
            raise ValueError(f"a cap from {self.from_s:g} s to {self.to_s:g} s lasts no time: to_s is later than from_s")
        if self.every_s is not None and self.every_s < self.to_s - self.from_s:
            raise ValueError(f"a cap of {self.to_s - self.from_s:g} s cannot come again every {self.every_s:g} s")
        return self

    def spans_ms(self, end_ms: int) -> list[tuple[int, int]]:
        """From and to of each time it holds before end_ms."""
        first, last = round(self.from_s * 1e3), round(self.to_s * 1e3)
        every = end_ms if self.every_s is None else round(self.every_s * 1e3)
        return [(first + shift, min(last + shift, end_ms)) for shift in range(0, max(end_ms - first, 0), max(every, 1))]


class PowerCaps(Spec):
    """A file of caps; where several hold, the lowest does."""

    caps: tuple[PowerCap, ...] = ()
    source: str | None = None


@dataclass(frozen=True, eq=False)
class CapLine:
    """Limits as steps: K of them, each from its edge to the next."""

    edges_ms: Ints
    """(K + 1,)"""
    it_w: Floats
    """(K,) limit on all IT, W; infinite where none holds."""
    meter_w: Floats

    def at(self, time_ms: Ints) -> tuple[Floats, Floats]:
        """Limits of IT and of the meter at these moments."""
        place = np.clip(np.searchsorted(self.edges_ms, time_ms, side="right") - 1, 0, len(self.it_w) - 1)
        return self.it_w[place], self.meter_w[place]


def cap_line(plant: Plant, caps: Sequence[PowerCap], end_ms: int) -> CapLine:
    """All caps, and the hall's own on IT, until end_ms."""
    spans = [(cap, *span) for cap in caps for span in cap.spans_ms(end_ms)]
    edges = np.unique(np.array([0, end_ms, *(at for _, *span in spans for at in span)], dtype=np.int64))
    own_w = plant.hall.power.it_cap_w if plant.hall.power else None
    it_w, meter_w = np.full(len(edges) - 1, own_w or math.inf), np.full(len(edges) - 1, math.inf)
    for cap, first, last in spans:
        own = it_w if cap.at == "it" else meter_w
        held = slice(*np.searchsorted(edges, (first, last)))
        own[held] = np.minimum(own[held], cap.limit_w)
    return CapLine(edges, it_w, meter_w)
