"""Where on the page a figure stands, so that others can point to it."""

import math
import re

from markupsafe import Markup

from datahall.foundation.readable import with_unit
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


def said(figure: Figure) -> str:
    """A figure's value as people read it; shares of one that are close to it keep the digits that matter."""
    if figure.name == "pue":
        return f"{figure.value:.3f}"
    if figure.name.startswith("availability") and figure.unit == "1":
        return availability_text(figure.value)
    if figure.name.endswith("_ratio") and figure.unit == "1" and 0 < abs(figure.value) <= 10:
        return f"{figure.value:.1%}" if abs(figure.value) >= 1e-3 else f"{figure.value:.2e}"
    if figure.unit == "1" and 0 < abs(figure.value) < 1e-4:
        return f"{figure.value:.2e}"
    return with_unit(figure.value, figure.unit).strip()


def availability_text(ratio: float) -> str:
    """At least six digits, and so many that what is lacking to 1 shows two: nothing is ever available all the time."""
    lacking = 1 - ratio
    digits = 6 if lacking <= 0 else min(12, max(6, 1 - math.floor(math.log10(lacking))))
    return f"{ratio:.{digits}f}"


def about(figure: Figure) -> str:
    """What it is and how it follows, in one line."""
    parts = [figure.about or figure.name.replace("_", " ")]
    return " = ".join([*parts, figure.formula] if figure.formula else parts)
