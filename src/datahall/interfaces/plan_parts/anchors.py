"""Where on the page a figure stands, so that others can point to it."""

import re

from markupsafe import Markup

from datahall.interfaces.figure_text import about
from datahall.planner.figures import Figure, Figures

_ODD = re.compile(r"[^A-Za-z0-9._-]+")


class Anchors:
    """An anchor for each figure of a plan: its name, as far as an address can hold it; none twice on a page.

    prefix: tells apart the plans of one page.
    """

    def __init__(self, figures: Figures, prefix: str = "") -> None:
        self.figures, self.prefix = figures, prefix
        self._of: dict[str, str] = {}
        taken = set[str]()
        for name in figures.by_name:
            plain = base = f"{prefix}figure-{_ODD.sub('-', name)}"
            number = 2
            while plain in taken:
                plain, number = f"{base}-{number}", number + 1
            taken.add(plain)
            self._of[name] = plain

    def of(self, name: str) -> str:
        return self._of[name]

    def section(self, word: str) -> str:
        return f"{self.prefix}{word}"

    def link(self, figure: Figure, text: str) -> Markup:
        """The text as a link to where the figure comes from."""
        return Markup('<a href="#{}" title="{}">{}</a>').format(self.of(figure.name), about(figure), text)
