"""Curves over a quantity that grows, such as latency over load, with the limits that were asked for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from datahall.foundation.scale import ticks
from datahall.interfaces.pictures.axes import Plane, Values, axes, curve, legend
from datahall.interfaces.pictures.drawing import circle, line, svg, words

Said = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Rising:
    """One curve with its name and colour's class; a word for each of its points under the pointer."""

    name: str
    kind: str
    xs: Values
    ys: Values
    about: tuple[str, ...] = ()


def rising(
    curves: Sequence[Rising],
    *,
    x_name: str,
    y_name: str,
    x_said: Said,
    y_said: Said,
    title: str,
    limit: tuple[float, str] | None = None,
    mark: tuple[float, str] | None = None,
) -> Markup:
    """The picture. limit: across, with its name. mark: upright, such as the load that was asked for."""
    xs = np.concatenate([one.xs for one in curves] + ([np.array([mark[0]])] if mark else []))
    # Above the limit there is room for its name.
    ys = np.concatenate([one.ys for one in curves] + ([np.array([1.1 * limit[0]])] if limit else []))
    across, up = ticks(0.0, float(xs.max())), ticks(0.0, float(ys.max()))
    plane = Plane((across[0], across[-1]), (up[0], up[-1]), left=78, right=34)
    drawn = list(
        axes(
            plane, x_ticks=[(x, x_said(x)) for x in across], y_ticks=[(y, y_said(y)) for y in up], x_name=x_name, y_name=y_name
        )
    )  # fmt: skip
    for one in curves:
        drawn.append(curve(plane, one.xs, one.ys, one.kind, title=one.name))
        drawn += _dots(one, plane)
    drawn += _bounds(plane, limit, mark)
    drawn += legend([(one.name, one.kind) for one in curves], right=plane.width - plane.right)
    return svg(plane.width, plane.height, drawn, title=title)


def _dots(one: Rising, plane: Plane) -> Iterator[Markup]:
    for n, (x, y) in enumerate(plane.points(one.xs, one.ys)):
        yield circle(x, y, 3.2, f"dot {one.kind}", title=one.about[n] if n < len(one.about) else "")


def _bounds(plane: Plane, limit: tuple[float, str] | None, mark: tuple[float, str] | None) -> Iterator[Markup]:
    if limit:
        at = plane.up(limit[0])
        yield line(plane.left, at, plane.width - plane.right, at, "limit")
        yield words(limit[1], plane.left + 6, at - 5, kind="bad")
    if mark:
        at = plane.across(mark[0])
        yield line(at, plane.top, at, plane.height - plane.bottom, "base")
        yield words(mark[1], at + 5, plane.height - plane.bottom - 8, kind="strong")
