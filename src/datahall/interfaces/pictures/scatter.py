"""Points in a plane, such as time against money: those that no other beats are joined."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from datahall.foundation.scale import ticks
from datahall.interfaces.pictures.axes import Plane, axes
from datahall.interfaces.pictures.drawing import circle, path, polyline, svg, words

RADII = 5.0, 13.0
"""Of the least and the most, px."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One point. size: what its area stands for."""

    x: float
    y: float
    size: float
    label: str
    """Above it; may be empty."""
    about: str
    """Under the pointer."""
    front: bool
    chosen: bool = False


def scatter(
    spots: Sequence[Spot],
    *,
    x_name: str,
    y_name: str,
    x_said: Callable[[float], str],
    y_said: Callable[[float], str],
    title: str,
    from_zero: bool = True,
) -> Markup:
    """The picture. Raises ValueError without spots."""
    if not spots:
        raise ValueError("scatter: no spot is given")
    low = 0.0 if from_zero else min(spot.x for spot in spots)
    across, up = _marks([low, *(spot.x for spot in spots)]), _marks([0.0, *(spot.y for spot in spots)])
    plane = Plane((across[0], across[-1]), (up[0], up[-1]), height=330, left=84, right=40)
    x_ticks, y_ticks = ([(mark, said(mark)) for mark in marks] for marks, said in ((across, x_said), (up, y_said)))
    drawn = list(axes(plane, x_ticks=x_ticks, y_ticks=y_ticks, x_name=x_name, y_name=y_name))
    front = sorted((spot.x, spot.y) for spot in spots if spot.front)
    if len(front) > 1:
        drawn.append(path(polyline((plane.across(x), plane.up(y)) for x, y in front), "line c1"))
    most = max(spot.size for spot in spots) or 1.0
    for spot in sorted(spots, key=lambda spot: (spot.chosen, spot.size)):
        drawn += _spot(spot, plane, most)
    return svg(plane.width, plane.height, drawn, title=title)


def _marks(values: Sequence[float]) -> list[float]:
    return ticks(min(values), max(values))


def _spot(spot: Spot, plane: Plane, most: float) -> Iterator[Markup]:
    small, large = RADII
    radius = small + (large - small) * (spot.size / most) ** 0.5
    at, up = plane.across(spot.x), plane.up(spot.y)
    kind = "spot chosen" if spot.chosen else "spot front" if spot.front else "spot"
    yield circle(at, up, radius, kind, title=spot.about)
    yield words(spot.label, at, up - radius - 5, kind="name" if spot.chosen else "", anchor="middle")
