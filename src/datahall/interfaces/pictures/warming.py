"""Temperature after cooling is lost, and where the limit lies."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from datahall.interfaces.pictures.axes import Plane, Values, axes, curve, legend, round_range, value_ticks
from datahall.interfaces.pictures.drawing import circle, joined, line, svg, words


@dataclass(frozen=True, slots=True)
class Warming:
    """One case. reached_s: when it is at the limit; None: not within what is drawn."""

    name: str
    kind: str
    time_s: Values
    air_c: Values
    reached_s: float | None


def warming_curves(cases: Sequence[Warming], *, limit_c: float, title: str) -> Markup:
    """Air at the inlets over time, one line for each case; seconds, or minutes where they are many."""
    last_s = max((float(case.time_s[-1]) for case in cases if case.time_s.size), default=1.0)
    unit_s, unit = (60.0, "min") if last_s > 300 else (1.0, "s")
    lows = [float(case.air_c.min()) for case in cases if case.air_c.size]
    highs = [float(case.air_c.max()) for case in cases if case.air_c.size]
    plane = Plane((0.0, last_s / unit_s), round_range(min([*lows, limit_c]), max([*highs, limit_c])))
    sides = axes(
        plane, x_ticks=value_ticks(*plane.x), y_ticks=value_ticks(*plane.y), x_name=f"{unit} after the loss", y_name="°C"
    )
    at = plane.up(limit_c)
    parts = [joined(sides), line(plane.left, at, plane.width - plane.right, at, "limit")]
    parts.append(words(f"limit {limit_c:g} °C", plane.width - plane.right, at - 6, kind="bad", anchor="end"))
    for case in cases:
        parts.append(curve(plane, case.time_s / unit_s, case.air_c, case.kind, title=case.name))
        if case.reached_s is not None and case.reached_s <= last_s:
            parts.append(circle(plane.across(case.reached_s / unit_s), at, 4, f"dot {case.kind}", title=case.name))
    parts.append(joined(legend([(case.name, case.kind) for case in cases], right=plane.width - plane.right)))
    return svg(plane.width, plane.height, parts, title=title)
