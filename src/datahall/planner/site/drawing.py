"""Small pictures for the page, as inline SVG: numbers only, so that nothing from a file can break out of them."""

from collections.abc import Sequence

from datahall.planner.site.methods import Array
from datahall.planner.site.stability import Firmness

COLOURS = ("#1f5eff", "#16836b", "#e0a02c", "#8a5bd6", "#d6604d", "#4aa3c7", "#7a8f2b", "#c2559b", "#6b7280")
"""One for each criterion, in order; told apart also in print by their order in the bar."""
WIDTH = 240


def stacked_bar(shares: Sequence[float]) -> str:
    """What a site earns of each criterion's weight, side by side; the whole width is 1."""
    parts, x = (
        [f'<svg class="bar" viewBox="0 0 {WIDTH} 14" role="img">', f'<rect width="{WIDTH}" height="14" fill="#eef0f4"/>'],
        0.0,
    )
    for i, share in enumerate(shares):
        width = max(share, 0.0) * WIDTH
        parts.append(f'<rect x="{x:.2f}" width="{width:.2f}" height="14" fill="{COLOURS[i % len(COLOURS)]}"/>')
        x += width
    return "".join([*parts, "</svg>"])


def rank_whisker(firm: Firmness, *, sites: int) -> str:
    """The interval of 90 % of a site's places, and its mean place as a dot; the left end is the first place."""
    step = (WIDTH - 16) / max(sites - 1, 1)
    low, high, mean = (8 + (rank - 1) * step for rank in (firm.low_rank, firm.high_rank, firm.mean_rank))
    return (
        f'<svg class="bar" viewBox="0 0 {WIDTH} 14" role="img"><line x1="8" x2="{WIDTH - 8}" y1="7" y2="7" stroke="#d5d9e0"/>'
        f'<line x1="{low:.2f}" x2="{high:.2f}" y1="7" y2="7" stroke="#1f5eff" stroke-width="4" stroke-linecap="round"/>'
        f'<circle cx="{mean:.2f}" cy="7" r="4.5" fill="#14181f"/></svg>'
    )


def heat_strip(month_hour: Array, *, low: float, high: float) -> str:
    """PUE by month (rows) and hour of the local day (columns), light where it is low."""
    cells = [
        f'<rect x="{10 * hour}" y="{7 * month}" width="10" height="7" fill="{heat(value, low=low, high=high)}"/>'
        for month, row in enumerate(month_hour)
        for hour, value in enumerate(row)
    ]
    return "".join(['<svg class="heat" viewBox="0 0 240 84" role="img" shape-rendering="crispEdges">', *cells, "</svg>"])


def heat(value: float, *, low: float, high: float) -> str:
    """From pale (low) over orange to dark red (high), as a colour."""
    share = 0.0 if high <= low else min(max((float(value) - low) / (high - low), 0.0), 1.0)
    stops = ((255, 247, 224), (244, 154, 76), (139, 26, 36))
    first, second = (stops[0], stops[1]) if share < 0.5 else (stops[1], stops[2])
    part = share * 2 if share < 0.5 else share * 2 - 1
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in zip(first, second, strict=True))


def shade(goodness: float) -> str:
    """The background of a cell: white at the worst site, green at the best."""
    share = min(max(goodness, 0.0), 1.0)
    return "#" + "".join(f"{round(255 + (end - 255) * share):02x}" for end in (176, 224, 190))
