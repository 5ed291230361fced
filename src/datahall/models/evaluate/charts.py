"""Small SVG charts that take their colours from the page, so that they are readable in dark and in light.

Drawn here rather than by matplotlib: its SVG fixes every colour, and it needs a writable home for its font cache.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from datahall.foundation.scale import ticks

WIDTH, HEIGHT = 380, 236
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 38
_MAX_DOTS = 60


@dataclass(frozen=True, slots=True)
class Series:
    """A line: its name, its colour's number in the page, and its points; a point without a value is left out."""

    name: str
    colour: int
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Frame:
    """The window of a chart and where its values land."""

    x: tuple[float, float]
    y: tuple[float, float]

    def left(self, x: float) -> float:
        return LEFT + (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1) * (WIDTH - LEFT - RIGHT)

    def top(self, y: float) -> float:
        return HEIGHT - BOTTOM - (y - self.y[0]) / ((self.y[1] - self.y[0]) or 1) * (HEIGHT - TOP - BOTTOM)


def line_chart(series: Sequence[Series], *, title: str, x_name: str, from_zero: bool = False) -> Markup:
    """Lines over a common x; the page names the y axis. Values that are not finite are left out."""
    drawn = [Series(s.name, s.colour, [p for p in s.points if all(map(math.isfinite, p))]) for s in series]
    xs, ys = ([p[axis] for s in drawn for p in s.points] or [0.0, 1.0] for axis in (0, 1))
    y_ticks = ticks(0 if from_zero else min(ys), max(ys))
    frame = Frame((min(xs), max(xs)), (y_ticks[0], y_ticks[-1]))
    x_ticks = [t for t in ticks(*frame.x, whole=True) if frame.x[0] <= t <= frame.x[1]]
    body = Markup("").join([_axes(frame, x_ticks, y_ticks, x_name), *(_line(frame, s) for s in drawn)])
    return _svg(body, f"{title} over {x_name}")


def reliability_chart(bins: Sequence[dict[str, float | None]]) -> Markup:
    """Accuracy of each confidence bin as a bar, paler where rows are few, a dot at its mean confidence, and the diagonal."""
    frame = Frame((0.0, 1.0), (0.0, 1.0))
    fifths = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    parts = [_axes(frame, fifths, fifths, "confidence")]
    most = max((found["rows"] or 0 for found in bins), default=0)
    parts.append(_tag("line", "ideal", x1=frame.left(0), y1=frame.top(0), x2=frame.left(1), y2=frame.top(1)))
    for found in bins:
        if found["rows"]:
            parts += _bin(frame, found, opacity=0.15 + 0.65 * math.sqrt(found["rows"] / most))
    return _svg(Markup("").join(parts), "accuracy over confidence")


def _axes(frame: Frame, x_ticks: Sequence[float], y_ticks: Sequence[float], x_name: str) -> Markup:
    parts = []
    for y in y_ticks:
        at = frame.top(y)
        parts.append(_tag("line", "grid", x1=LEFT, x2=WIDTH - RIGHT, y1=at, y2=at))
        parts.append(_text(f"{y:g}", LEFT - 8, at + 4, anchor="end"))
    parts += [_text(f"{x:g}", frame.left(x), HEIGHT - BOTTOM + 18) for x in x_ticks]
    parts.append(_text(x_name, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4))
    return Markup("").join(parts)


def _line(frame: Frame, series: Series) -> Markup:
    where = [(frame.left(x), frame.top(y)) for x, y in series.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in where)
    line = Markup('<polyline class="line c{}" points="{}"/>').format(series.colour, path)
    return line + Markup("").join(_dots(series, where))


def _dots(series: Series, where: Sequence[tuple[float, float]]) -> Iterator[Markup]:
    """Points that show their value under the pointer; invisible ones when there are many."""
    kind = "dot" if len(where) <= _MAX_DOTS else "dot many"
    shape = Markup('<circle class="{} c{}" cx="{:.1f}" cy="{:.1f}" r="3"><title>{}</title></circle>')
    for (x, y), (left, top) in zip(series.points, where, strict=True):
        yield shape.format(kind, series.colour, left, top, f"{series.name}: {y:.4g} at {x:g}")


def _bin(frame: Frame, found: dict[str, float | None], *, opacity: float) -> list[Markup]:
    start, end, accuracy, confidence = (float(found[k] or 0) for k in ("from", "to", "accuracy", "confidence"))
    title = f"{found['rows']} rows, mean confidence {confidence:.3f}, right {accuracy:.3f}"
    bar = Markup(
        '<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" opacity="{:.2f}"><title>{}</title></rect>'
    )
    left, right, top = frame.left(start) + 1, frame.left(end) - 1, frame.top(accuracy)
    drawn = bar.format(left, top, right - left, max(frame.top(0) - top, 1.5), opacity, title)
    dot = Markup('<circle class="dot c2" cx="{:.1f}" cy="{:.1f}" r="3.5"><title>{}</title></circle>')
    return [drawn, dot.format(frame.left(confidence), frame.top(accuracy), title)]


def _tag(name: str, kind: str, **numbers: float) -> Markup:
    attributes = Markup(" ").join(Markup('{}="{:.1f}"').format(key, value) for key, value in numbers.items())
    return Markup('<{} class="{}" {}/>').format(name, kind, attributes)


def _text(text: str, x: float, y: float, *, anchor: str = "middle") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, text)


def _svg(body: Markup, title: str) -> Markup:
    head = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    return head.format(WIDTH, HEIGHT, title, body)
