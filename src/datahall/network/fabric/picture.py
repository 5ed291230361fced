"""A fabric as a picture: tiers from the servers up, a few switches of each drawn, bundles once with their number."""

from collections.abc import Iterator
from html import escape
from itertools import pairwise

from datahall.network.fabric.build import FabricBuild
from datahall.network.fabric.clos import Clos
from datahall.network.fabric.direct import DragonflySize, TorusSize
from datahall.network.fabric.tiers import Bundle

WIDTH, ROW, BOX_W, BOX_H, LEFT, SHOWN = 860, 104, 54, 30, 30, 8
LABEL = LEFT + SHOWN * (BOX_W + 12) + 24
ACCENT = "#2f81c7"
"""Between light and dark, readable on both; all else takes the text colour of the page."""


def picture_of(build: FabricBuild) -> str:
    """The fabric as SVG text. Lines and words take the colour of the text around it, so light and dark pages both do."""
    rows = _rows(build)
    height = ROW * (len(rows) - 1) + BOX_H + 90
    tops = [height - 40 - BOX_H - ROW * index for index in range(len(rows))]
    size = f'viewBox="0 0 {WIDTH} {height}" role="img" font-family="system-ui, sans-serif" font-size="13"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} fill="currentColor">',
        f"<title>{escape(_title(build))}</title>",
        _text(LEFT, 24, _title(build), bold=True),
    ]
    for (lower, top), (upper, above) in pairwise(zip(rows, tops, strict=True)):
        alone = lower[0] == "server" and build.rails == 1
        parts.extend(_lines(min(lower[1], SHOWN), top, min(upper[1], SHOWN), above + BOX_H, one_each=alone))
        parts.append(_text(LABEL, (top + above + BOX_H) / 2 + 4, _between(build, lower[0], upper[0]), colour=ACCENT))
    for (name, count, what), top in zip(rows, tops, strict=True):
        parts.extend(_boxes(name, count, top))
        parts.append(_text(LABEL, top + BOX_H / 2 + 4, what))
    parts.append(_text(LEFT, height - 12, _beside(build), small=True))
    return "\n".join([*parts, "</svg>"])


def _title(build: FabricBuild) -> str:
    rate = f"{build.link_bits_per_s / 1e9:g} Gbit/s"
    shape = build.fabric.topology.replace("_", " ")
    return f"{build.name}: {shape}, {build.endpoints:,} endpoints at {rate}"


def _rows(build: FabricBuild) -> list[tuple[str, int, str]]:
    """Name, number and words of each row, from the servers up."""
    each = f"{build.servers:,} servers with {build.endpoints_per_server} ports"
    rows = [("server", build.servers, each)]
    for tier in build.tiers:
        if tier.integrated:
            rows.append((tier.name, tier.switches, f"{tier.switches:,} places of the grid, each routes for itself"))
            continue
        ports = (
            f"{tier.down} down" + (f", {tier.up} up" if tier.up else "") + (f", {tier.across} across" if tier.across else "")
        )
        plural = tier.name if tier.switches == 1 else "leaves" if tier.name == "leaf" else f"{tier.name}s"
        rows.append((tier.name, tier.switches, f"{tier.switches:,} {plural} ({ports})"))
    return rows


def _between(build: FabricBuild, lower: str, upper: str) -> str:
    found = [bundle for bundle in build.bundles if (bundle.lower, bundle.upper) == (lower, upper)]
    return ", ".join(_words(bundle) for bundle in found) or "inside the server"


def _words(bundle: Bundle) -> str:
    words = f"{bundle.links:,} links"
    parallel = bundle.links // bundle.pairs if bundle.pairs else 0
    return f"{words}, {parallel} for each pair" if parallel > 1 else words


def _beside(build: FabricBuild) -> str:
    """What the rows do not show: planes and pods, links inside a tier."""
    match build.wiring.shape:
        case Clos() as shape:
            words = [f"{shape.planes} planes that only servers join"] if shape.planes > 1 else []
            words += [f"{shape.pods} pods of {shape.leaves} leaves and {shape.spines} spines"] if shape.pods > 1 else []
            words += [f"{build.rails} rails"] if build.rails > 1 else []
        case DragonflySize() as shape:
            words = [f"{shape.groups} groups of {shape.switches_per_group}, {shape.links_of_pair} links between any two"]
            words += [f"{build.links_of('local'):,} links inside groups, {build.links_of('global'):,} between them"]
        case TorusSize() as shape:
            words = [f"grid of {' x '.join(map(str, shape.dimensions))}, {shape.links:,} links"]
    return "; ".join([*words, f"{build.switches:,} switches, {build.power_w / 1e3:,.4g} kW"])


def _boxes(name: str, count: int, top: float) -> Iterator[str]:
    """Up to eight, the last of more with an ellipsis."""
    shown = min(count, SHOWN)
    for index in range(shown):
        x = _left(index, shown)
        dots = count > SHOWN and index == SHOWN - 1
        colour = "currentColor" if name == "server" else ACCENT
        drawn = f'rx="4" fill="none" stroke="{colour}" stroke-width="1.4"'
        yield f'<rect x="{x:g}" y="{top:g}" width="{BOX_W}" height="{BOX_H}" {drawn}/>'
        label = "…" if dots else str(index)
        yield f'<text x="{x + BOX_W / 2:g}" y="{top + BOX_H / 2 + 4:g}" text-anchor="middle" font-size="12">{label}</text>'


def _lines(lower: int, top: float, upper: int, bottom: float, *, one_each: bool) -> Iterator[str]:
    """Every box of a row to every box of the next, thin: a bundle, not each link. one_each: to the nearest alone."""
    for one in range(lower):
        for other in [one * upper // lower] if one_each else range(upper):
            x1, x2 = _left(one, lower) + BOX_W / 2, _left(other, upper) + BOX_W / 2
            drawn = 'stroke="currentColor" stroke-width="0.6" opacity="0.35"'
            yield f'<line x1="{x1:g}" y1="{top:g}" x2="{x2:g}" y2="{bottom:g}" {drawn}/>'


def _left(index: int, shown: int) -> float:
    """Boxes of a row are centred."""
    margin = (SHOWN - shown) * (BOX_W + 12) / 2
    return LEFT + margin + index * (BOX_W + 12)


def _text(x: float, y: float, words: str, *, bold: bool = False, small: bool = False, colour: str | None = None) -> str:
    style = (' font-weight="600"' if bold else "") + (' font-size="12" opacity="0.8"' if small else "")
    return f'<text x="{x:g}" y="{y:g}"{style}{f" fill={colour!r}" if colour else ""}>{escape(words)}</text>'
