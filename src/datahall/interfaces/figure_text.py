"""Figures in words: the same on the screen, in comparisons and on the page."""

from datahall.foundation.nines import availability_text
from datahall.foundation.readable import with_unit
from datahall.planner.figures import Figure
from datahall.planner.plan import Plan


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


def bounded(plan: Plan, figure: Figure) -> str:
    """The value; money is a lower bound while the bill lacks lines."""
    return f"≥ {said(figure)}" if plan.cost.missing and is_money(figure) else said(figure)


def is_money(figure: Figure) -> bool:
    return len(figure.unit) == 3 and figure.unit.isupper()


def about(figure: Figure) -> str:
    """What it is and how it follows, in one line."""
    parts = [figure.about or figure.name.replace("_", " ")]
    return " = ".join([*parts, figure.formula] if figure.formula else parts)
