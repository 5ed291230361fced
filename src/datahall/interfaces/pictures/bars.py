"""Sums as bars: what a year, a step or a memory is made of, and what moves it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from datahall.foundation.scale import ticks
from datahall.interfaces.pictures.drawing import line, rect, svg, words

WIDTH, LEFT, RIGHT, ROW = 980, 190, 24, 25
COLOURS = 12
"""Classes `s0` … `s11` of parts of a stack; the thirteenth part takes the first colour again."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a stack; negative for what comes back."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Reach:
    """What a driver does to the result at both ends of its range, in words too."""

    name: str
    low: float
    high: float
    low_label: str
    high_label: str


def stacks(
    rows: Sequence[tuple[str, Sequence[Part]]],
    *,
    said: Callable[[float], str],
    title: str,
    each: str = " a year",
    limit: tuple[float, str] | None = None,
) -> Markup:
    """One stacked bar for each row, on one scale; a part has the same colour in every row, by the order of first sight.

    each: what a value is of, in words after it. limit: a value that no bar should pass, and its name.
    """
    names = list(dict.fromkeys(part.name for _, parts in rows for part in parts))
    spans = [_span(parts) for _, parts in rows]
    most = max([0.0, *(high for _, high in spans), *([limit[0]] if limit else [])])
    marks = ticks(min([0.0, *(low for low, _ in spans)]), most or 1.0)
    height = 10 + 44 * len(rows) + 22
    left = LEFT if len(rows) > 1 else 44

    def x(value: float) -> float:
        return left + (value - marks[0]) / (marks[-1] - marks[0]) * (WIDTH - left - 80)

    drawn = list(_rules(marks, x, top=6, foot=height - 22, said=said))
    for index, (row, parts) in enumerate(rows):
        top = 12 + 44 * index
        if len(rows) > 1:
            drawn.append(words(row, left - 10, top + 21, anchor="end", most=26))
        drawn += _stack(parts, names, x, top=top, said=said, each=each)
    if limit:
        drawn.append(line(x(limit[0]), 4, x(limit[0]), height - 20, "limit"))
        drawn.append(words(limit[1], x(limit[0]) - 5, 9, kind="bad", anchor="end"))
    return svg(WIDTH, height, drawn, title=title)


def tornado(reaches: Sequence[Reach], *, base: float, said: Callable[[float], str], title: str) -> Markup:
    """Drivers from the strongest down: the result with each at its low end and at its high end, about the base."""
    values = [base, *(r.low for r in reaches), *(r.high for r in reaches)]
    marks = ticks(min(values), max(values))
    height = 24 + ROW * len(reaches) + 24

    def x(value: float) -> float:
        return LEFT + 100 + (value - marks[0]) / (marks[-1] - marks[0]) * (WIDTH - LEFT - 200 - RIGHT)

    drawn = list(_rules(marks, x, top=10, foot=height - 24, said=said))
    for index, reach in enumerate(reaches):
        drawn += _reach(reach, base, x, top=16 + ROW * index)
    drawn.append(line(x(base), 8, x(base), height - 22, "base"))
    return svg(WIDTH, height, drawn, title=title)


def colour_of(name: str, names: Sequence[str]) -> str:
    """Class of a part of a stack, by its place among the names."""
    return f"s{names.index(name) % COLOURS}"


def _span(parts: Sequence[Part]) -> tuple[float, float]:
    return sum(min(p.value, 0.0) for p in parts), sum(max(p.value, 0.0) for p in parts)


def _stack(
    parts: Sequence[Part],
    names: Sequence[str],
    x: Callable[[float], float],
    *,
    top: float,
    said: Callable[[float], str],
    each: str,
) -> Iterator[Markup]:
    below = above = 0.0
    total = sum(part.value for part in parts)
    for part in parts:
        start = below if part.value < 0 else above
        end = start + part.value
        below, above = (end, above) if part.value < 0 else (below, end)
        told = f"{part.name}: {said(part.value)}{each}, {part.value / total:.1%}" if total else part.name
        left, right = sorted((x(start), x(end)))
        yield rect(left, top, right - left, 30, f"part {colour_of(part.name, names)}", title=told)
        if part.value > 0 and total > 0 and right - left > 46:
            yield words(f"{part.value / total:.0%}", (left + right) / 2, top + 20, kind="on", anchor="middle")
    yield words(said(total), x(above) + 6, top + 20, kind="strong")


def _reach(reach: Reach, base: float, x: Callable[[float], float], *, top: float) -> Iterator[Markup]:
    yield words(reach.name, LEFT - 4, top + 14, anchor="end", most=30)
    for end, label, kind in ((reach.low, reach.low_label, "c1"), (reach.high, reach.high_label, "c2")):
        left, right = sorted((x(base), x(end)))
        yield rect(left, top, right - left, ROW - 8, f"reach {kind}", title=f"{reach.name} at {label}")
        outside = x(end) >= x(base)
        yield words(label, x(end) + (5 if outside else -5), top + 14, anchor="start" if outside else "end", most=14)


def _rules(
    marks: Sequence[float], x: Callable[[float], float], *, top: float, foot: float, said: Callable[[float], str]
) -> Iterator[Markup]:
    for mark in marks:
        yield line(x(mark), top, x(mark), foot, "rule")
        yield words(said(mark), x(mark), foot + 15, anchor="middle")
