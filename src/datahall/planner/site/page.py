"""One self-contained page about a site choice: nothing is loaded, no script runs, and it prints."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from datahall.foundation.readable import significant
from datahall.planner.site.drawing import COLOURS, heat_strip, rank_whisker, shade, stacked_bar
from datahall.planner.site.measures import figure_text
from datahall.planner.site.methods import METHODS
from datahall.planner.site.result import RankedSite, SiteChoice
from datahall.planner.site.words import METHOD_WORDS


def site_page(choice: SiteChoice) -> str:
    """The page, as HTML. Every text from a file is escaped."""
    environment = Environment(
        loader=PackageLoader("datahall.planner.site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": lambda ratio: f"{ratio:.0%}", "method": lambda name: METHOD_WORDS[name]}
    return environment.get_template("site.html").render(
        choice=choice,
        methods=list(METHODS),
        unit=_heading,
        legend=[(COLOURS[i % len(COLOURS)], c) for i, c in enumerate(choice.criteria)],
        rows=[_row(choice, site) for site in choice.sites],
        changes=list(_changes(choice)),
        strips=list(_strips(choice)),
    )


def _row(choice: SiteChoice, site: RankedSite) -> dict[str, Any]:
    firm = site.around[choice.method]
    return {
        "site": site,
        "bar": stacked_bar([site.shares[c.measure] for c in choice.criteria]),
        "whisker": rank_whisker(firm, sites=len(choice.sites)),
        "around": firm,
        "anywhere": site.anywhere[choice.method],
        "cells": [
            {
                "text": _bare(site.figures[c.measure], c.unit),
                "shade": shade(site.shares[c.measure] / c.weight if c.weight > 0 else 0.0),
            }
            for c in choice.criteria
        ],
        "basis": [site.year.basis.get(quantity, "not known") for quantity in ("weather", "carbon", "price")],
    }


def _bare(value: float, unit: str) -> str:
    """A cell's figure; its unit stands in the heading."""
    return significant(value * 1e3 if unit == "s" else value)


def _heading(unit: str) -> str:
    return {"s": "ms", "1": ""}.get(unit, unit)


def _changes(choice: SiteChoice) -> Iterator[dict[str, str]]:
    """What would change the answer, criterion by criterion."""
    for weight, value in zip(choice.weight_changes, choice.value_changes, strict=True):
        criterion = choice.criteria[weight.criterion]
        moved = weight.needed is not None and weight.winner is not None
        yield {
            "words": criterion.words,
            "weight": f"{weight.now:.3f}",
            "needed": f"{weight.needed:.3f}" if moved else "no weight does",
            "first": choice.sites[weight.winner or 0].name if moved else "–",
            "figure": figure_text(value.now, criterion.unit),
            "figure_needed": "no figure does" if value.needed is None else figure_text(value.needed, criterion.unit),
        }


def _strips(choice: SiteChoice) -> Iterator[tuple[RankedSite, str]]:
    """PUE by month and hour at each site, all on one scale."""
    shown = [(site, site.year.pue_by_month_hour) for site in choice.sites]
    found = [(site, means) for site, means in shown if means is not None]
    if not found:
        return
    everything = np.stack([means for _, means in found])
    low, high = float(everything.min()), float(everything.max())
    for site, means in found:
        yield site, heat_strip(means, low=low, high=high)
