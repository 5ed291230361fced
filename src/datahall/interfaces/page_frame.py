"""The frame of every page about a hall: one self-contained HTML file that loads nothing and runs no script."""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from datahall.interfaces.plan_parts.blocks import Section


@dataclass(frozen=True, slots=True)
class Chapter:
    """One subject on the page."""

    anchor: str
    kind: str
    """What it is, above its name: `plan of a hall`."""
    name: str
    headline: str
    """In one line, for the head of a page that compares several."""
    lead: str
    """The same below the name."""
    tiles: list[tuple[str, str, str, str]]
    """Name, value, anchor and explanation of what is read first."""
    sections: tuple[Section, ...]


def render(chapters: Sequence[Chapter], comparison: Section | None, *, title: str) -> str:
    """The page; with a comparison it begins with that. Every word is escaped. Raises ValueError without chapters."""
    if not chapters:
        raise ValueError("render: no chapter is given, but a page is about at least one")
    environment = Environment(
        loader=PackageLoader("datahall.interfaces"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("plan.html").render(chapters=chapters, comparison=comparison, title=title)
