"""Constants and intervals that never saw a published table, nor others of its platform: its rows are predicted by these."""

import functools
from pathlib import Path

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.spec import Spec
from datahall.models.cost.spec import Architecture
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.step_constants import StepConstants
from datahall.models.parallel.uncertainty import Kind, Quantiles, kind_of

STEPS = Path(__file__).with_name("held_out_steps.yaml")
SPREADS = Path(__file__).with_name("held_out_spreads.yaml")


class Platform(Spec):
    """Whose tables were left out as one."""

    name: str
    tables: tuple[str, ...] = Field(min_length=1)
    constants: StepConstants
    """Fitted on the other platforms' tables."""


class Platforms(Spec):
    """What benchmarks/models/fit_steps.py wrote; tables that are in none were fitted on by none."""

    platforms: tuple[Platform, ...]
    error: str = Field(min_length=8)
    """By how much rows that were left out are missed, in words."""


class SpreadWithout(Quantiles):
    kind: Kind
    without: str
    """The platform of dense rows that was left out, or the model of others, which few tables have."""


class Spreads(Spec):
    """What benchmarks/models/fit_uncertainty.py wrote."""

    spreads: tuple[SpreadWithout, ...]


@functools.cache
def platforms() -> Platforms:
    return load(STEPS, Platforms)


@functools.cache
def _spreads() -> dict[tuple[str, str], SpreadWithout]:
    return {(each.kind, each.without): each for each in load(SPREADS, Spreads).spreads}


@functools.cache
def platform_of(table: str) -> Platform | None:
    """The platform of a table that constants were fitted on; None of other tables."""
    return next((each for each in platforms().platforms if table in each.tables), None)


def tables_beside(table: str) -> frozenset[str]:
    """The table and all others of its platform."""
    platform = platform_of(table)
    return frozenset({table, *(platform.tables if platform else ())})


def constants_without(table: str) -> StepConstants | None:
    """Of a step, fitted without the table's platform; None where the shipped ones were not fitted on it either."""
    platform = platform_of(table)
    return platform.constants if platform else None


def left_out(table: str, architecture: Architecture, plan: TrainPlan) -> str:
    """What is left out of an interval for a row of a table: its platform, or its model where few tables have its kind."""
    if kind_of(architecture, plan) != "dense":
        return architecture.name
    platform = platform_of(table)
    return platform.name if platform else table


def spread_without(table: str, architecture: Architecture, plan: TrainPlan) -> SpreadWithout | None:
    """Quantiles chosen without the row's platform or model; None where the shipped ones were chosen without it."""
    return _spreads().get((kind_of(architecture, plan), left_out(table, architecture, plan)))


def told(table: str, architecture: Architecture, plan: TrainPlan) -> str:
    """Which constants a published row was predicted by, in words."""
    platform, spread = platform_of(table), spread_without(table, architecture, plan)
    step = f"constants fitted without {platform.name}" if platform else "constants not fitted on its table"
    return f"held out: {step}, interval chosen without {spread.without}" if spread else f"held out: {step}"
