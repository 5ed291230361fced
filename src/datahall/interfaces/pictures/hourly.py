"""Hourly series over a year: what each day saw, and how many hours lie above a value."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from datahall.interfaces.pictures.axes import (
    Plane,
    Values,
    axes,
    band,
    curve,
    legend,
    month_ticks,
    round_range,
    value_ticks,
)
from datahall.interfaces.pictures.drawing import joined, svg

HOURS = 24
POINTS = 400
"""Of a sorted curve: more would not be seen at this width."""


@dataclass(frozen=True, slots=True)
class Named:
    """A series with its name and its colour's class, `c1` … `c6`."""

    name: str
    kind: str
    values: Values


def daily_bands(series: Sequence[Named], *, title: str, y_name: str, from_zero: bool = True) -> Markup:
    """For each series (H,) the span of every day, and its mean as a line.

    Raises ValueError unless all have the same number of whole days.
    """
    sizes = {one.values.size for one in series}
    if len(sizes) != 1 or (size := sizes.pop()) == 0 or size % HOURS:
        raise ValueError(
            f"daily_bands: series of {sorted({one.values.size for one in series})} hours, but whole days are drawn"
        )
    days = size // HOURS
    known = np.concatenate([one.values[np.isfinite(one.values)] for one in series])
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    plane = Plane((0.0, float(days)), round_range(low, high, from_zero=from_zero))
    at = np.arange(days, dtype=np.float64) + 0.5
    parts = [joined(axes(plane, x_ticks=month_ticks(days), y_ticks=value_ticks(*plane.y), y_name=y_name))]
    for one in series:
        by_day = one.values.reshape(days, HOURS)
        parts.append(band(plane, at, by_day.min(axis=1), by_day.max(axis=1), one.kind, title=f"{one.name}: least and most"))
        parts.append(curve(plane, at, by_day.mean(axis=1), one.kind, title=f"{one.name}: daily mean"))
    parts.append(joined(legend([(one.name, one.kind) for one in series], right=plane.width - plane.right)))
    return svg(plane.width, plane.height, parts, title=title)


def duration_curve(series: Sequence[Named], *, title: str, y_name: str) -> Markup:
    """Hours of the year in which the value is at least so much; the series may differ in length."""
    sorted_series = [(one, np.sort(one.values[np.isfinite(one.values)])[::-1]) for one in series]
    sorted_series = [(one, values) for one, values in sorted_series if values.size]
    longest = max((values.size for _, values in sorted_series), default=1)
    low = min((float(values[-1]) for _, values in sorted_series), default=0.0)
    high = max((float(values[0]) for _, values in sorted_series), default=1.0)
    plane = Plane((0.0, float(longest)), round_range(low, high))
    hours = [(float(tick), f"{tick:,}") for tick in range(0, longest + 1, 1000 if longest > 4000 else max(longest // 6, 1))]
    parts = [joined(axes(plane, x_ticks=hours, y_ticks=value_ticks(*plane.y), x_name="hours of the year", y_name=y_name))]
    for one, values in sorted_series:
        at = np.unique(np.linspace(0, values.size - 1, min(POINTS, values.size)).round().astype(np.int64))
        parts.append(curve(plane, at.astype(np.float64) + 0.5, values[at], one.kind, title=one.name))
    if len(series) > 1:
        parts.append(joined(legend([(one.name, one.kind) for one in series], right=plane.width - plane.right)))
    return svg(plane.width, plane.height, parts, title=title)
