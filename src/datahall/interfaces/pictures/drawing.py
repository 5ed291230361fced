"""Pieces of SVG: shapes and words. Words are escaped; colours are classes of the page's style sheet."""

from collections.abc import Iterable

from markupsafe import Markup

LEVELS = 9
"""Steps of the colour scale `q0` … `q8`, from little to much."""


def svg(width: float, height: float, parts: Iterable[Markup], *, title: str, kind: str = "") -> Markup:
    """A whole picture; `title` says to those who do not see it what it shows.

    The style sheet learns the natural width as `--w`: how far it may shrink before its words are too small.
    """
    head = Markup('<svg class="{}" viewBox="0 0 {} {}" style="--w:{}px" role="img"><title>{}</title>')
    names = f"picture {kind}".strip()
    return head.format(names, short(width), short(height), short(width, 0), title) + joined(parts) + Markup("</svg>")


def rect(x: float, y: float, width: float, height: float, kind: str, *, title: str = "", round_px: float = 0) -> Markup:
    shape = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"{}').format(
        kind, short(x), short(y), short(max(width, 0)), short(max(height, 0)), _round(round_px)
    )
    return _told(shape, "rect", title)


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(kind, short(x1), short(y1), short(x2), short(y2))


def circle(x: float, y: float, radius: float, kind: str, *, title: str = "") -> Markup:
    shape = Markup('<circle class="{}" cx="{}" cy="{}" r="{}"').format(kind, short(x), short(y), short(radius))
    return _told(shape, "circle", title)


def path(way: str, kind: str, *, title: str = "") -> Markup:
    """way: the `d` attribute, made of our own numbers and letters."""
    return _told(Markup('<path class="{}" d="{}"').format(kind, way), "path", title)


def words(text: str, x: float, y: float, *, kind: str = "", anchor: str = "start", most: int | None = None) -> Markup:
    """One line of text; cut to `most` characters, and then told whole under the pointer."""
    shown = text if most is None or len(text) <= most else text[: max(most - 1, 1)].rstrip() + "…"
    whole = Markup("<title>{}</title>").format(text) if shown != text else ""
    shape = Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}{}</text>')
    return shape.format(kind, short(x), short(y), anchor, shown, whole)


def moved(parts: Iterable[Markup], *, x: float = 0, y: float = 0, scale_x: float = 1, scale_y: float = 1) -> Markup:
    """Parts drawn elsewhere, and larger or smaller."""
    scale = f" scale({short(scale_x, 5)} {short(scale_y, 5)})" if (scale_x, scale_y) != (1, 1) else ""
    return Markup('<g transform="translate({} {}){}">').format(short(x), short(y), scale) + joined(parts) + Markup("</g>")


def joined(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)


def polyline(points: Iterable[tuple[float, float]]) -> str:
    """The way through the points, for `path`."""
    return "M" + "L".join(f"{short(x)} {short(y)}" for x, y in points)


def short(value: float, digits: int = 1) -> str:
    """`12.30` -> `12.3`, `12.0` -> `12`: a page has many numbers."""
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def level_of(value: float, low: float, high: float) -> int:
    """Step of the colour scale, 0 … 8, for a value between low and high; those beyond take the last step."""
    if not high > low:
        return 0
    return min(LEVELS - 1, max(0, int((value - low) / (high - low) * LEVELS)))


def _round(radius: float) -> Markup:
    return Markup(' rx="{}"').format(short(radius)) if radius else Markup("")


def _told(shape: Markup, tag: str, title: str) -> Markup:
    return shape + (Markup("><title>{}</title></{}>").format(title, tag) if title else Markup("/>"))
