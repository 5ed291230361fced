"""A plane with axes: where values land, round numbers along the sides, lines, bands and a legend."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from datahall.foundation.scale import ticks
from datahall.interfaces.pictures.drawing import line, path, polyline, words

Values = npt.NDArray[np.float64]
Tick = tuple[float, str]
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class Plane:
    """The window of a chart, in pixels, and the values at its sides."""

    x: tuple[float, float]
    y: tuple[float, float]
    width: float = 980
    height: float = 250
    left: float = 62
    right: float = 14
    top: float = 26
    bottom: float = 34

    def across(self, x: float) -> float:
        return self.left + (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1) * (self.width - self.left - self.right)

    def up(self, y: float) -> float:
        high = self.height - self.top - self.bottom
        return self.height - self.bottom - (y - self.y[0]) / ((self.y[1] - self.y[0]) or 1) * high

    def points(self, xs: Values, ys: Values) -> Iterator[tuple[float, float]]:
        """Where finite values land; the others are left out."""
        return ((self.across(x), self.up(y)) for x, y in zip(xs.tolist(), ys.tolist(), strict=True) if np.isfinite(y))


def round_range(low: float, high: float, *, from_zero: bool = False) -> tuple[float, float]:
    """The round numbers that enclose both."""
    found = ticks(min(0.0, low) if from_zero else low, high)
    return found[0], found[-1]


def value_ticks(low: float, high: float) -> list[Tick]:
    return [(tick, f"{tick:,g}") for tick in ticks(low, high) if low - 1e-9 <= tick <= high * (1 + 1e-9) + 1e-9]


def month_ticks(days: int) -> list[Tick]:
    """The first day of each month, in a year of 365 or 366 days."""
    found, day = [], 0
    for month, length in zip(MONTHS, _DAYS, strict=True):
        found.append((float(day), month))
        day += length + (days == 366 and month == "Feb")
    return found


def axes(
    plane: Plane, *, x_ticks: Iterable[Tick], y_ticks: Iterable[Tick], x_name: str = "", y_name: str = ""
) -> Iterator[Markup]:
    """Rules across, numbers along both sides, the name of the values above and of the abscissa below."""
    right, foot = plane.width - plane.right, plane.height - plane.bottom
    for value, label in y_ticks:
        at = plane.up(value)
        yield line(plane.left, at, right, at, "rule")
        yield words(label, plane.left - 7, at + 4, anchor="end")
    for value, label in x_ticks:
        at = plane.across(value)
        yield line(at, foot, at, foot + 4, "tick")
        yield words(label, at, foot + 16, anchor="middle")
    yield words(y_name, 4, 14, kind="name")
    yield words(x_name, right, plane.height - 4, anchor="end", kind="name")


def curve(plane: Plane, xs: Values, ys: Values, kind: str, *, title: str = "") -> Markup:
    """One line."""
    return path(polyline(plane.points(xs, ys)), f"line {kind}", title=title)


def band(plane: Plane, xs: Values, low: Values, high: Values, kind: str, *, title: str = "") -> Markup:
    """The area between two lines."""
    there = list(plane.points(xs, high))
    back = list(plane.points(xs, low))
    return path(polyline([*there, *reversed(back)]) + "Z", f"band {kind}", title=title)


def legend(entries: Sequence[tuple[str, str]], *, right: float, y: float = 14, spread: float = 6.4) -> Iterator[Markup]:
    """Name and class of each line, set from the right; `spread`: pixels that a character takes."""
    x = right
    for name, kind in reversed(entries):
        x -= len(name) * spread
        yield words(name, x, y)
        yield line(x - 20, y - 4, x - 5, y - 4, f"line {kind}")
        x -= 34
