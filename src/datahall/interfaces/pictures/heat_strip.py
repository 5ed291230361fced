"""A year at a glance: a day across, an hour down, coloured by value."""

from collections.abc import Iterator

import numpy as np
from markupsafe import Markup

from datahall.interfaces.pictures.axes import Values, month_ticks
from datahall.interfaces.pictures.drawing import LEVELS, line, moved, path, rect, svg, words

LEFT, TOP, CELL_X, CELL_Y, FOOT = 44, 8, 2.5, 6.8, 56
HOURS = 24


def heat_strip(series: Values, *, title: str, unit: str = "") -> Markup:
    """(H,) hourly values of whole days. Values that are not finite stay blank.

    The scale runs from the 0.5th to the 99.5th percentile, so that a few odd hours do not take all colours; what lies beyond
    takes the last one. Raises ValueError where the hours do not make whole days.
    """
    if series.size == 0 or series.size % HOURS:
        raise ValueError(f"heat_strip: {series.size} hours do not make whole days")
    days = series.size // HOURS
    known = series[np.isfinite(series)]
    low, high = (float(np.percentile(known, q)) for q in (0.5, 99.5)) if known.size else (0.0, 0.0)
    width, height = LEFT + days * CELL_X + 12, TOP + HOURS * CELL_Y + FOOT
    grid = levels_of(series, low, high).reshape(days, HOURS)
    cells = [path(way, f"q{level}") for level in range(LEVELS) if (way := runs_of(grid == level))]
    parts = [
        rect(LEFT, TOP, days * CELL_X, HOURS * CELL_Y, "blank"),
        moved(cells, x=LEFT, y=TOP, scale_x=CELL_X, scale_y=CELL_Y),
        *_sides(days),
        *_key(low, high, unit, y=height - 14, right=width - 12),
    ]
    return svg(width, height, parts, title=title, kind="strip")


def levels_of(series: Values, low: float, high: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Step of the colour scale in each hour; -1 where there is no value."""
    span = high - low
    steps = np.floor((np.where(np.isfinite(series), series, low) - low) / span * LEVELS) if span > 0 else np.zeros(series.size)
    return np.where(np.isfinite(series), np.clip(steps, 0, LEVELS - 1), -1).astype(np.int64)


def runs_of(grid: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> str:
    """(days, hours) -> a way around its true cells, days in a row drawn as one."""
    found: list[str] = []
    for hour in range(grid.shape[1]):
        edges = np.diff(np.concatenate(([0], grid[:, hour].astype(np.int8), [0])))
        starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        found.extend(f"M{a} {hour}h{b - a}v1h{a - b}z" for a, b in zip(starts.tolist(), ends.tolist(), strict=True))
    return "".join(found)


def _sides(days: int) -> Iterator[Markup]:
    foot = TOP + HOURS * CELL_Y
    for hour in range(0, HOURS + 1, 6):
        yield words(f"{hour:02d}:00", LEFT - 6, TOP + hour * CELL_Y + 4, anchor="end")
    for day, month in month_ticks(days):
        x = LEFT + day * CELL_X
        yield line(x, foot, x, foot + 4, "tick")
        yield words(month, x + 2, foot + 16)


def _key(low: float, high: float, unit: str, *, y: float, right: float) -> Iterator[Markup]:
    """The colours with the values at both ends."""
    wide = 24.0
    x = right - LEVELS * wide - 74
    if not high > low:
        yield words(f"{low:.3f} {unit} all year".replace("  ", " "), right, y + 9, anchor="end")
        return
    yield words(f"≤ {low:.3f} {unit}".strip(), x - 6, y + 9, anchor="end")
    for level in range(LEVELS):
        yield rect(x + level * wide, y, wide, 11, f"q{level}")
    yield words(f"≥ {high:.3f} {unit}".strip(), x + LEVELS * wide + 6, y + 9)
