"""How far a predicted step may be from what will be measured: an interval that holds about 80 % of steps never seen."""

import functools
from math import exp
from pathlib import Path
from typing import Literal

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.spec import Spec
from datahall.models.cost.spec import Architecture
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack

FILE = Path(__file__).parent / "constants/uncertainty.yaml"
NARROW = ("fp8", "nvfp4")
Kind = Literal["dense", "narrow", "experts"]


class Quantiles(Spec):
    """Of the logarithm of measured over predicted seconds, between which 80 % lie."""

    low: float
    high: float


class Spread(Quantiles):
    """The same of a class of rows, and where it comes from."""

    tables: tuple[str, ...]
    """Whose rows it was taken from, each table with the same weight."""
    rows: int = Field(ge=0)
    coverage_ratio: float = Field(ge=0, le=1)
    """Share of the rows of a table, within the interval that was chosen without it, averaged over tables."""


class Uncertainty(Spec):
    """What benchmarks/models/fit_uncertainty.py wrote."""

    dense: Spread
    """Dense models in 16 or 32 bits."""
    narrow: Spread
    """Dense models in 8 or 4 bits."""
    experts: Spread
    """Models with routed experts."""
    unstated_log: float = Field(ge=0, le=1)
    """Added on both sides where the software is not stated: spread of one configuration over stacks, logarithm."""
    source: str
    date: str


@functools.cache
def uncertainty() -> Uncertainty:
    return load(FILE, Uncertainty)


def kind_of(architecture: Architecture, plan: TrainPlan) -> Kind:
    """The class that the plan belongs to."""
    if architecture.experts is not None:
        return "experts"
    return "narrow" if plan.precision in NARROW else "dense"


def spread_of(architecture: Architecture, plan: TrainPlan) -> Spread:
    """Of the plan's class."""
    known = uncertainty()
    return {"dense": known.dense, "narrow": known.narrow, "experts": known.experts}[kind_of(architecture, plan)]


def interval_of(
    seconds: float,
    *,
    architecture: Architecture,
    plan: TrainPlan,
    stack: Stack | None = None,
    spread: Quantiles | None = None,
) -> tuple[float, float]:
    """Low and high seconds between which a measured step lies in about 80 % of cases.

    stack: None where the software is not stated, which widens the interval. spread: another than the class's own. Source:
    errors on published tables that the constants of the step never saw; see constants/uncertainty.yaml.
    """
    spread, more = spread or spread_of(architecture, plan), uncertainty().unstated_log if stack is None else 0.0
    return seconds * exp(spread.low - more), seconds * exp(spread.high + more)
