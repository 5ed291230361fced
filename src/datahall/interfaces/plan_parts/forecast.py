"""What pages about forecasts share: tiles and cards of traced figures, tables of parts with the colours of their bar."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from markupsafe import Markup

from datahall.interfaces.figure_text import about, said
from datahall.interfaces.pictures.bars import Part, colour_of
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Block, Card, Cards, Lines, Table
from datahall.planner.assumptions import Assumption

Said = tuple[str, str, str]
"""A label, the figure's name, and what to say instead of the figure's own words; empty: these."""


def figure_rows(rows: Sequence[Said], anchors: Anchors) -> list[tuple[str, str, str, str]]:
    """Label, value, anchor and explanation of each row whose figure there is."""
    found = ((label, anchors.figures.by_name.get(name), text) for label, name, text in rows)
    return [(label, text or said(figure), anchors.of(figure.name), about(figure)) for label, figure, text in found if figure]


def cards(groups: Mapping[str, Sequence[Said]], anchors: Anchors) -> Cards:
    """A card for each subject of which any figure is known."""
    made = (Card(title, tuple(figure_rows(rows, anchors))) for title, rows in groups.items())
    return Cards(tuple(card for card in made if card.rows))


def ordered(parts: Mapping[str, float]) -> list[Part]:
    """The largest first, nothings left out; what comes back is negative."""
    return [Part(name, value) for name, value in sorted(parts.items(), key=lambda part: -part[1]) if value]


def parts_table(parts: Sequence[Part], heads: tuple[str, str], *, said: Callable[[float], str], whole: float) -> Table:
    """Each part with the colour of its bar, its value and its share of the whole."""
    names = [part.name for part in parts]
    rows = tuple((swatched(part.name, names), said(part.value), f"{part.value / whole:.1%}") for part in parts)
    return Table((*heads, "Share"), rows, numbers=frozenset({1, 2}))


def swatched(name: str, names: Sequence[str]) -> Markup:
    return Markup('<i class="swatch {}"></i>{}').format(colour_of(name, names), name)


def not_computed(missing: Sequence[Assumption]) -> Iterator[Block]:
    if missing:
        lines = tuple(f"{gap.what} (declare {gap.where})" for gap in missing)
        yield Lines(lines, title="Not computed", warning=True)
